/* Norepinephrine: uncertainty and novelty raise the level, the level amplifies inputs (neural gain).
 *   level after an event = clip(baseline + sensitivity * (uncertainty + novelty))
 *   input                <- input * (1 + gain_modulation * level^exponent)
 * Aston-Jones & Cohen (2005), doi:10.1146/annurev.neuro.28.061604.135709.
 * SPDX-License-Identifier: MIT */
#include "nm_model.h"

static const nm_field params[] = {
    [NM_BASELINE] = {"baseline", "1", 0.5, NM_UNIT_INTERVAL, "Level in a familiar, predictable world."},
    [NM_DECAY_RATE] = {"decay_rate", "1/step", 0.1, NM_UNIT_INTERVAL,
                       "Part of the distance to the baseline that is lost in a step."},
    [NM_SENSITIVITY] = {"sensitivity", "1", 0.17, NM_NON_NEGATIVE,
                        "Level per unit of uncertainty and novelty."},
    [NM_STRENGTH] = {"gain_modulation", "1", 2.22, NM_NON_NEGATIVE, "Gain above 1 at level 1."},
    [NM_SHAPE] = {"exponent", "1", 2.0, NM_NON_NEGATIVE, "Power of the level in the gain."},
    NM_END,
};

enum { UNCERTAINTY, NOVELTY };
static const nm_field inputs[] = {
    [UNCERTAINTY] = {"uncertainty", "1", 0.0, NM_NON_NEGATIVE, "Uncertainty about the environment."},
    [NOVELTY] = {"novelty", "1", 0.0, NM_NON_NEGATIVE, "Novelty of the stimulus."},
    NM_END,
};

const nm_modulator nm_modulator_norepinephrine = {
    .name = "norepinephrine",
    .title = "Norepinephrine: uncertainty and novelty, neural gain",
    .reference = "Aston-Jones & Cohen (2005), Annu. Rev. Neurosci. 28:403, "
                 "doi:10.1146/annurev.neuro.28.061604.135709",
    .params = params,
    .inputs = inputs,
    .sign = {[UNCERTAINTY] = 1.0, [NOVELTY] = 1.0},
    .response = NM_POWER,
    .offset = 1.0,
    .targets = NM_ON(NM_GAIN),
};
