/* Rows of ascending targets, cut into buckets while they are drawn: 2 bytes per synapse, written once.
 * SPDX-License-Identifier: MIT */
#include "nm_build_row.h"

enum { SHORT = 32 }; /* below this length a plain loop is faster than a call */

static void copy_long(const int32_t *restrict target, int64_t n, int32_t first, uint16_t *restrict local) {
    for (int64_t k = 0; k < n; k++)
        local[k] = (uint16_t)(target[k] - first);
}

/* The number of the ascending targets that are below `end`; at least one is. */
static int64_t count_below(const int32_t *target, int64_t n, int64_t end) {
    if (target[n - 1] < end)
        return n;
    int64_t low = 0, high = n - 1; /* target[low] < end <= target[high] */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (target[middle] < end)
            low = middle;
        else
            high = middle;
    }
    return high;
}

int nm_rows_append(nm_rows *rows, int64_t row, const int32_t *target, int64_t n) {
    if (rows->local != NULL && n > rows->room - rows->n)
        return 0;
    while (n > 0) {
        const int32_t partition = target[0] / (int32_t)rows->partition_width,
                      first = partition * (int32_t)rows->partition_width;
        const int64_t run = count_below(target, n, first + rows->partition_width);
        while (rows->bucket <= row * rows->n_partitions + partition - rows->first_partition)
            rows->bucket_start[rows->bucket++] = rows->n;
        if (rows->local != NULL && run < SHORT)
            for (int64_t k = 0; k < run; k++)
                rows->local[rows->n + k] = (uint16_t)(target[k] - first);
        else if (rows->local != NULL)
            copy_long(target, run, first, rows->local + rows->n);
        rows->n += run;
        target += run;
        n -= run;
    }
    return 1;
}

void nm_rows_close(nm_rows *rows, int64_t n_rows) {
    while (rows->bucket <= n_rows * rows->n_partitions)
        rows->bucket_start[rows->bucket++] = rows->n;
}
