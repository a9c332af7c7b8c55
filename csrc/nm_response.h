/* Dose-response curves, the table of targets, and the modulators that a configuration may declare without a C
 * file.
 * SPDX-License-Identifier: MIT */
#ifndef NM_RESPONSE_H
#define NM_RESPONSE_H

#include "nm_modulator.h"

/* Templates of declared modulators, one for each response: the parameters of the response, one input
 * `amount`, and offset 1. The configuration names the targets. */
extern const nm_modulator nm_declared[NM_N_RESPONSES];

/* strength * shape(level), for a level in [0, 1] and the parameters of a modulator with that response. */
double nm_response_value(nm_response response, const double *params, double level);

/* The word of NM_RESPONSE_LIST. */
const char *nm_response_name(nm_response response);

typedef struct nm_target_about {
    const char *word; /* in Python and in configurations */
    nm_effect effect;
    double least;
} nm_target_about;

/* Made of NM_TARGET_LIST, in its order. */
extern const nm_target_about nm_targets[NM_N_TARGETS];

/* The effect without modulation. */
#define NM_NEUTRAL_OF(effect) ((effect) == NM_RISE ? 0.0 : 1.0)

/* The combined effect of two modulators on one target. */
static inline double nm_combined(nm_effect effect, double one, double other) {
    return effect == NM_RISE ? one + other : one * other;
}

#endif
