/* Orders of given synapses: rows from pairs, rows by delay, buckets and delay runs. All sorts are stable, so
 * equal input gives equal order on every machine.
 * SPDX-License-Identifier: MIT */
#include "nm_build.h"

#include <string.h>

enum { SHORT = 24, BYTE = 256 };

/* After filling, start[r] is the end of row r, which is the start of row r + 1: shift the array by one. */
static void restore_starts(int64_t *start, int64_t n) {
    memmove(start + 1, start, (size_t)n * sizeof *start);
    start[0] = 0;
}

static void counts_to_starts(int64_t *start, int64_t n) {
    for (int64_t row = 0; row < n; row++)
        start[row + 1] += start[row];
}

/* ---- rows from pairs ----------------------------------------------------------------------------- */

static void sift_down(int64_t *key, int64_t top, int64_t n) {
    int64_t moved = key[top];
    for (int64_t child; (child = 2 * top + 1) < n; top = child) {
        if (child + 1 < n && key[child + 1] > key[child])
            child++;
        if (key[child] <= moved)
            break;
        key[top] = key[child];
    }
    key[top] = moved;
}

/* Sort in ascending order, in place. Heapsort needs no scratch and has no bad case. Sorted rows are
 * detected. */
static void sort_keys(int64_t *key, int64_t n) {
    int64_t sorted = 1;
    while (sorted < n && key[sorted - 1] <= key[sorted])
        sorted++;
    if (sorted >= n)
        return;
    for (int64_t top = n / 2 - 1; top >= 0; top--)
        sift_down(key, top, n);
    for (int64_t last = n - 1; last > 0; last--) {
        int64_t largest = key[0];
        key[0] = key[last];
        key[last] = largest;
        sift_down(key, 0, last);
    }
}

static int check_pairs(const int32_t *pre, const int32_t *post, int64_t n, int64_t pre_first, int64_t n_rows,
                       nm_error *error) {
    if (n > UINT32_MAX) /* the index of a pair is the lower half of a sorting key */
        return nm_fail(error, NM_ERR_TOO_LARGE, -1, -1, (double)n);
    for (int64_t k = 0; k < n; k++) {
        if (pre[k] < pre_first || pre[k] >= pre_first + n_rows)
            return nm_fail(error, NM_ERR_BAD_INDEX, k, 0, (double)pre[k]);
        if (post[k] < 0)
            return nm_fail(error, NM_ERR_BAD_INDEX, k, 1, (double)post[k]);
    }
    return NM_OK;
}

int nm_build_pairs(const int32_t *pre, const int32_t *post, int64_t n, int64_t pre_first, int64_t n_rows,
                   int64_t *row_start, int32_t *targets, int64_t *order, nm_error *error) {
    int status = check_pairs(pre, post, n, pre_first, n_rows, error);
    if (status != NM_OK)
        return status;
    if (targets == NULL) {
        memset(row_start, 0, (size_t)(n_rows + 1) * sizeof *row_start);
        for (int64_t k = 0; k < n; k++)
            row_start[pre[k] - pre_first + 1]++;
        counts_to_starts(row_start, n_rows);
        return NM_OK;
    }
    /* Counting sort by source; then sort each row by (target, index of the pair), packed into one key. */
    for (int64_t k = 0; k < n; k++)
        order[row_start[pre[k] - pre_first]++] = ((int64_t)post[k] << 32) | k;
    restore_starts(row_start, n_rows);
    for (int64_t row = 0; row < n_rows; row++)
        sort_keys(order + row_start[row], row_start[row + 1] - row_start[row]);
    for (int64_t s = 0; s < n; s++) {
        targets[s] = (int32_t)(order[s] >> 32);
        order[s] &= UINT32_MAX;
    }
    return NM_OK;
}

/* ---- rows by delay ------------------------------------------------------------------------------- */

/* One pass of a radix sort by byte shift / 8 of the delay. from: the order so far; NULL: 0, 1, 2, ... */
static void counting_pass(const uint16_t *delay, int64_t n, int shift, const uint32_t *from, int64_t *to) {
    int64_t next[BYTE + 1];
    memset(next, 0, sizeof next);
    for (int64_t k = 0; k < n; k++)
        next[(delay[k] >> shift & (BYTE - 1)) + 1]++;
    counts_to_starts(next, BYTE);
    for (int64_t k = 0; k < n; k++) {
        int64_t entry = from == NULL ? k : (int64_t)from[k];
        to[next[delay[entry] >> shift & (BYTE - 1)]++] = entry;
    }
}

/* order[k]: the entry of the row that comes k-th. */
static void order_by_delay(const uint16_t *delay, int64_t n, uint16_t longest, int64_t *order,
                           uint32_t *scratch) {
    counting_pass(delay, n, 0, NULL, order);
    if (longest < BYTE)
        return;
    for (int64_t k = 0; k < n; k++)
        scratch[k] = (uint32_t)order[k];
    counting_pass(delay, n, 8, scratch, order);
}

static void permute_words(float *column, const int64_t *order, int64_t n, uint32_t *scratch) {
    memcpy(scratch, column, (size_t)n * sizeof *scratch);
    for (int64_t k = 0; k < n; k++)
        memcpy(&column[k], &scratch[order[k]], sizeof *scratch);
}

static void permute_halves(uint16_t *column, const int64_t *order, int64_t n, uint32_t *scratch) {
    for (int64_t k = 0; k < n; k++)
        scratch[k] = column[k];
    for (int64_t k = 0; k < n; k++)
        column[k] = (uint16_t)scratch[order[k]];
}

static void permute_pairs(int64_t *pair, const int64_t *order, int64_t n, uint32_t *scratch) {
    for (int64_t k = 0; k < n; k++)
        scratch[k] = (uint32_t)pair[k];
    for (int64_t k = 0; k < n; k++)
        pair[k] = (int64_t)scratch[order[k]];
}

/* The columns of a row that move with its delays; weight and pair may be NULL. */
typedef struct delayed_row {
    uint16_t *delay, *local;
    float *weight;
    int64_t *pair;
    int64_t n;
} delayed_row;

static void swap_entries(const delayed_row *of, int64_t a, int64_t b) {
    const uint16_t delay = of->delay[a], local = of->local[a];
    of->delay[a] = of->delay[b], of->delay[b] = delay;
    of->local[a] = of->local[b], of->local[b] = local;
    if (of->weight != NULL) {
        const float weight = of->weight[a];
        of->weight[a] = of->weight[b], of->weight[b] = weight;
    }
    if (of->pair != NULL) {
        const int64_t pair = of->pair[a];
        of->pair[a] = of->pair[b], of->pair[b] = pair;
    }
}

static void insert_by_delay(const delayed_row *of) {
    for (int64_t i = 1; i < of->n; i++)
        for (int64_t k = i; k > 0 && of->delay[k - 1] > of->delay[k]; k--)
            swap_entries(of, k - 1, k);
}

static void sort_row_by_delay(const delayed_row *of, int64_t *order, uint32_t *scratch) {
    uint16_t longest = 0;
    int sorted = 1;
    for (int64_t k = 0; k < of->n; k++) {
        sorted &= k == 0 || of->delay[k - 1] <= of->delay[k];
        longest = of->delay[k] > longest ? of->delay[k] : longest;
    }
    if (sorted)
        return;
    if (of->n <= SHORT) {
        insert_by_delay(of);
        return;
    }
    order_by_delay(of->delay, of->n, longest, order, scratch);
    permute_halves(of->delay, order, of->n, scratch);
    permute_halves(of->local, order, of->n, scratch);
    if (of->weight != NULL)
        permute_words(of->weight, order, of->n, scratch);
    if (of->pair != NULL)
        permute_pairs(of->pair, order, of->n, scratch);
}

static int check_lengths(const int64_t *row_start, int64_t n_rows, nm_error *error) {
    for (int64_t row = 0; row < n_rows; row++) {
        if (row_start[row + 1] < row_start[row])
            return nm_fail(error, NM_ERR_BAD_LAYOUT, row + 1, -1, (double)row_start[row + 1]);
        if (row_start[row + 1] - row_start[row] > UINT32_MAX)
            return nm_fail(error, NM_ERR_TOO_LARGE, row, -1, (double)(row_start[row + 1] - row_start[row]));
    }
    return NM_OK;
}

static int check_starts(const int64_t *row_start, int64_t n_rows, nm_error *error) {
    if (row_start[0] != 0)
        return nm_fail(error, NM_ERR_BAD_LAYOUT, 0, -1, (double)row_start[0]);
    return check_lengths(row_start, n_rows, error);
}

int nm_build_sort_by_delay(const int64_t *row_start, int64_t n_rows, uint16_t *delay, uint16_t *local,
                           float *weight, int64_t *pair, int64_t *scratch_order, void *scratch,
                           nm_error *error) {
    if (row_start[0] < 0)
        return nm_fail(error, NM_ERR_BAD_LAYOUT, 0, -1, (double)row_start[0]);
    int status = check_lengths(row_start, n_rows, error);
    for (int64_t k = 0; k < n_rows && status == NM_OK; k++) {
        const int64_t first = row_start[k];
        const delayed_row of = {.delay = delay + first,
                                .local = local + first,
                                .weight = weight == NULL ? NULL : weight + first,
                                .pair = pair == NULL ? NULL : pair + first,
                                .n = row_start[k + 1] - first};
        sort_row_by_delay(&of, scratch_order, scratch);
    }
    return status;
}

/* ---- buckets and delay runs ---------------------------------------------------------------------- */

int nm_build_buckets(const int64_t *row_start, int64_t n_rows, const int32_t *targets, int64_t n_partitions,
                     int64_t partition_width, int64_t *bucket_start, uint16_t *local, nm_error *error) {
    int status = check_starts(row_start, n_rows, error);
    int64_t bucket = 0;
    for (int64_t row = 0; row < n_rows && status == NM_OK; row++) {
        for (int64_t s = row_start[row]; s < row_start[row + 1]; s++) {
            const int64_t partition = targets[s] < 0 ? n_partitions : targets[s] / partition_width;
            if (partition >= n_partitions || row * n_partitions + partition < bucket - 1)
                return nm_fail(error, NM_ERR_BAD_INDEX, s, -1, (double)targets[s]);
            while (bucket <= row * n_partitions + partition)
                bucket_start[bucket++] = s;
            local[s] = (uint16_t)(targets[s] - partition * partition_width);
        }
        while (bucket < (row + 1) * n_partitions)
            bucket_start[bucket++] = row_start[row + 1];
    }
    bucket_start[n_rows * n_partitions] = row_start[n_rows];
    return status;
}

int64_t nm_build_runs(const int64_t *bucket_start, int64_t n_buckets, const uint16_t *delay,
                      int64_t *bucket_run, int64_t *run_start, uint16_t *run_delay) {
    int64_t n = 0;
    for (int64_t bucket = 0; bucket < n_buckets; bucket++) {
        if (bucket_run != NULL)
            bucket_run[bucket] = n;
        for (int64_t s = bucket_start[bucket]; s < bucket_start[bucket + 1]; s++) {
            if (s > bucket_start[bucket] && delay[s] == delay[s - 1])
                continue;
            if (bucket_run != NULL) {
                run_start[n] = s;
                run_delay[n] = delay[s];
            }
            n++;
        }
    }
    if (bucket_run != NULL) {
        bucket_run[n_buckets] = n;
        run_start[n] = bucket_start[n_buckets];
    }
    return n;
}
