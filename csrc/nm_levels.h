/* level[region][modulator]: the levels of the modulators, their kinetics, their release by spikes, and their
 * effects. Python's NeuromodulationSystem owns the buffers and the engine borrows them: the next step uses a
 * level that was written from Python, and Python reads the level that the engine has reached.
 *
 * A ZONE is a region together with receptor densities. Levels belong to regions, effects to zones. Every
 * neuron has a zone. Without receptor densities the zone is the region.
 * SPDX-License-Identifier: MIT */
#ifndef NM_LEVELS_H
#define NM_LEVELS_H

#include "nm_model.h"
#include "nm_response.h"
#include "nm_status.h"

/* Volume transmission: neurons whose spikes raise one modulator's level in some regions. */
typedef struct nm_release {
    int64_t modulator;
    double amount;      /* added to the level of each reached region per spike */
    const int64_t *run; /* [2 * n_runs] first slot and one past the last of consecutive releasing neurons */
    const uint8_t *region; /* [n_regions] 1: is reached */
    int64_t n_runs;
    int64_t n_spikes; /* counted so far in this step; 0 between steps */
} nm_release;

enum { NM_SUBSTEPS = 1000 }; /* greatest number of substeps of diffusion in one step */

/* Diffusion of one modulator between neighbouring regions: dL/dt = rate * sum over neighbours of (L' - L). */
typedef struct nm_diffusion {
    const int32_t *pair; /* [2 * n_pairs] neighbouring regions; each pair once */
    int64_t n_pairs;     /* 0: no diffusion */
    /* Substeps per step, at most NM_SUBSTEPS, so many that 2 * exchange * (greatest number of neighbours)
     * + decay <= 1. 0: every level has decayed to its baseline after one step. */
    int64_t n_substeps;
    double exchange;     /* rate * dt / n_substeps */
    double decay;        /* dt / tau / n_substeps */
    double *flow, *term; /* [n_regions] scratch */
} nm_diffusion;

typedef struct nm_levels {
    int64_t n_regions, n_modulators;
    const nm_modulator *const *modulators; /* [m] */
    double *level;                         /* [region * n_modulators + m], in [0, 1] */
    const double *params; /* [m * NM_MAX_PARAMS + k], in the order of the modulator's table */
    const double *kept;   /* [m] factor of (level - baseline) over one step */
    const double *tau;    /* [m] ms: continuous decay; NaN: decay at the end of each step. NULL: all NaN */
    /* The members below may be NULL; the comment gives first what NULL stands for. */
    const double *baseline;     /* the parameter; else [region * n_modulators + m], the tonic level */
    const uint32_t *targets;    /* the modulator's own; else [m] NM_ON(...) | ... */
    const double *offset;       /* the modulator's own; else [m] */
    const uint8_t *neutral;     /* 0; else [m] 1: the effect at the baseline is that of no modulation */
    const int32_t *zone_region; /* zones are regions; else [zone] */
    const double *density;      /* 1; else [zone * n_modulators + m], of receptors */
    int64_t n_zones;            /* where zone_region is given */
    nm_release *releases;
    int64_t n_releases;
    const nm_diffusion *diffusion; /* no diffusion; else [m] */
    /* none; else [region * n_modulators + m], a level that is clamped: nothing moves it. NaN: free */
    const double *clamped;
} nm_levels;

/* The effects of the modulators in one zone in one step: a factor or a rise (nm_effect) for each target,
 * accessible by the target's word and by its number. */
typedef union nm_factors {
    struct {
#define NM_FACTORS_MEMBER(name, word, effect, least) double word;
        NM_TARGET_LIST(NM_FACTORS_MEMBER)
#undef NM_FACTORS_MEMBER
    };
    double of[NM_N_TARGETS];
} nm_factors;

/* The effects without modulation. */
#define NM_NEUTRAL_MEMBER(name, word, effect, least) [name] = NM_NEUTRAL_OF(effect),
#define NM_NEUTRAL                                                                                           \
    {                                                                                                        \
        .of = { NM_TARGET_LIST(NM_NEUTRAL_MEMBER) }                                                          \
    }

/* The modulators that act on the learning of one projection, and their effects. */
typedef struct nm_acting {
    const nm_levels *levels; /* those of the simulation; the other modulators have no targets */
    nm_factors *factors;     /* [step % NM_INTERVAL * n_zones + zone], as in nm_sim */
    int64_t n_zones;
} nm_acting;

/* The number of zones. */
static inline int64_t nm_levels_n_zones(const nm_levels *levels) {
    return levels->zone_region != NULL ? levels->n_zones : levels->n_regions;
}

/* Check that levels and baselines lie in [0, 1] and parameters in their domains. On error: field = m *
 * NM_MAX_PARAMS + k for parameter k, -1 - m for a level; index = region. NM_ERR_BAD_ORDER: a neutral modulator
 * has a factor of 0 at this baseline, by which nothing can be divided. */
int nm_levels_check(const nm_levels *levels, nm_error *error) NM_MUST_CHECK;

/* Put the levels that are clamped where they are held. */
void nm_levels_hold(const nm_levels *levels);

/* An event of modulator m in `region` (-1: all). The inputs are checked against their domains first; a
 * failed call writes nothing. On error: field = position of the input. */
int nm_levels_event(const nm_levels *levels, int64_t m, int64_t region, const double *event,
                    nm_error *error) NM_MUST_CHECK;

/* level <- clip(level + amount) for modulator m in `region` (-1: all). */
void nm_levels_add(const nm_levels *levels, int64_t m, int64_t region, double amount);

/* One step of first-order kinetics, level <- baseline + (level - baseline) * kept, followed by diffusion,
 * which conserves the sum of the levels. */
void nm_levels_step(const nm_levels *levels);

/* Count the spikes of releasing neurons in this step. Called once for each list of fired slots; each list
 * ascends. Counts are integers, so the sum does not depend on the cut of the network. */
void nm_levels_count(const nm_levels *levels, const int32_t *fired, int64_t n_fired);

/* Add the release by the counted spikes to the levels; called after nm_levels_step, since spikes are at
 * the end of the step. The sum of all releases into a level is clipped once. */
void nm_levels_release(const nm_levels *levels);

/* The effect of modulator m on one of its targets at the level of a region and a receptor density: a factor, or
 * the rise of a threshold. A neutral modulator's factor is divided by its factor at the baseline of the region,
 * and its rise is reduced by the rise there. Density d scales the deviation from "no effect": 1 + d * (factor -
 * 1), or d * rise. */
double nm_levels_effect(const nm_levels *levels, int64_t region, int64_t m, nm_target target, double level,
                        double density);

/* The effects in one zone, with modulators of the same target combined. levels = NULL: NM_NEUTRAL. */
nm_factors nm_levels_factors(const nm_levels *levels, int64_t zone);

/* The signal of one step for an eligibility trace of 1: the integral over 0 <= s <= dt of exp(-s / tau_c)
 * g(s) ds, in ms, with g = density * (factor(level) - subtract_baseline * factor(baseline)), summed over
 * the modulators that act on the learning rate. Call before the levels decay. A level with a `tau` decays
 * continuously within the step; the integral is exact where the factor is linear in the level, which is
 * the default of dopamine. Else the level is constant within the step. levels = NULL: 0. tau_c: ms, > 0,
 * may be infinite. */
double nm_levels_signal(const nm_levels *levels, int64_t zone, double subtract_baseline, double dt,
                        double tau_c);

#endif
