/* Background drive: the random word of a neuron is turned into a count of Poisson events. If all neurons of a
 * block have one rate, the block's table is used; else the count is computed for each neuron by inversion.
 * Both ways give the same count (nm_poisson.h).
 * SPDX-License-Identifier: MIT */
#include "nm_drive.h"
#include "nm_loop.h"
#include "nm_normal.h"
#include "nm_poisson.h"
#include "nm_quantile.h"
#include "nm_rng.h"

#include <string.h>

/* Above this mean a count is a normal deviate with the Poisson skewness (Cornish & Fisher 1938). The next
 * term of that series is 0.01 / sqrt(mean), which is 4e-5 events here. Below, the mean is split into parts
 * of at most NM_POISSON_MEAN, and the count of each part is drawn exactly. */
#define NORMAL_MEAN 65536.0

/* ---- one count ----------------------------------------------------------------------------------- */

static double count_by_parts(double mean, uint32_t word, uint64_t seed, uint32_t id, uint64_t step) {
    double parts = 1.0 + (double)(int64_t)(mean / NM_POISSON_MEAN), part = mean / parts, none = nm_exp(-part);
    double count = nm_poisson_invert(part, none, word);
    uint32_t more[4];
    for (int64_t k = 1; k < (int64_t)parts; k++) {
        uint32_t which = (uint32_t)(k - 1);
        if (which % 4 == 0)
            nm_rng_block(seed, nm_stream(NM_STREAM_DRIVE_MORE, which / 4), id, step, more);
        count += nm_poisson_invert(part, none, more[which % 4]);
    }
    return count;
}

static double count_by_normal(double mean, uint32_t word, uint64_t seed, uint32_t id, uint64_t step) {
    uint32_t more[4];
    double z, other;
    nm_rng_block(seed, NM_STREAM_DRIVE_MORE, id, step, more);
    nm_normal_pair(word, more[0], &z, &other);
    return floor(mean + sqrt(mean) * z + (z * z - 1.0) / 6.0 + 0.5);
}

static double count_large(double mean, uint32_t word, uint64_t seed, uint32_t id, uint64_t step) {
    return mean <= NORMAL_MEAN ? count_by_parts(mean, word, seed, id, step)
                               : count_by_normal(mean, word, seed, id, step);
}

double nm_drive_count(double mean, uint64_t seed, uint32_t id, uint64_t step) {
    uint32_t word = nm_rng_word(seed, NM_STREAM_DRIVE, id, step);
    if (mean > NM_POISSON_MEAN)
        return count_large(mean, word, seed, id, step);
    return nm_poisson_invert(mean, nm_exp(-mean), word);
}

/* ---- one block ----------------------------------------------------------------------------------- */

void nm_drive_words(const nm_network *network, const nm_block *block, uint64_t seed, uint32_t stream,
                    uint64_t step, uint32_t *word) {
    const int64_t *id = network->id + block->first;
    if (id[block->n - 1] - id[0] == block->n - 1)
        nm_rng_fill(seed, stream, (uint32_t)id[0], step, (size_t)block->n, word);
    else /* neurons were removed in between */
        for (int64_t i = 0; i < block->n; i++)
            word[i] = nm_rng_word(seed, stream, (uint32_t)id[i], step);
}

/* Thresholds per pass: each pass loads and stores the counts once. Few are needed where events are few. */
enum { AT_ONCE = 4 };

static inline int32_t flip(uint32_t word) {
    return (int32_t)(word ^ 0x80000000u);
}

/* How many of AT_ONCE thresholds are below a word. A sum of -1: gcc needs an instruction more for a sum of 1. */
NM_INLINE int32_t count_below(const int32_t *limit, int32_t word) {
    return -((limit[0] < word ? -1 : 0) + (limit[1] < word ? -1 : 0) + (limit[2] < word ? -1 : 0) +
             (limit[3] < word ? -1 : 0));
}

/* count[i] = number of table entries < word[i]. Words are compared as signed numbers with the top bit
 * flipped, which SSE2 supports. Thresholds above every word of the block are skipped. */
static void count_by_table(const uint32_t *restrict table, const uint32_t *restrict word, int64_t n,
                           int32_t *restrict count) {
    int32_t flipped[NM_CHUNK], limit[NM_POISSON_TABLE], largest = INT32_MIN;
    for (int k = 0; k < NM_POISSON_TABLE; k++)
        limit[k] = flip(table[k]);
    for (int64_t i = 0; i < n; i++) {
        flipped[i] = flip(word[i]);
        largest = flipped[i] > largest ? flipped[i] : largest;
        count[i] = count_below(limit, flipped[i]);
    }
    for (int k = AT_ONCE; k < NM_POISSON_TABLE && limit[k] < largest; k += AT_ONCE)
        for (int64_t i = 0; i < n; i++)
            count[i] += count_below(limit + k, flipped[i]);
}

static void add_events(const int32_t *restrict count, const double *restrict weight, int64_t n, double factor,
                       double *restrict excitatory, double *restrict inhibitory) {
    for (int64_t i = 0; i < n; i++) {
        double events = (double)count[i] * factor;
        excitatory[i] += events * (weight[i] > 0.0 ? weight[i] : 0.0);
        inhibitory[i] += events * (weight[i] < 0.0 ? weight[i] : 0.0);
    }
}

static void add_excitation(const int32_t *restrict count, const double *restrict weight, int64_t n,
                           double factor, double *restrict excitatory) {
    for (int64_t i = 0; i < n; i++)
        excitatory[i] += (double)count[i] * factor * weight[i];
}

static void add_tabled(const nm_network *network, const nm_block *block, const uint32_t *word, double factor,
                       double *excitatory, double *inhibitory) {
    int32_t count[NM_CHUNK];
    const uint32_t *table = network->drive_table + (block - network->blocks) * NM_POISSON_TABLE;
    count_by_table(table, word, block->n, count);
    if (block->excites)
        add_excitation(count, network->drive_weight + block->first, block->n, factor, excitatory);
    else
        add_events(count, network->drive_weight + block->first, block->n, factor, excitatory, inhibitory);
}

static void add_inverted(const nm_network *network, const nm_block *block, double dt, uint64_t seed,
                         uint64_t step, const uint32_t *word, double factor, double *excitatory,
                         double *inhibitory) {
    double mean[NM_CHUNK], none[NM_CHUNK];
    const double *rate = network->drive_rate + block->first, *weight = network->drive_weight + block->first;
    for (int64_t i = 0; i < block->n; i++) {
        mean[i] = rate[i] * dt * 1e-3;
        none[i] = nm_exp(-mean[i]);
    }
    for (int64_t i = 0; i < block->n; i++) {
        uint32_t id = (uint32_t)network->id[block->first + i];
        double count = mean[i] > NM_POISSON_MEAN ? count_large(mean[i], word[i], seed, id, step)
                                                 : nm_poisson_invert(mean[i], none[i], word[i]);
        if (weight[i] > 0.0)
            excitatory[i] += count * factor * weight[i];
        else
            inhibitory[i] += count * factor * weight[i];
    }
}

void nm_drive_add(const nm_network *network, const nm_block *block, double dt, uint64_t seed, uint64_t step,
                  double factor, double *excitatory, double *inhibitory) {
    uint32_t word[NM_CHUNK];
    if (block->driven == 0)
        return;
    nm_drive_words(network, block, seed, NM_STREAM_DRIVE, step, word);
    excitatory += block->first;
    inhibitory += block->first;
    if (block->driven == 1)
        add_tabled(network, block, word, factor, excitatory, inhibitory);
    else
        add_inverted(network, block, dt, seed, step, word, factor, excitatory, inhibitory);
}

/* ---- noise --------------------------------------------------------------------------------------- */

static void set_normal(double *restrict current, const double *restrict noise, const float *restrict deviate,
                       int64_t n, double factor) {
    for (int64_t i = 0; i < n; i++)
        current[i] = factor * noise[i] * (double)deviate[i];
}

static void add_normal(double *restrict current, const double *restrict noise, const float *restrict deviate,
                       int64_t n, double factor) {
    for (int64_t i = 0; i < n; i++)
        current[i] += factor * noise[i] * (double)deviate[i];
}

static void add_uniform(double *current, const double *half_width, const uint32_t *word, int64_t n,
                        double factor) {
    NM_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        current[i] += factor * half_width[i] * (2.0 * nm_uniform(word[i]) - 1.0);
}

/* Two independent noises drawn as one: their variances add. sqrt(x * x) is x, to the bit. */
static void combine(const double *restrict white, const double *restrict per_step, double root_rate,
                    int64_t n, double *restrict size) {
    for (int64_t i = 0; i < n; i++) {
        const double a = white[i] * root_rate, b = per_step[i];
        size[i] = sqrt(a * a + b * b);
    }
}

/* The size of a step's noise of each neuron, up to the factor that is returned. */
static double noise_size(const double *white, const double *per_step, const nm_block *block, int64_t flag,
                         double dt, double *room, const double **size) {
    const double root_rate = 1.0 / sqrt(dt);
    *size = white + block->first;
    if (!(block->noisy & flag))
        return root_rate;
    combine(white + block->first, per_step + block->first, root_rate, block->n, room);
    *size = room;
    return 1.0;
}

void nm_drive_noise(const nm_network *network, const nm_block *block, double dt, uint64_t seed, uint64_t step,
                    double factor, double *current, int fresh) {
    uint32_t word[NM_CHUNK];
    float deviate[NM_CHUNK];
    double room[NM_CHUNK];
    const double *size;
    if (block->noisy & 1) {
        const double scale =
            noise_size(network->drive_noise, network->drive_noise_per_step, block, 4, dt, room, &size);
        nm_drive_words(network, block, seed, NM_STREAM_NOISE, step, word);
        nm_quantile_fill(word, (size_t)block->n, deviate);
        (fresh ? set_normal : add_normal)(current, size, deviate, block->n, factor * scale);
    } else if (fresh)
        memset(current, 0, (size_t)block->n * sizeof *current);
    if (block->noisy & 2) {
        const double scale =
            noise_size(network->drive_uniform, network->drive_uniform_per_step, block, 8, dt, room, &size);
        nm_drive_words(network, block, seed, NM_STREAM_NOISE_FLAT, step, word);
        add_uniform(current, size, word, block->n, factor * scale);
    }
}
