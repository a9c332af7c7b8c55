/* Orexin (hypocretin): the circadian drive raises the level, the need for sleep lowers the level, and the level
 * raises arousal: inputs are amplified.
 *   level after an event = clip(baseline + sensitivity * (circadian_phase - sleep_need))
 *   input                <- input * (1 + arousal_strength * level^exponent)
 * Optional: a system has orexin where the configuration names it. At the default baseline inputs are then amplified
 * by 1.5 at rest.
 * Wakefulness and arousal: Sakurai (2007), doi:10.1038/nrn2092.
 * SPDX-License-Identifier: MIT */
#include "nm_model.h"

static const nm_field params[] = {
    [NM_BASELINE] = {"baseline", "1", 0.5, NM_UNIT_INTERVAL, "Level at rest."},
    [NM_DECAY_RATE] = {"decay_rate", "1/step", 0.1, NM_UNIT_INTERVAL,
                       "Part of the distance to the baseline that is lost in a step."},
    [NM_SENSITIVITY] = {"sensitivity", "1", 0.5, NM_NON_NEGATIVE,
                        "Level per unit of circadian phase and need for sleep."},
    [NM_STRENGTH] = {"arousal_strength", "1", 1.0, NM_NON_NEGATIVE,
                     "Input above its usual size at level 1, as a fraction of it."},
    [NM_SHAPE] = {"exponent", "1", 1.0, NM_NON_NEGATIVE, "Power of the level in the factor."},
    NM_END,
};

enum { CIRCADIAN_PHASE, SLEEP_NEED };
static const nm_field inputs[] = {
    [CIRCADIAN_PHASE] = {"circadian_phase", "1", 0.0, NM_NON_NEGATIVE, "Circadian drive: 0 night, 1 day."},
    [SLEEP_NEED] = {"sleep_need", "1", 0.0, NM_NON_NEGATIVE, "Need for sleep: 0 rested, 1 deprived."},
    NM_END,
};

const nm_modulator nm_modulator_orexin = {
    .name = "orexin",
    .title = "Orexin: circadian drive and need for sleep, arousal",
    .reference = "Sakurai (2007), Nature Reviews Neuroscience 8:171, doi:10.1038/nrn2092",
    .params = params,
    .inputs = inputs,
    .sign = {[CIRCADIAN_PHASE] = 1.0, [SLEEP_NEED] = -1.0},
    .response = NM_POWER,
    .offset = 1.0,
    .targets = NM_ON(NM_GAIN),
    .optional = 1,
};
