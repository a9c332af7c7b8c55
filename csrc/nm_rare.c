/* SPDX-License-Identifier: MIT */
#include "nm_rare.h"
#include "nm_rng.h"

enum { GROUP = 512, FEWEST = 7, MOST = 63, BLOCK_BITS = 13 };

/* The envelope of a mean is 2^-k; k from 7 to 63. */
static int envelope_of(double mean) {
    const uint64_t bits = nm_to_bits(mean), mantissa = bits & 0x000FFFFFFFFFFFFFu;
    const int exponent = (int)(bits >> 52) - 1023, k = -exponent - (mantissa != 0);
    return k < MOST ? k : MOST;
}

static double power_of_two(int k) {
    return nm_from_bits((uint64_t)(1023 + k) << 52);
}

/* Along the line of one group, from event to event. */
typedef struct walk {
    uint64_t seed, step;
    uint32_t group, block;
    int k, used;
    double at, accept; /* of this event: where on the line, and a number in (0, 1) */
    uint32_t word[4];
} walk;

static walk begin(int k, uint64_t seed, uint32_t group, uint64_t step) {
    return (walk){.seed = seed, .step = step, .group = group, .k = k, .used = 4};
}

/* Whether there is another in the group. */
static int next_event(walk *w) {
    if (w->used == 4) {
        const uint32_t salt = (uint32_t)w->k << BLOCK_BITS | w->block++;
        nm_rng_block(w->seed, nm_stream(NM_STREAM_DRIVE_RARE, salt), w->group, w->step, w->word);
        w->used = 0;
    }
    w->at -= nm_log(nm_uniform(w->word[w->used])) * power_of_two(w->k);
    w->accept = nm_uniform(w->word[w->used + 1]);
    w->used += 2;
    return w->at < GROUP;
}

static int counts(const walk *w, double mean) {
    return w->accept < mean * power_of_two(w->k);
}

double nm_rare_count(double mean, uint64_t seed, uint32_t id, uint64_t step) {
    walk w = begin(envelope_of(mean), seed, id / GROUP, step);
    double count = 0.0;
    while (next_event(&w))
        count += (uint32_t)w.at == id % GROUP && counts(&w, mean);
    return count;
}

/* ---- a piece --------------------------------------------------------------------------------------- */

static double mean_of(const nm_network *network, int64_t slot, double dt) {
    return network->drive_rate[slot] * dt * 1e-3;
}

static int is_rare(double mean) {
    return mean > 0.0 && mean <= NM_RARE_MEAN;
}

/* A set of envelopes, bit k for 2^-k: one where all neurons have one rate. */
static uint64_t envelopes(const nm_network *network, const nm_piece *piece, double dt) {
    uint64_t found = 0;
    for (int64_t i = 0; i < (piece->driven == 1 ? 1 : piece->n); i++) {
        const double mean = mean_of(network, piece->first + i, dt);
        if (is_rare(mean))
            found |= (uint64_t)1 << envelope_of(mean);
    }
    return found;
}

/* The slot of an id in the piece, -1: it is not there. Ids ascend; some may have been removed. */
static int64_t slot_of(const nm_network *network, const nm_piece *piece, int64_t id) {
    int64_t low = piece->first, high = piece->first + piece->n;
    const int64_t guess = low + id - network->id[low];
    if (guess >= low && guess < high && network->id[guess] == id)
        return guess;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (network->id[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < piece->first + piece->n && network->id[low] == id ? low : -1;
}

void nm_rare_add(const nm_network *network, const nm_piece *piece, double dt, uint64_t seed, uint64_t step,
                 double factor, double *excitatory, double *inhibitory) {
    const uint64_t found = envelopes(network, piece, dt);
    const int64_t last = network->id[piece->first + piece->n - 1] / GROUP;
    if (found == 0)
        return;
    for (int k = FEWEST; k <= MOST; k++)
        for (int64_t group = network->id[piece->first] / GROUP; found >> k & 1 && group <= last; group++) {
            walk w = begin(k, seed, (uint32_t)group, step);
            while (next_event(&w)) {
                const int64_t slot = slot_of(network, piece, group * GROUP + (int64_t)w.at);
                const double mean = slot < 0 ? 0.0 : mean_of(network, slot, dt);
                if (!is_rare(mean) || envelope_of(mean) != k || !counts(&w, mean))
                    continue;
                const double weight = network->drive_weight[slot];
                (weight > 0.0 ? excitatory : inhibitory)[slot] += factor * weight;
            }
        }
}
