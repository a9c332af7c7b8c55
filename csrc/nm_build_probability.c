/* Pairwise connection with one probability: the gaps between consecutive targets of a source are geometric.
 * Draws are keyed by ids and not by slots: word k of a source is word k of the source's own sequence. Hence
 * neurons added elsewhere do not change the connections.
 * SPDX-License-Identifier: MIT */
#include "nm_build.h"
#include "nm_build_row.h"
#include "nm_math.h"
#include "nm_rng.h"

enum { BATCH = NM_BUILD_BATCH };

typedef struct gap_law {
    double per_log; /* 1 / log(1 - p) */
    int wide;       /* 1: 52-bit uniforms, two words a draw */
} gap_law;

static gap_law law_of(double p) {
    if (p >= 1e-3)
        /* 32-bit uniforms: the longest gap is 22 / p; a longer gap has probability 1 / 4e9 */
        return (gap_law){.per_log = 1.0 / nm_log(1.0 - p), .wide = 0};
    /* log(1 - p) without the cancellation of 1 - p; the next term is 1e-18 of the first */
    double log_rest = -p * (1.0 + p * (1.0 / 2.0 + p * (1.0 / 3.0 + p * (1.0 / 4.0 + p * (1.0 / 5.0)))));
    return (gap_law){.per_log = 1.0 / log_rest, .wide = 1};
}

/* step[k] = 1 + floor(log(u) / log(1 - p)), at most `limit`: distance from one target to the next. */
static void narrow_steps(const uint32_t *restrict word, int64_t n, double per_log, double limit,
                         int32_t *restrict step) {
    for (int64_t k = 0; k < n; k++) {
        double gap = nm_log(nm_uniform(word[k])) * per_log + 1.0;
        step[k] = (int32_t)(gap < limit ? gap : limit);
    }
}

static void wide_steps(const uint32_t *restrict word, int64_t n, double per_log, double limit,
                       int32_t *restrict step) {
    for (int64_t k = 0; k < n; k++) {
        uint64_t bits = ((uint64_t)word[2 * k] << 20) | (word[2 * k + 1] >> 12);
        /* (bits + 1/2) / 2^52, exactly, by way of [1, 2) */
        double uniform = nm_from_bits(0x3FF0000000000000u | bits) - (1.0 - 1.0 / 9007199254740992.0);
        double gap = nm_log(uniform) * per_log + 1.0;
        step[k] = (int32_t)(gap < limit ? gap : limit);
    }
}

/* Steps first .. first + n - 1 of a source's sequence; first and n are multiples of 4. */
static void draw_steps(const nm_build *build, uint32_t id, gap_law law, int64_t first, int64_t n,
                       double limit, int32_t *step) {
    uint32_t word[2 * BATCH], stream = nm_stream(NM_STREAM_CONNECT, build->salt);
    if (law.wide) {
        nm_rng_sequence(build->seed, stream, id, (uint64_t)first / 2, (size_t)n / 2, word);
        wide_steps(word, n, law.per_log, limit, step);
    } else {
        nm_rng_sequence(build->seed, stream, id, (uint64_t)first / 4, (size_t)n / 4, word);
        narrow_steps(word, n, law.per_log, limit, step);
    }
}

/* The number of draws that the rest of a row is expected to take, plus a few: little of the batch is
 * wasted. */
static int64_t draws_ahead(double left, double p) {
    double n = left * p + 16.0;
    return n < (double)BATCH ? (int64_t)n & ~(int64_t)3 : BATCH;
}

/* Draw one row. Returns 0 if there is no room. */
static int draw_row(const nm_build *build, const nm_candidates *from, uint32_t id, double p, gap_law law,
                    int64_t row, nm_rows *rows) {
    int32_t step[BATCH]; /* gaps, then targets */
    int64_t at = -1, first = 0;
    while (at < from->n) {
        int64_t n = draws_ahead((double)(from->n - 1 - at), p), length = 0;
        draw_steps(build, id, law, first, n, (double)from->n + 1.0, step);
        first += n;
        for (; length < n && (at += step[length]) < from->n; length++)
            step[length] = nm_candidate(from, at);
        if (!nm_rows_append(rows, row, step, length))
            return 0;
    }
    return 1;
}

/* p = 1, where log(1 - p) is not defined: connect every candidate. */
static int whole_row(const nm_candidates *from, int64_t row, nm_rows *rows) {
    int32_t target[BATCH];
    for (int64_t first = 0; first < from->n; first += BATCH) {
        int64_t n = from->n - first < BATCH ? from->n - first : BATCH;
        for (int64_t k = 0; k < n; k++)
            target[k] = nm_candidate(from, first + k);
        if (!nm_rows_append(rows, row, target, n))
            return 0;
    }
    return 1;
}

int nm_build_probability(const nm_build *build, double p, int64_t *bucket_start, uint16_t *local,
                         nm_error *error) {
    if (!(p >= 0.0 && p <= 1.0))
        return nm_fail(error, NM_ERR_BAD_VALUE, -1, -1, p);
    int status = nm_build_check(build, error);
    if (status != NM_OK)
        return status;
    gap_law law = law_of(p);
    nm_rows rows = {.n_partitions = build->n_partitions,
                    .partition_width = build->partition_width,
                    .first_partition = build->first_partition,
                    .bucket_start = bucket_start,
                    .local = local};
    if (local != NULL)
        rows.room = bucket_start[build->n_rows * build->n_partitions];
    int64_t at = 0, since = 0;
    for (int64_t i = 0; i < build->n_pre && p > 0.0; i++) {
        const int32_t slot = build->pre[i];
        const int64_t row = slot - build->pre_first;
        nm_candidates from = nm_candidates_of(slot, build->post, build->n_post, build->autapses, &at);
        const int64_t before = rows.n;
        int fits = p == 1.0 ? whole_row(&from, row, &rows)
                            : draw_row(build, &from, (uint32_t)build->id[slot], p, law, row, &rows);
        if (!fits)
            return nm_fail(error, NM_ERR_TOO_LARGE, slot, -1, (double)rows.room);
        if (nm_build_is_interrupted(build, 16 + rows.n - before, &since))
            return NM_STOP_INTERRUPTED;
    }
    nm_rows_close(&rows, build->n_rows);
    return NM_OK;
}
