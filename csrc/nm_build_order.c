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

static void insert_by_delay(uint16_t *delay, uint16_t *local, float *weight, int64_t n) {
    for (int64_t i = 1; i < n; i++) {
        uint16_t moved = delay[i];
        uint16_t target = local[i];
        float own = weight == NULL ? 0.0f : weight[i];
        int64_t k = i;
        for (; k > 0 && delay[k - 1] > moved; k--) {
            delay[k] = delay[k - 1];
            local[k] = local[k - 1];
            if (weight != NULL)
                weight[k] = weight[k - 1];
        }
        delay[k] = moved;
        local[k] = target;
        if (weight != NULL)
            weight[k] = own;
    }
}

static void sort_row_by_delay(uint16_t *delay, uint16_t *local, float *weight, int64_t n, int64_t *order,
                              uint32_t *scratch) {
    uint16_t longest = 0;
    int sorted = 1;
    for (int64_t k = 0; k < n; k++) {
        sorted &= k == 0 || delay[k - 1] <= delay[k];
        longest = delay[k] > longest ? delay[k] : longest;
    }
    if (sorted)
        return;
    if (n <= SHORT) {
        insert_by_delay(delay, local, weight, n);
        return;
    }
    order_by_delay(delay, n, longest, order, scratch);
    permute_halves(delay, order, n, scratch);
    permute_halves(local, order, n, scratch);
    if (weight != NULL)
        permute_words(weight, order, n, scratch);
}

static int check_starts(const int64_t *row_start, int64_t n_rows, nm_error *error) {
    if (row_start[0] != 0)
        return nm_fail(error, NM_ERR_BAD_LAYOUT, 0, -1, (double)row_start[0]);
    for (int64_t row = 0; row < n_rows; row++) {
        if (row_start[row + 1] < row_start[row])
            return nm_fail(error, NM_ERR_BAD_LAYOUT, row + 1, -1, (double)row_start[row + 1]);
        if (row_start[row + 1] - row_start[row] > UINT32_MAX)
            return nm_fail(error, NM_ERR_TOO_LARGE, row, -1, (double)(row_start[row + 1] - row_start[row]));
    }
    return NM_OK;
}

int nm_build_sort_by_delay(const int64_t *row_start, int64_t n_rows, uint16_t *delay, uint16_t *local,
                           float *weight, int64_t *scratch_order, void *scratch, nm_error *error) {
    int status = check_starts(row_start, n_rows, error);
    for (int64_t row = 0; row < n_rows && status == NM_OK; row++) {
        int64_t first = row_start[row];
        sort_row_by_delay(delay + first, local + first, weight == NULL ? NULL : weight + first,
                          row_start[row + 1] - first, scratch_order, scratch);
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
