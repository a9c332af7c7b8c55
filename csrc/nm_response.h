/* Dose-response curves, the table of targets, and modulators that a configuration declares: no C file, no
 * word in the register.
 * SPDX-License-Identifier: MIT */
#ifndef NM_RESPONSE_H
#define NM_RESPONSE_H

#include "nm_modulator.h"

/* What declared modulators are made of, one for each response: its parameters (none with a name of its own),
 * one input `amount`, offset 1. Targets are the user's. */
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

/* The effect that changes nothing. */
#define NM_NEUTRAL_OF(effect) ((effect) == NM_RISE ? 0.0 : 1.0)

/* The effect of two modulators that have one target. */
static inline double nm_combined(nm_effect effect, double one, double other) {
    return effect == NM_RISE ? one + other : one * other;
}

#endif
