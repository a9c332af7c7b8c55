/* SPDX-License-Identifier: MIT */
#include "nm_change.h"
#include "nm_loop.h"

void nm_change_apply(size_t n, const double *change, const double *learning, size_t stride, double low,
                     double high, double *weight) {
    NM_INDEPENDENT
    for (size_t j = 0; j < n; j++) {
        double delta = change[j] * learning[j * stride], moved = weight[j] + delta;
        moved = moved < low ? low : moved;
        moved = moved > high ? high : moved;
        weight[j] = delta == 0.0 ? weight[j] : moved;
    }
}
