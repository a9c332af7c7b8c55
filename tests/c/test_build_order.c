/* nm_build_order: pairs become sorted rows, and rows are sorted by delay, stably; whatever their lengths are.
 * SPDX-License-Identifier: MIT */
#include "draw.h"
#include "nm_build.h"
#include "testlib.h"

enum { MOST = 300, ROWS = 7 };

static nm_error error;

/* Pairs of few sources and targets, so that equal ones occur. */
static void pairs_become_sorted_rows(void) {
    int32_t pre[MOST], post[MOST], target[MOST];
    int64_t row_start[ROWS + 1], order[MOST];
    sequence = 1;
    for (int64_t n = 0; n < MOST; n++) {
        const int64_t n_post = n % 3 == 0 ? 1000000 : 1 + n / 4;
        for (int64_t k = 0; k < n; k++) {
            pre[k] = (int32_t)(5 + (n % 2 == 0 ? 3 : below(ROWS)));
            post[k] = (int32_t)below(n_post);
        }
        CHECK(nm_build_pairs(pre, post, n, 5, ROWS, row_start, NULL, NULL, &error) == NM_OK);
        CHECK(row_start[0] == 0 && row_start[ROWS] == n);
        CHECK(nm_build_pairs(pre, post, n, 5, ROWS, row_start, target, order, &error) == NM_OK);
        int fine = row_start[0] == 0 && row_start[ROWS] == n;
        for (int64_t row = 0; row < ROWS; row++)
            for (int64_t s = row_start[row]; s < row_start[row + 1]; s++) {
                fine &=
                    order[s] >= 0 && order[s] < n && pre[order[s]] == 5 + row && post[order[s]] == target[s];
                if (s > row_start[row]) /* each pair once, equal ones in their order */
                    fine &=
                        target[s - 1] < target[s] || (target[s - 1] == target[s] && order[s - 1] < order[s]);
            }
        CHECK(fine);
    }
}

/* Rows of n synapses beside each other; delays below `longest`, and one that is the longest, first or last. */
static void check_rows(int64_t n, int64_t longest, int has_weight, int has_pair, int where) {
    static uint16_t delay[2 * MOST], local[2 * MOST], was[2 * MOST];
    static float weight[2 * MOST];
    static int64_t pair[2 * MOST], order[MOST];
    static uint32_t scratch[MOST];
    const int64_t row_start[] = {0, n, 2 * n};
    for (int64_t k = 0; k < 2 * n; k++) {
        delay[k] = was[k] = (uint16_t)(1 + below(longest));
        local[k] = (uint16_t)k;
        weight[k] = (float)k;
        pair[k] = 4294967295 - k;
    }
    if (n > 0 && where >= 0)
        delay[where * (n - 1)] = was[where * (n - 1)] = (uint16_t)(longest + 1);
    CHECK(nm_build_sort_by_delay(row_start, 2, delay, local, has_weight ? weight : NULL,
                                 has_pair ? pair : NULL, order, scratch, &error) == NM_OK);
    int fine = 1;
    for (int64_t k = 0; k < 2 * n; k++) {
        const int64_t from = local[k];
        fine &= from / n == k / n && delay[k] == was[from];
        fine &= weight[k] == (float)(has_weight ? from : k) && pair[k] == 4294967295 - (has_pair ? from : k);
        if (k % n > 0)
            fine &= delay[k - 1] < delay[k] || (delay[k - 1] == delay[k] && local[k - 1] < local[k]);
    }
    CHECK(fine);
}

static void rows_are_sorted_by_delay(void) {
    const int64_t longest[] = {1, 2, 5, 254, 255, 256, 257, 600, 65534};
    sequence = 2;
    for (int64_t n = 0; n < MOST; n += n < 40 ? 1 : 37)
        for (size_t k = 0; k < sizeof longest / sizeof *longest; k++)
            for (int columns = 0; columns < 4; columns++)
                for (int where = -1; where < 2; where++)
                    check_rows(n, longest[k], columns & 1, columns >> 1, where);
}

static const nm_test tests[] = {TEST(pairs_become_sorted_rows), TEST(rows_are_sorted_by_delay), {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
