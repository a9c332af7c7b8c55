/* level[region][modulator]: the modulators' levels, their decay, and the factors they apply. The buffer is
 * Python's (NeuromodulationSystem); the engine borrows it, so a level set from Python is the level that the
 * next step uses, and the other way round.
 * SPDX-License-Identifier: MIT */
#ifndef NM_LEVELS_H
#define NM_LEVELS_H

#include "nm_model.h"

typedef struct nm_levels {
    int64_t n_regions, n_modulators;
    const nm_modulator *const *modulators; /* [m] */
    double *level;                         /* [region * n_modulators + m], in [0, 1] */
    const double *params; /* [m * NM_MAX_PARAMS + k], in the order of the modulator's table */
    const double *kept;   /* [m] part of (level - baseline) that is left after one step */
    const double *tau; /* [m] ms: decays continuously; NaN: once a step, at its end. NULL: NaN everywhere */
} nm_levels;

/* What the levels of one region do in a step. */
typedef struct nm_factors {
    double learning; /* multiplies weight changes; 1 where nothing acts */
    double gain;     /* multiplies inputs */
    double rise;     /* raises a threshold T by |T| * rise */
} nm_factors;

/* Shapes, levels in [0, 1] and parameters in their domains. field: m * NM_MAX_PARAMS + k, or -1 for a level;
 * index: region. */
int nm_levels_check(const nm_levels *levels, nm_error *error) NM_MUST_CHECK;

/* An event for modulator m in `region` (-1: all). Inputs are checked against their domains first; nothing is
 * written by a failed call. field: the input's position. */
int nm_levels_event(const nm_levels *levels, int64_t m, int64_t region, const double *event,
                    nm_error *error) NM_MUST_CHECK;

/* One step of first-order kinetics: level <- baseline + (level - baseline) * kept. */
void nm_levels_step(const nm_levels *levels);

/* Factors of one region, all modulators with the same target combined: products for learning and gain, sum
 * for the threshold. A NULL `levels` gives {1, 1, 0}. */
nm_factors nm_levels_factors(const nm_levels *levels, int64_t region);

/* What an eligibility trace of 1 earns in one step: the integral over 0 <= s <= dt of exp(-s / tau_c) g(s)
 * ds, ms, with g = factor(level) - subtract_baseline * factor(baseline), summed over the modulators that act
 * on learning. Call it before the levels decay. Within the step a level with a `tau` decays continuously, and
 * the integral is exact where the factor is linear in the level, as dopamine's is by default; otherwise the
 * level counts as constant. A NULL `levels` gives 0. tau_c: ms, > 0, may be infinite. */
double nm_levels_signal(const nm_levels *levels, int64_t region, double subtract_baseline, double dt,
                        double tau_c);

#endif
