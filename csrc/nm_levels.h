/* level[region][modulator]: the modulators' levels, their kinetics, their release by spikes, and the factors
 * they apply. The buffers are Python's (NeuromodulationSystem); the engine borrows them, so a level set from
 * Python is the level that the next step uses, and the other way round.
 *
 * Neurons name a ZONE: a region together with the receptor densities there. Levels belong to regions,
 * effects to zones. Without receptor densities zone and region are the same number.
 * SPDX-License-Identifier: MIT */
#ifndef NM_LEVELS_H
#define NM_LEVELS_H

#include "nm_model.h"
#include "nm_response.h"
#include "nm_status.h"

/* Volume transmission: neurons whose spikes raise one modulator's level in some regions. */
typedef struct nm_release {
    int64_t modulator;
    double amount;      /* what one spike adds to the level of each of the regions; divided by nothing */
    const int64_t *run; /* [2 * n_runs] first slot and one past the last of each run of releasing neurons */
    const uint8_t *region; /* [n_regions] 1: is reached */
    int64_t n_runs;
    int64_t n_spikes; /* counted so far in this step; 0 between steps */
} nm_release;

enum { NM_SUBSTEPS = 1000 }; /* of diffusion in one step at most: the cost of a step is bounded */

/* Diffusion of one modulator between neighbouring regions: dL/dt = rate * sum over neighbours of (L' - L). */
typedef struct nm_diffusion {
    const int32_t *pair; /* [2 * n_pairs] regions that touch; each pair once */
    int64_t n_pairs;     /* 0: does not spread */
    int64_t n_substeps;  /* of a step, at most NM_SUBSTEPS: 2 * exchange * (most neighbours) + decay <= 1;
                            0: nothing is left of a level after a step but its baseline */
    double exchange;     /* rate * dt / n_substeps */
    double decay;        /* dt / tau / n_substeps */
    double *flow, *term; /* [n_regions] scratch */
} nm_diffusion;

typedef struct nm_levels {
    int64_t n_regions, n_modulators;
    const nm_modulator *const *modulators; /* [m] */
    double *level;                         /* [region * n_modulators + m], in [0, 1] */
    const double *params; /* [m * NM_MAX_PARAMS + k], in the order of the modulator's table */
    const double *kept;   /* [m] part of (level - baseline) that is left after one step */
    const double *tau; /* [m] ms: decays continuously; NaN: once a step, at its end. NULL: NaN everywhere */
    /* Each of these may be NULL, for what is said first. */
    const double *baseline;     /* the parameter; else [region * n_modulators + m], the tonic level */
    const uint32_t *targets;    /* the modulator's own; else [m] NM_ON(...) | ... */
    const double *offset;       /* the modulator's own; else [m] */
    const int32_t *zone_region; /* zones are regions; else [zone] */
    const double *density;      /* 1; else [zone * n_modulators + m], of receptors */
    int64_t n_zones;            /* where zone_region is given */
    nm_release *releases;
    int64_t n_releases;
    const nm_diffusion *diffusion; /* none spreads; else [m] */
} nm_levels;

/* What the levels do in one zone in a step: a factor or a rise (nm_effect) for each target, by its word or by
 * its number. */
typedef union nm_factors {
    struct {
#define NM_FACTORS_MEMBER(name, word, effect, least) double word;
        NM_TARGET_LIST(NM_FACTORS_MEMBER)
#undef NM_FACTORS_MEMBER
    };
    double of[NM_N_TARGETS];
} nm_factors;

/* Nothing is modulated. */
#define NM_NEUTRAL_MEMBER(name, word, effect, least) [name] = NM_NEUTRAL_OF(effect),
#define NM_NEUTRAL                                                                                           \
    {                                                                                                        \
        .of = { NM_TARGET_LIST(NM_NEUTRAL_MEMBER) }                                                          \
    }

/* Numbers that a neuron's `region` may be. */
static inline int64_t nm_levels_n_zones(const nm_levels *levels) {
    return levels->zone_region != NULL ? levels->n_zones : levels->n_regions;
}

/* Shapes, levels and baselines in [0, 1], parameters in their domains. field: m * NM_MAX_PARAMS + k, or -1 -
 * m for a level; index: region. */
int nm_levels_check(const nm_levels *levels, nm_error *error) NM_MUST_CHECK;

/* An event for modulator m in `region` (-1: all). Inputs are checked against their domains first; nothing is
 * written by a failed call. field: the input's position. */
int nm_levels_event(const nm_levels *levels, int64_t m, int64_t region, const double *event,
                    nm_error *error) NM_MUST_CHECK;

/* level <- clip(level + amount) for modulator m in `region` (-1: all). */
void nm_levels_add(const nm_levels *levels, int64_t m, int64_t region, double amount);

/* One step of first-order kinetics, level <- baseline + (level - baseline) * kept, and then of diffusion,
 * which moves levels between regions and leaves their sum as it is. */
void nm_levels_step(const nm_levels *levels);

/* Count this step's spikes of releasing neurons; once for each list of fired slots, each ascending. Whole
 * numbers, so the sum does not depend on how the network is cut. */
void nm_levels_count(const nm_levels *levels, const int32_t *fired, int64_t n_fired);

/* What the counted spikes release; after nm_levels_step, since they stand at the step's end. What all
 * releases add to a level is clipped once. */
void nm_levels_release(const nm_levels *levels);

/* What modulator m does to one of its targets at a level, where its receptors have a density: a factor, or
 * the rise of a threshold. Density d leaves d times the deviation from "no effect": 1 + d * (factor - 1), d *
 * rise. */
double nm_levels_effect(const nm_levels *levels, int64_t m, nm_target target, double level, double density);

/* Factors of one zone, all modulators with the same target combined. A NULL `levels` gives NM_NEUTRAL. */
nm_factors nm_levels_factors(const nm_levels *levels, int64_t zone);

/* What an eligibility trace of 1 earns in one step: the integral over 0 <= s <= dt of exp(-s / tau_c) g(s)
 * ds, ms, with g = density * (factor(level) - subtract_baseline * factor(baseline)), summed over the
 * modulators that act on the learning rate. Call it before the levels decay. Within the step a level with a
 * `tau` decays continuously, and the integral is exact where the factor is linear in the level, as dopamine's
 * is by default; otherwise the level counts as constant. A NULL `levels` gives 0. tau_c: ms, > 0, may be
 * infinite. */
double nm_levels_signal(const nm_levels *levels, int64_t zone, double subtract_baseline, double dt,
                        double tau_c);

#endif
