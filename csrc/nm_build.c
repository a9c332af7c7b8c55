/* The checks that all ways of drawing connections share.
 * SPDX-License-Identifier: MIT */
#include "nm_build.h"

/* Slots must ascend without repeats; ids must fit a word. Field of the error: 0 pre, 1 post, 2 id. */
static int check_slots(const int32_t *slot, int64_t n, const int64_t *id, int64_t field, nm_error *error) {
    for (int64_t i = 0; i < n; i++) {
        if (slot[i] < 0)
            return nm_fail(error, NM_ERR_BAD_INDEX, i, field, (double)slot[i]);
        if (i > 0 && slot[i] <= slot[i - 1])
            return nm_fail(error, NM_ERR_BAD_LAYOUT, i, field, (double)slot[i]);
        if (id[slot[i]] < 0 || id[slot[i]] > UINT32_MAX) /* an id is one word of the counter */
            return nm_fail(error, NM_ERR_TOO_LARGE, slot[i], 2, (double)id[slot[i]]);
    }
    return NM_OK;
}

int nm_build_check(const nm_build *build, nm_error *error) {
    if (build->n_pre > 0 && build->n_post >= INT32_MAX)
        return nm_fail(error, NM_ERR_TOO_LARGE, -1, 1, (double)build->n_post);
    int status = check_slots(build->pre, build->n_pre, build->id, 0, error);
    if (status == NM_OK)
        status = check_slots(build->post, build->n_post, build->id, 1, error);
    if (status != NM_OK)
        return status;
    const int64_t first_slot = build->first_partition * build->partition_width,
                  end_slot = first_slot + build->n_partitions * build->partition_width;
    if (build->n_post > 0 && build->post[build->n_post - 1] >= end_slot)
        return nm_fail(error, NM_ERR_BAD_INDEX, build->n_post - 1, 1, (double)build->post[build->n_post - 1]);
    if (build->n_post > 0 && build->post[0] < first_slot)
        return nm_fail(error, NM_ERR_BAD_INDEX, 0, 1, (double)build->post[0]);
    if (build->n_pre == 0)
        return NM_OK;
    if (build->pre[0] < build->pre_first)
        return nm_fail(error, NM_ERR_BAD_INDEX, 0, 0, (double)build->pre[0]);
    if (build->pre[build->n_pre - 1] >= build->pre_first + build->n_rows)
        return nm_fail(error, NM_ERR_BAD_INDEX, build->n_pre - 1, 0, (double)build->pre[build->n_pre - 1]);
    return NM_OK;
}
