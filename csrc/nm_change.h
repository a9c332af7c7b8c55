/* Changes of weights: the one place where they are applied. The engine and neuromod.plasticity share it.
 * SPDX-License-Identifier: MIT */
#ifndef NM_CHANGE_H
#define NM_CHANGE_H

#include "nm_model.h"

/* weight[j] <- clip(weight[j] + change[j] * learning[j * stride], low, high); as it is where nothing changes.
 * stride: 0 or 1. */
void nm_change_apply(size_t n, const double *change, const double *learning, size_t stride, double low,
                     double high, double *weight);

/* What soft bounds leave of a change: growth falls with the room above the weight, loss with that below
 * (Guetig et al. 2003, doi:10.1523/JNEUROSCI.23-09-03697.2003). Exponent 0: all of it. */
static inline double nm_change_soft(double change, double weight, double low, double high, double exponent) {
    if (exponent == 0.0)
        return change;
    const double position = high > low ? nm_clip((weight - low) / (high - low), 0.0, 1.0) : 0.0;
    return change * nm_power(change > 0.0 ? 1.0 - position : position, exponent);
}

#endif
