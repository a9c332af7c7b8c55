/* THE CONTRACT OF A MODULATOR, and the list of targets. A modulator is data: what an event does to its level,
 * what response follows from the level (the dose-response curve), and on what the response acts. The C file
 * of a modulator fills in a struct nm_modulator; csrc/nm_levels.c acts on it.
 *
 *   level after an event = clip(baseline + sensitivity * sum of sign[k] * input[k])
 *   response             = strength * shape(level)
 *   a threshold T       <- T + |T| * response
 *   anything else       <- itself * (offset + response), never below its least value
 *
 * SPDX-License-Identifier: MIT */
#ifndef NM_MODULATOR_H
#define NM_MODULATOR_H

#include "nm_field.h"

#include <math.h>
#include <stdint.h>

enum { NM_MAX_EVENT = 4 }; /* inputs of one event at most */

/* The first parameters of every modulator, in this order. The parameters of its shape follow, then its own if
 * any. `strength` may have another name (learning_rate_modulation, inhibition_strength, gain_modulation). */
enum { NM_BASELINE, NM_DECAY_RATE, NM_SENSITIVITY, NM_STRENGTH, NM_SHAPE };

/* What a target takes from a response. NM_FACTOR: x becomes x * (offset + response), the factors of several
 * modulators are multiplied, and 1 leaves x as it is. NM_RISE: x becomes x + |x| * response, the rises of
 * several modulators are added, and 0 leaves x as it is. */
typedef enum nm_effect { NM_FACTOR, NM_RISE } nm_effect;

/* THE TARGETS: what modulators can act on. A line makes the target's number, its member of nm_factors, its
 * neutral value, its way of combining, its row in the table of targets, and its word in Python and in
 * configurations. The engine must then apply it: csrc/nm_sim.c does not compile before it says where.
 * X(name, word, effect, least value) */
#define NM_TARGET_LIST(X)                                                                                    \
    X(NM_LEARNING_RATE, learning_rate, NM_FACTOR, 0.0) /* every change of a weight */                        \
    X(NM_LTP, ltp, NM_FACTOR, 0.0)                     /* potentiation alone */                              \
    X(NM_LTD, ltd, NM_FACTOR, 0.0)                     /* depression alone */                                \
    X(NM_THRESHOLD, threshold, NM_RISE, NM_NO_LEAST)   /* of neurons */                                      \
    X(NM_GAIN, gain, NM_FACTOR, 0.0)                   /* every input */                                     \
    X(NM_NOISE, noise, NM_FACTOR, 0.0)                 /* the background drive alone */                      \
    X(NM_TAU_C, tau_c, NM_FACTOR, NM_LEAST_TAU_C)      /* the time constant of eligibility traces */

#define NM_NO_LEAST    (-HUGE_VAL)
#define NM_LEAST_TAU_C 0.1 /* what csrc/nm_lazy.c can follow between two updates */

typedef enum nm_target {
#define NM_TARGET_ENUM(name, word, effect, least) name,
    NM_TARGET_LIST(NM_TARGET_ENUM) NM_N_TARGETS
#undef NM_TARGET_ENUM
} nm_target;

#define NM_ON(target) (1u << (target)) /* a set of targets: NM_ON(NM_LTP) | NM_ON(NM_GAIN) */

/*        name              value  word            shape, with its parameters from NM_SHAPE on */
#define NM_RESPONSE_LIST(X)                                                                                  \
    X(NM_LINEAR, 0, "linear")         /* level */                                                            \
    X(NM_POWER, 1, "power")           /* level^exponent */                                                   \
    X(NM_HILL, 2, "hill")             /* level^n / (ec50^n + level^n) */                                     \
    X(NM_INVERTED_U, 3, "inverted_u") /* exp(-((level - peak) / width)^2 / 2) */

typedef enum nm_response {
#define NM_RESPONSE_ENUM(name, value, word) name = (value),
    NM_RESPONSE_LIST(NM_RESPONSE_ENUM) NM_N_RESPONSES
#undef NM_RESPONSE_ENUM
} nm_response;

typedef struct nm_modulator {
    const char *name, *title, *reference;
    const nm_field *params;
    const nm_field *inputs;    /* of an event, with their domains; at most NM_MAX_EVENT */
    double sign[NM_MAX_EVENT]; /* of each input: 1 raises the level, -1 lowers it */
    nm_response response;
    double offset;    /* the factor at a response of 0 */
    uint32_t targets; /* NM_ON(...) | ... */
    int optional;     /* 1: only where a configuration names it */
} nm_modulator;

#endif
