/* Application of changes to weights, shared by the engine and neuromod.plasticity.
 * SPDX-License-Identifier: MIT */
#ifndef NM_CHANGE_H
#define NM_CHANGE_H

#include "nm_model.h"
#include "nm_round.h"

/* Bounds of the weight, or of the strength of an inhibitory one (bounds below 0 count as 0), rounded inwards to
 * float32. Where no float32 lies between the two, both are the one below. */
static inline void nm_change_bounds(double weight_min, double weight_max, int64_t inhibitory, double *low,
                                    double *high) {
    *high = nm_round_down(inhibitory ? fmax(weight_max, 0.0) : weight_max);
    *low = fmin(nm_round_up(inhibitory ? fmax(weight_min, 0.0) : weight_min), *high);
}

/* weight[j] <- clip(weight[j] + change[j] * learning[j * stride], low, high); unchanged where the change
 * is 0. stride: 0 or 1. */
void nm_change_apply(size_t n, const double *change, const double *learning, size_t stride, double low,
                     double high, double *weight);

/* A change under soft bounds: potentiation is scaled by the distance to the upper bound, depression by
 * that to the lower one, to the power `exponent` (Guetig et al. 2003,
 * doi:10.1523/JNEUROSCI.23-09-03697.2003). Exponent 0: unscaled. */
static inline double nm_change_soft(double change, double weight, double low, double high, double exponent) {
    if (exponent == 0.0)
        return change;
    const double position = high > low ? nm_clip((weight - low) / (high - low), 0.0, 1.0) : 0.0;
    return change * nm_power(change > 0.0 ? 1.0 - position : position, exponent);
}

#endif
