/* SPDX-License-Identifier: MIT */
#include "nm_current.h"
#include "nm_drive.h"
#include "nm_quantile.h"
#include "nm_rng.h"

#include <math.h>

/* ---- functions of time ----------------------------------------------------------------------------- */

/* sin(2 pi x) with the same bits on every machine: x is reduced to a quarter turn, then Taylor; the next term is 6e-18
 * at pi / 2. */
static double sine_of_turns(double x) {
    double a = x - floor(x + 0.5); /* -1/2 .. 1/2 */
    a = a > 0.25 ? 0.5 - a : (a < -0.25 ? -0.5 - a : a);
    const double r = a * 6.28318530717958647693, z = r * r;
    double s = 1.0 / 51090942171709440000.0;
    s = s * z - 1.0 / 121645100408832000.0;
    s = s * z + 1.0 / 355687428096000.0;
    s = s * z - 1.0 / 1307674368000.0;
    s = s * z + 1.0 / 6227020800.0;
    s = s * z - 1.0 / 39916800.0;
    s = s * z + 1.0 / 362880.0;
    s = s * z - 1.0 / 5040.0;
    s = s * z + 1.0 / 120.0;
    s = s * z - 1.0 / 6.0;
    return s * z * r + r;
}

/* Integral over [a, b] of the sine: (b - a) sinc(pi f (b - a)) sin(2 pi (f (a + b) / 2 + phase)). */
static double sine_integral(const nm_current *c, double a, double b) {
    const double half = 0.5 * c->frequency * (b - a); /* turns */
    const double mean = half < 1e-9 ? 1.0 : sine_of_turns(half) / (6.28318530717958647693 * half);
    const double middle = sine_of_turns(c->frequency * (0.5 * (a + b)) + c->phase);
    return (b - a) * (c->offset + c->amplitude * mean * middle);
}

/* The last segment that has begun at time a; 0: none has. */
static int64_t segment_at(const nm_current *c, double a) {
    int64_t low = 0, high = c->n_lines;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (c->begin[middle] <= a)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static double lines_integral(const nm_current *c, double a, double b) {
    double sum = 0.0;
    for (int64_t k = segment_at(c, a); k < c->n_lines && c->begin[k] < b; k++) {
        const double from = fmax(a, c->begin[k]);
        const double to = k + 1 < c->n_lines ? fmin(b, c->begin[k + 1]) : b;
        sum += (to - from) * (c->value[k] + c->slope[k] * (0.5 * (from + to) - c->begin[k]));
    }
    return sum;
}

double nm_current_mean(const nm_current *current, int64_t now) {
    const double a = fmax((double)(now - 1), current->start), b = fmin((double)now, current->stop);
    if (!(a < b))
        return 0.0;
    if (current->kind == NM_CURRENT_LINES)
        return lines_integral(current, a, b);
    return current->kind == NM_CURRENT_SINE ? sine_integral(current, a, b) : (b - a) * current->mean;
}

/* ---- neurons ----------------------------------------------------------------------------------------- */

/* The first entry of `slot` that is at least `slot_wanted`. */
static int64_t first_from(const nm_current *c, int64_t slot_wanted) {
    int64_t low = 0, high = c->n;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (c->slot[middle] < slot_wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int acts(const nm_current *c, int64_t now) {
    return c->start < (double)now && (double)(now - 1) < c->stop;
}

int nm_current_reaches(const nm_current *currents, int64_t n_currents, const nm_block *block, int64_t now) {
    for (int64_t k = 0; k < n_currents; k++) {
        if (!acts(&currents[k], now))
            continue;
        const int64_t at = first_from(&currents[k], block->first);
        if (at < currents[k].n && currents[k].slot[at] < block->first + block->n)
            return 1;
    }
    return 0;
}

/* Standard normal deviates of the neurons slot[0 .. n - 1] of a block. */
static void draw(const nm_current *c, const int32_t *slot, int64_t n, const nm_network *network,
                 const nm_block *block, uint64_t seed, int64_t now, float *deviate) {
    uint32_t word[NM_CHUNK];
    const uint32_t stream = nm_stream(NM_STREAM_CURRENT, c->number);
    if (n == block->n)
        nm_drive_words(network, block, seed, stream, (uint64_t)now, word);
    else
        for (int64_t i = 0; i < n; i++)
            word[i] = nm_rng_word(seed, stream, (uint32_t)network->id[slot[i]], (uint64_t)now);
    nm_quantile_fill(word, (size_t)n, deviate);
}

/* x <- mean + (x - mean) e^(-dt/tau) + sd sqrt(1 - e^(-2 dt/tau)) z, exact at any dt; the first x is drawn from the
 * stationary distribution. The share of a first or last step in which the current acts counts as a factor. */
static void add_ou(const nm_current *c, int64_t from, int64_t end, const nm_network *network,
                   const nm_block *block, uint64_t seed, int64_t now, double *current) {
    float deviate[NM_CHUNK];
    const double share = fmin((double)now, c->stop) - fmax((double)(now - 1), c->start);
    const double kept = nm_exp(-1.0 / c->tau), fresh = sqrt(2.0 / c->tau * nm_exp_mean(2.0 / c->tau));
    draw(c, c->slot + from, end - from, network, block, seed, now, deviate);
    for (int64_t k = from; k < end; k++) {
        const double z = (double)deviate[k - from];
        const double away =
            isnan(c->state[k]) ? c->sd * z : (c->state[k] - c->mean) * kept + c->sd * fresh * z;
        c->state[k] = c->mean + away;
        current[c->slot[k] - block->first] += share * c->factor[k] * c->state[k];
    }
}

void nm_current_add(const nm_current *currents, int64_t n_currents, const nm_network *network,
                    const nm_block *block, uint64_t seed, int64_t now, double *current) {
    for (int64_t k = 0; k < n_currents; k++) {
        const nm_current *c = &currents[k];
        const int64_t from = first_from(c, block->first), end = first_from(c, block->first + block->n);
        if (from == end || !acts(c, now))
            continue;
        if (c->kind == NM_CURRENT_OU) {
            add_ou(c, from, end, network, block, seed, now, current);
            continue;
        }
        const double mean = nm_current_mean(c, now);
        for (int64_t i = from; i < end; i++)
            current[c->slot[i] - block->first] += c->factor[i] * mean;
    }
}
