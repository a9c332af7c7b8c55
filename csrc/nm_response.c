/* SPDX-License-Identifier: MIT */
#include "nm_response.h"
#include "nm_math.h"

#include <float.h>

enum { EXPONENT = NM_SHAPE };
enum { EC50 = NM_SHAPE, N };
enum { PEAK = NM_SHAPE, WIDTH };

#define COMMON                                                                                               \
    [NM_BASELINE] = {"baseline", "1", 0.5, NM_UNIT_INTERVAL, "Level at rest."},                              \
    [NM_DECAY_RATE] = {"decay_rate", "1/step", 0.1, NM_UNIT_INTERVAL,                                        \
                       "Part of the distance to the baseline that is lost in a step."},                      \
    [NM_SENSITIVITY] = {"sensitivity", "1", 1.0, NM_ANY, "Level per unit of an event."},                     \
    [NM_STRENGTH] = {"strength", "1", 1.0, NM_ANY, "Size of the response; below 0 it is turned round."}

static const nm_field linear[] = {COMMON, NM_END};
static const nm_field power[] = {
    COMMON,
    [EXPONENT] = {"exponent", "1", 2.0, NM_NON_NEGATIVE, "Power of the level."},
    NM_END,
};
static const nm_field hill[] = {
    COMMON,
    [EC50] = {"ec50", "1", 0.5, NM_POSITIVE, "Level of half the largest response."},
    [N] = {"n", "1", 2.0, NM_POSITIVE, "Hill coefficient: steepness."},
    NM_END,
};
static const nm_field inverted_u[] = {
    COMMON,
    [PEAK] = {"peak", "1", 0.5, NM_UNIT_INTERVAL, "Level of the largest response."},
    [WIDTH] = {"width", "1", 0.25, NM_POSITIVE, "Distance from the peak at which 61 % of it is left."},
    NM_END,
};
static const nm_field inputs[] = {
    {"amount", "1", 0.0, NM_ANY, "Size of the event."},
    NM_END,
};

#define DECLARED(kind, table, words)                                                                         \
    [kind] = {.name = "declared",                                                                            \
              .title = words,                                                                                \
              .reference = "",                                                                               \
              .params = (table),                                                                             \
              .inputs = inputs,                                                                              \
              .sign = {1.0},                                                                                 \
              .response = (kind),                                                                            \
              .offset = 1.0}

const nm_modulator nm_declared[NM_N_RESPONSES] = {
    DECLARED(NM_LINEAR, linear, "response strength * level"),
    DECLARED(NM_POWER, power, "response strength * level^exponent"),
    DECLARED(NM_HILL, hill, "response strength * level^n / (ec50^n + level^n)"),
    DECLARED(NM_INVERTED_U, inverted_u, "response strength * exp(-((level - peak) / width)^2 / 2)"),
};

/* log(x) for every x > 0, including denormals. */
static double log_of(double x) {
    return x < DBL_MIN ? nm_log(x * 0x1p60) - 60.0 * 0.6931471805599453 : nm_log(x);
}

/* (level / ec50)^n, by the difference of the logarithms where the ratio would overflow or underflow. */
static double ratio_power(double level, double ec50, double n) {
    const double ratio = level / ec50;
    if (ratio > 1e-300 && ratio < 1e300)
        return nm_power(ratio, n);
    return level > 0.0 ? nm_exp(n * (log_of(level) - log_of(ec50))) : 0.0;
}

static double hill_shape(double level, double ec50, double n) {
    const double x = ratio_power(level, ec50, n);
    if (!(x > 0.0))
        return 0.0;
    return x < 1.0 ? x / (1.0 + x) : 1.0 / (1.0 + 1.0 / x);
}

double nm_response_value(nm_response response, const double *params, double level) {
    double z;
    switch (response) {
    case NM_POWER:
        return params[NM_STRENGTH] * nm_power(level, params[EXPONENT]);
    case NM_HILL:
        return params[NM_STRENGTH] * hill_shape(level, params[EC50], params[N]);
    case NM_INVERTED_U:
        z = (level - params[PEAK]) / params[WIDTH];
        return params[NM_STRENGTH] * nm_exp(-0.5 * z * z);
    case NM_LINEAR:
    case NM_N_RESPONSES:
        break;
    }
    return params[NM_STRENGTH] * level;
}

const char *nm_response_name(nm_response response) {
    switch (response) {
#define NM_RESPONSE_WORD(name, value, word)                                                                  \
    case name:                                                                                               \
        return word;
        NM_RESPONSE_LIST(NM_RESPONSE_WORD)
#undef NM_RESPONSE_WORD
    case NM_N_RESPONSES:
        break;
    }
    return "unknown";
}

_Static_assert(NM_N_TARGETS < 32, "a set of targets has 32 bits");

const nm_target_about nm_targets[NM_N_TARGETS] = {
#define NM_TARGET_ABOUT(name, word, effect, least) [name] = {#word, (effect), (least)},
    NM_TARGET_LIST(NM_TARGET_ABOUT)
#undef NM_TARGET_ABOUT
};
