/* Fixed degrees: a number of sources for each target, or of targets for each source, drawn with replacement.
 * The number of synapses is known beforehand, so each synapse is drawn once.
 * SPDX-License-Identifier: MIT */
#include "nm_build.h"
#include "nm_build_row.h"
#include "nm_rng.h"

#include <string.h>

enum {
    BATCH = NM_BUILD_BATCH,
    NARROW = 1 << 16, /* bounded draws below this use 32 bits, above 64 */
    INSERTION = 24,   /* up to this length insertion sort is faster than radix sort */
    MOST_BITS = 11 /* greatest size of a radix digit: 2,048 counters fill a sixth of the first-level cache */
};

/* Integers in [0, bound) by multiply-high, without redraws. The relative error of a value's probability is
 * below bound / 2^32. Up to bound = 2^16 that is at most 2^-16 = 1.5e-5. Above, 64 bits are used, and the
 * error is below 2^-33. */
static void narrow_bounded(const uint32_t *restrict word, int64_t n, uint32_t bound, int32_t *restrict out) {
    for (int64_t k = 0; k < n; k++)
        out[k] = (int32_t)(((uint64_t)word[k] * bound) >> 32);
}

static void wide_bounded(const uint32_t *restrict word, int64_t n, uint32_t bound, int32_t *restrict out) {
    for (int64_t k = 0; k < n; k++) {
        uint64_t low = ((uint64_t)word[2 * k + 1] * bound) >> 32;
        out[k] = (int32_t)(((uint64_t)word[2 * k] * bound + low) >> 32);
    }
}

/* Draws first .. first + n - 1 of one neuron; first is a multiple of 4, n <= BATCH. */
static void draw_bounded(const nm_build *build, uint32_t id, int64_t bound, int64_t first, int64_t n,
                         int32_t *out) {
    uint32_t word[2 * BATCH], stream = nm_stream(NM_STREAM_CONNECT, build->salt);
    if (bound > NARROW) {
        nm_rng_sequence(build->seed, stream, id, (uint64_t)first / 2, (size_t)(n + 1) / 2, word);
        wide_bounded(word, n, (uint32_t)bound, out);
    } else {
        nm_rng_sequence(build->seed, stream, id, (uint64_t)first / 4, (size_t)(n + 3) / 4, word);
        narrow_bounded(word, n, (uint32_t)bound, out);
    }
}

/* Turn candidate numbers into slots minus `shift`. Where the slots are consecutive, the list is not read. */
static void name_consecutive(int32_t *restrict drawn, int64_t n, int32_t hole, int32_t first) {
    for (int64_t k = 0; k < n; k++)
        drawn[k] += first + (drawn[k] >= hole);
}

static void name_listed(int32_t *restrict drawn, int64_t n, int32_t hole, const int32_t *restrict list,
                        int32_t shift) {
    for (int64_t k = 0; k < n; k++)
        drawn[k] = list[drawn[k] + (drawn[k] >= hole)] - shift;
}

static void name_candidates(const nm_candidates *from, int consecutive, int32_t shift, int64_t n,
                            int32_t *drawn) {
    if (consecutive)
        name_consecutive(drawn, n, (int32_t)from->hole, from->list[0] - shift);
    else
        name_listed(drawn, n, (int32_t)from->hole, from->list, shift);
}

static int are_consecutive(const int32_t *list, int64_t n) {
    return n > 0 && list[n - 1] - list[0] == n - 1;
}

static int check_degree(const nm_build *build, int64_t degree, nm_error *error) {
    if (degree < 0)
        return nm_fail(error, NM_ERR_BAD_VALUE, -1, -1, (double)degree);
    return nm_build_check(build, error);
}

/* Every neuron of `of` needs at least one candidate in `list`. */
static int check_candidates(const int32_t *of, int64_t n_of, const int32_t *list, int64_t n_list,
                            int64_t autapses, nm_error *error) {
    if (n_list > 1 || (n_list == 1 && autapses))
        return NM_OK;
    int64_t at = 0;
    for (int64_t i = 0; i < n_of; i++)
        if (nm_candidates_of(of[i], list, n_list, autapses, &at).n == 0)
            return nm_fail(error, NM_ERR_BAD_VALUE, of[i], -2, 0.0);
    return NM_OK;
}

/* ---- in-degree: a counting sort by source ---------------------------------------------------------- */

/* The rows that were drawn, in the order of the targets, with 16 bits where these suffice. */
typedef struct drawn_rows {
    uint16_t *narrow;
    uint32_t *wide; /* one of the two is NULL */
} drawn_rows;

static drawn_rows drawn_rows_in(const nm_build *build, void *drawn) {
    if (build->n_rows <= NM_BUILD_NARROW)
        return (drawn_rows){.narrow = drawn};
    return (drawn_rows){.wide = drawn};
}

static void keep_narrow(const int32_t *restrict row, int64_t n, uint16_t *restrict out) {
    for (int64_t k = 0; k < n; k++)
        out[k] = (uint16_t)row[k];
}

/* Draw the sources of one target: store their rows from entry `at` on, and count them. */
static void draw_sources(const nm_build *build, const nm_candidates *from, int consecutive, uint32_t id,
                         int64_t degree, drawn_rows drawn, int64_t at, int64_t *count) {
    int32_t row[BATCH];
    for (int64_t first = 0; first < degree; first += BATCH) {
        int64_t n = degree - first < BATCH ? degree - first : BATCH;
        draw_bounded(build, id, from->n, first, n, row);
        name_candidates(from, consecutive, (int32_t)build->pre_first, n, row);
        if (drawn.narrow != NULL)
            keep_narrow(row, n, drawn.narrow + at + first);
        else
            memcpy(drawn.wide + at + first, row, (size_t)n * sizeof *row);
        for (int64_t k = 0; k < n; k++)
            count[row[k]]++;
    }
}

static void fill_narrow(const uint16_t *restrict row, int64_t n, uint16_t target, int64_t *restrict next,
                        uint16_t *restrict local) {
    for (int64_t k = 0; k < n; k++)
        local[next[row[k]]++] = target;
}

static void fill_wide(const uint32_t *restrict row, int64_t n, uint16_t target, int64_t *restrict next,
                      uint16_t *restrict local) {
    for (int64_t k = 0; k < n; k++)
        local[next[row[k]]++] = target;
}

/* First slot of a partition, counted from the first that has buckets. */
static int64_t partition_slot(const nm_build *build, int64_t partition) {
    return (build->first_partition + partition) * build->partition_width;
}

/* Index into `post` of the first target behind a partition; the search begins at index i. */
static int64_t partition_end(const nm_build *build, int64_t i, int64_t partition) {
    const int64_t end = partition_slot(build, partition + 1);
    while (i < build->n_post && build->post[i] < end)
        i++;
    return i;
}

static int draw_and_count(const nm_build *build, int64_t degree, int64_t *count, drawn_rows drawn,
                          int64_t *bucket_start) {
    const int consecutive = are_consecutive(build->pre, build->n_pre);
    int64_t i = 0, at = 0, since = 0;
    for (int64_t partition = 0; partition < build->n_partitions; partition++) {
        memset(count, 0, (size_t)build->n_rows * sizeof *count);
        for (const int64_t end = partition_end(build, i, partition); i < end; i++) {
            const int32_t target = build->post[i];
            nm_candidates from = nm_candidates_of(target, build->pre, build->n_pre, build->autapses, &at);
            draw_sources(build, &from, consecutive, (uint32_t)build->id[target], degree, drawn, i * degree,
                         count);
            if (nm_build_is_interrupted(build, degree, &since))
                return NM_STOP_INTERRUPTED;
        }
        for (int64_t row = 0; row < build->n_rows; row++)
            bucket_start[row * build->n_partitions + partition] = count[row];
        if (nm_build_is_interrupted(build, build->n_rows, &since))
            return NM_STOP_INTERRUPTED;
    }
    return NM_OK;
}

static int fill(const nm_build *build, int64_t degree, int64_t *next, drawn_rows drawn,
                const int64_t *bucket_start, uint16_t *local) {
    int64_t i = 0, since = 0;
    for (int64_t partition = 0; partition < build->n_partitions; partition++) {
        for (int64_t row = 0; row < build->n_rows; row++)
            next[row] = bucket_start[row * build->n_partitions + partition];
        for (const int64_t end = partition_end(build, i, partition); i < end; i++) {
            const uint16_t target = (uint16_t)(build->post[i] - partition_slot(build, partition));
            if (drawn.narrow != NULL)
                fill_narrow(drawn.narrow + i * degree, degree, target, next, local);
            else
                fill_wide(drawn.wide + i * degree, degree, target, next, local);
            if (nm_build_is_interrupted(build, degree, &since))
                return NM_STOP_INTERRUPTED;
        }
        if (nm_build_is_interrupted(build, build->n_rows, &since))
            return NM_STOP_INTERRUPTED;
    }
    return NM_OK;
}

int nm_build_in_degree(const nm_build *build, int64_t degree, int64_t *scratch, void *drawn,
                       int64_t *bucket_start, uint16_t *local, nm_error *error) {
    int status = check_degree(build, degree, error);
    if (status == NM_OK && degree > 0)
        status =
            check_candidates(build->post, build->n_post, build->pre, build->n_pre, build->autapses, error);
    if (status != NM_OK)
        return status;
    const int64_t n_buckets = build->n_rows * build->n_partitions;
    drawn_rows rows = drawn_rows_in(build, drawn);
    status = draw_and_count(build, degree, scratch, rows, bucket_start);
    if (status != NM_OK)
        return status;
    int64_t start = 0;
    for (int64_t bucket = 0; bucket < n_buckets; bucket++) {
        int64_t length = bucket_start[bucket];
        bucket_start[bucket] = start;
        start += length;
    }
    bucket_start[n_buckets] = start;
    /* targets come in ascending order: rows are sorted */
    return fill(build, degree, scratch, rows, bucket_start, local);
}

/* ---- out-degree: each row sorted --------------------------------------------------------------------- */

static void insertion_sort(int32_t *value, int64_t n) {
    for (int64_t i = 1; i < n; i++) {
        int32_t moved = value[i];
        int64_t k = i;
        for (; k > 0 && value[k - 1] > moved; k--)
            value[k] = value[k - 1];
        value[k] = moved;
    }
}

/* Number and size of the radix digits with the least work: about 4 cycles per value and one per counter. */
typedef struct digits {
    int n, bits;
} digits;

static digits digits_of(int64_t n, int64_t bound) {
    int all = 1;
    while (bound > (int64_t)1 << all)
        all++;
    digits best = {.n = 0, .bits = 0};
    int64_t least = 0;
    for (int count = (all + MOST_BITS - 1) / MOST_BITS; count <= 4; count++) {
        const int bits = (all + count - 1) / count;
        const int64_t work = count * (4 * n + ((int64_t)1 << bits));
        if (best.n == 0 || work < least) {
            best = (digits){.n = count, .bits = bits};
            least = work;
        }
    }
    return best;
}

/* One pass of a radix sort, least significant digit first: stable, by the digit above `shift`. */
static void radix_pass(const int32_t *restrict value, int64_t n, int shift, int bits, int32_t *restrict out) {
    uint32_t next[1 << MOST_BITS];
    const uint32_t mask = ((uint32_t)1 << bits) - 1;
    memset(next, 0, ((size_t)1 << bits) * sizeof *next);
    for (int64_t k = 0; k < n; k++)
        next[(uint32_t)value[k] >> shift & mask]++;
    uint32_t start = 0;
    for (uint32_t digit = 0; digit <= mask; digit++) {
        uint32_t length = next[digit];
        next[digit] = start;
        start += length;
    }
    for (int64_t k = 0; k < n; k++)
        out[next[(uint32_t)value[k] >> shift & mask]++] = value[k];
}

/* Sort in ascending order; `other` is scratch of the same length. Returns `value` or `other`, which then
 * holds the sorted values. */
static int32_t *sort_row(int32_t *value, int64_t n, digits by, int32_t *other) {
    if (n <= INSERTION) {
        insertion_sort(value, n);
        return value;
    }
    for (int pass = 0; pass < by.n; pass++) {
        radix_pass(value, n, pass * by.bits, by.bits, other);
        int32_t *sorted = other;
        other = value;
        value = sorted;
    }
    return value;
}

/* The targets of one source, ascending, in `scratch` or behind it. */
static int32_t *draw_row(const nm_build *build, nm_candidates *from, int32_t slot, int64_t degree,
                         int consecutive, int32_t *scratch) {
    for (int64_t first = 0; first < degree; first += BATCH) {
        int64_t n = degree - first < BATCH ? degree - first : BATCH;
        draw_bounded(build, (uint32_t)build->id[slot], from->n, first, n, scratch + first);
    }
    int32_t *sorted = sort_row(scratch, degree, digits_of(degree, build->n_post), scratch + degree);
    name_candidates(from, consecutive, 0, degree, sorted);
    return sorted;
}

/* each NULL: every source has `degree` targets. */
static int draw_rows(const nm_build *build, const int64_t *each, int64_t degree, int64_t room,
                     int32_t *scratch, int64_t *bucket_start, uint16_t *local, nm_error *error) {
    const int consecutive = are_consecutive(build->post, build->n_post);
    nm_rows rows = {.n_partitions = build->n_partitions,
                    .partition_width = build->partition_width,
                    .first_partition = build->first_partition,
                    .bucket_start = bucket_start,
                    .local = local,
                    .room = room};
    int64_t at = 0, since = 0;
    for (int64_t i = 0; i < build->n_pre && room > 0; i++) {
        const int32_t slot = build->pre[i];
        const int64_t n = each == NULL ? degree : each[i];
        nm_candidates from = nm_candidates_of(slot, build->post, build->n_post, build->autapses, &at);
        if (n == 0)
            continue;
        if (from.n == 0)
            return nm_fail(error, NM_ERR_BAD_VALUE, slot, -2, 0.0);
        int32_t *targets = draw_row(build, &from, slot, n, consecutive, scratch);
        if (!nm_rows_append(&rows, slot - build->pre_first, targets, n))
            return nm_fail(error, NM_ERR_TOO_LARGE, slot, -1, (double)rows.room);
        if (nm_build_is_interrupted(build, n, &since))
            return NM_STOP_INTERRUPTED;
    }
    nm_rows_close(&rows, build->n_rows);
    return NM_OK;
}

int nm_build_out_degree(const nm_build *build, int64_t degree, int32_t *scratch, int64_t *bucket_start,
                        uint16_t *local, nm_error *error) {
    int status = check_degree(build, degree, error);
    if (status == NM_OK && degree > 0)
        status =
            check_candidates(build->pre, build->n_pre, build->post, build->n_post, build->autapses, error);
    if (status != NM_OK)
        return status;
    if (degree > INT32_MAX)
        return nm_fail(error, NM_ERR_TOO_LARGE, -1, -1, (double)degree);
    return draw_rows(build, NULL, degree, degree * build->n_pre, scratch, bucket_start, local, error);
}

int nm_build_out_degrees(const nm_build *build, const int64_t *degree, int32_t *scratch,
                         int64_t *bucket_start, uint16_t *local, nm_error *error) {
    int status = nm_build_check(build, error);
    int64_t room = 0;
    for (int64_t i = 0; i < build->n_pre && status == NM_OK; i++) {
        if (degree[i] < 0 || degree[i] > INT32_MAX)
            status = nm_fail(error, degree[i] < 0 ? NM_ERR_BAD_VALUE : NM_ERR_TOO_LARGE, -1, -1,
                             (double)degree[i]);
        room += degree[i];
    }
    return status == NM_OK ? draw_rows(build, degree, 0, room, scratch, bucket_start, local, error) : status;
}
