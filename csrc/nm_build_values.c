/* Weights and delays, drawn by position in the projection. Value k uses word k of (seed, stream); the normal
 * values 2j and 2j + 1 share words 2j and 2j + 1. A value depends on nothing but its position.
 * SPDX-License-Identifier: MIT */
#include "nm_build.h"
#include "nm_normal.h"

/* Words per batch: at most 4 KB, up to a multiple of a power of 2, so that ids do not wrap inside a batch; at least four
 * blocks, so that a few values at a time take a few words. */
enum { BATCH = 1024, LEAST = 16 };

/* Words of the batch that begins at position `first`, a multiple of LEAST, where values up to `end` are needed. */
static int64_t batch_length(int64_t first, int64_t end) {
    const int64_t border = first - first % BATCH + BATCH, needed = (end + LEAST - 1) / LEAST * LEAST;
    return (border < needed ? border : needed) - first;
}

/* The words of positions first .. first + n - 1: position = step * 2^32 + id. */
static void fill_batch(uint64_t seed, uint32_t stream, int64_t first, int64_t n, uint32_t *words) {
    nm_rng_fill(seed, stream, (uint32_t)first, (uint64_t)first >> 32, (size_t)n, words);
}

static void normal_batch(const uint32_t *restrict words, int64_t n, double mean, double sd,
                         float *restrict out) {
    for (int64_t i = 0; i < n; i += 2) {
        double first, second;
        nm_normal_pair(words[i], words[i + 1], &first, &second);
        out[i] = (float)(mean + sd * first);
        out[i + 1] = (float)(mean + sd * second);
    }
}

static void uniform_batch(const uint32_t *restrict words, int64_t length, double low, double high, float last,
                          float *restrict out) {
    for (int64_t i = 0; i < length; i++) {
        float value = (float)(low + (high - low) * nm_uniform(words[i]));
        out[i] = value < last ? value : last;
    }
}

/* Values first .. first + n - 1 of the batch of so many that begins at `batch_first`, into out[0 .. n - 1]. */
static void copy_batch(const float *batch, int64_t batch_first, int64_t length, int64_t first, int64_t n,
                       float *out) {
    const int64_t end = batch_first + length < first + n ? batch_first + length : first + n;
    for (int64_t k = batch_first > first ? batch_first : first; k < end; k++)
        out[k - first] = batch[k - batch_first];
}

void nm_build_normal(uint64_t seed, uint32_t stream, double mean, double sd, int64_t first, int64_t n,
                     float *out) {
    uint32_t words[BATCH];
    float batch[BATCH];
    for (int64_t k = first - first % LEAST, length; k < first + n; k += length) {
        length = batch_length(k, first + n);
        fill_batch(seed, stream, k, length, words);
        normal_batch(words, length, mean, sd, batch);
        copy_batch(batch, k, length, first, n, out);
    }
}

void nm_build_lognormal(uint64_t seed, uint32_t stream, double mean, double sd, int64_t first, int64_t n,
                        float *out) {
    nm_build_normal(seed, stream, mean, sd, first, n, out);
    for (int64_t k = 0; k < n; k++)
        out[k] = (float)nm_exp((double)out[k]);
}

/* One of the four values of an attempt that lies inside; NaN: none does. */
static float one_inside(const uint32_t word[4], double mean, double sd, int lognormal, float low,
                        float high) {
    double z[4];
    nm_normal_pair(word[0], word[1], &z[0], &z[1]);
    nm_normal_pair(word[2], word[3], &z[2], &z[3]);
    for (int i = 0; i < 4; i++) {
        const float x = (float)(mean + sd * z[i]), value = lognormal ? (float)nm_exp((double)x) : x;
        if (value >= low && value <= high)
            return value;
    }
    return NAN;
}

int nm_build_redraw(uint64_t seed, uint32_t stream, double mean, double sd, int lognormal, float low,
                    float high, int64_t first, int64_t n, float *out, nm_error *error) {
    for (int64_t k = 0; k < n; k++) {
        const uint64_t position = (uint64_t)(first + k), block = position >> 32 << 16;
        for (uint64_t attempt = 0; !(out[k] >= low && out[k] <= high); attempt++) {
            uint32_t word[4];
            if (attempt == NM_BUILD_ATTEMPTS)
                return nm_fail(error, NM_ERR_BAD_VALUE, first + k, -1, (double)out[k]);
            nm_rng_block(seed, stream, (uint32_t)position, block | attempt, word);
            out[k] = one_inside(word, mean, sd, lognormal, low, high);
        }
    }
    return NM_OK;
}

void nm_build_uniform(uint64_t seed, uint32_t stream, double low, double high, int64_t first, int64_t n,
                      float *out) {
    uint32_t words[BATCH];
    float batch[BATCH];
    /* The largest float below `high`: rounding to float must not reach the open end. */
    float last = (float)high;
    if ((double)last >= high)
        last = nextafterf(last, (float)low);
    for (int64_t k = first - first % LEAST, length; k < first + n; k += length) {
        length = batch_length(k, first + n);
        fill_batch(seed, stream, k, length, words);
        uniform_batch(words, length, low, high, last, batch);
        copy_batch(batch, k, length, first, n, out);
    }
}
