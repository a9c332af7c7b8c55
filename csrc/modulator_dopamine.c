/* Dopamine: a reward prediction error sets the level, the level scales learning.
 *   level after an event = clip(baseline + sensitivity * (reward - expected_reward))
 *   weight change        <- weight change * learning_rate_modulation * level^exponent
 * Schultz, Dayan & Montague (1997), doi:10.1126/science.275.5306.1593.
 * SPDX-License-Identifier: MIT */
#include "nm_model.h"

static const nm_field params[] = {
    [NM_BASELINE] = {"baseline", "1", 0.5, NM_UNIT_INTERVAL, "Level that an outcome just as expected gives."},
    [NM_DECAY_RATE] = {"decay_rate", "1/step", 0.1, NM_UNIT_INTERVAL,
                       "Part of the distance to the baseline that is lost in a step."},
    [NM_SENSITIVITY] = {"sensitivity", "1", 0.4, NM_NON_NEGATIVE, "Level per unit of prediction error."},
    [NM_STRENGTH] = {"learning_rate_modulation", "1", 2.0, NM_NON_NEGATIVE,
                     "Learning-rate multiplier at level 1."},
    [NM_SHAPE] = {"exponent", "1", 1.0, NM_NON_NEGATIVE, "Power of the level in the multiplier."},
    NM_END,
};

enum { REWARD, EXPECTED_REWARD };
static const nm_field inputs[] = {
    [REWARD] = {"reward", "1", 0.0, NM_ANY, "Reward received."},
    [EXPECTED_REWARD] = {"expected_reward", "1", 0.0, NM_ANY, "Reward expected."},
    NM_END,
};

const nm_modulator nm_modulator_dopamine = {
    .name = "dopamine",
    .title = "Dopamine: reward prediction error, learning rate",
    .reference = "Schultz, Dayan & Montague (1997), Science 275:1593, doi:10.1126/science.275.5306.1593",
    .params = params,
    .inputs = inputs,
    .sign = {[REWARD] = 1.0, [EXPECTED_REWARD] = -1.0},
    .response = NM_POWER,
    .offset = 0.0,
    .targets = NM_ON(NM_LEARNING_RATE),
};
