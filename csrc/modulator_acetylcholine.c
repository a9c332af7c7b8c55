/* Acetylcholine: attention and expected uncertainty raise the level, the level favours potentiation.
 *   level after an event = clip(baseline + sensitivity * (expected_uncertainty + attention))
 *   potentiation         <- potentiation * (1 + potentiation_modulation * level^exponent)
 * Optional: a system has it where the configuration names it.
 * Expected uncertainty: Yu & Dayan (2005), doi:10.1016/j.neuron.2005.04.026.
 * Potentiation (encoding): Hasselmo (2006), doi:10.1016/j.conb.2006.09.002.
 * SPDX-License-Identifier: MIT */
#include "nm_model.h"

static const nm_field params[] = {
    [NM_BASELINE] = {"baseline", "1", 0.5, NM_UNIT_INTERVAL, "Level at rest."},
    [NM_DECAY_RATE] = {"decay_rate", "1/step", 0.1, NM_UNIT_INTERVAL,
                       "Part of the distance to the baseline that is lost in a step."},
    [NM_SENSITIVITY] = {"sensitivity", "1", 0.5, NM_NON_NEGATIVE,
                        "Level per unit of expected uncertainty and attention."},
    [NM_STRENGTH] = {"potentiation_modulation", "1", 1.0, NM_NON_NEGATIVE,
                     "Potentiation above its usual size at level 1, as a fraction of it."},
    [NM_SHAPE] = {"exponent", "1", 1.0, NM_NON_NEGATIVE, "Power of the level in the factor."},
    NM_END,
};

enum { EXPECTED_UNCERTAINTY, ATTENTION };
static const nm_field inputs[] = {
    [EXPECTED_UNCERTAINTY] = {"expected_uncertainty", "1", 0.0, NM_NON_NEGATIVE,
                              "Known unreliability of the cues at hand."},
    [ATTENTION] = {"attention", "1", 0.0, NM_NON_NEGATIVE, "Attention to the stimulus."},
    NM_END,
};

const nm_modulator nm_modulator_acetylcholine = {
    .name = "acetylcholine",
    .title = "Acetylcholine: expected uncertainty and attention, potentiation",
    .reference = "Yu & Dayan (2005), Neuron 46:681, doi:10.1016/j.neuron.2005.04.026",
    .params = params,
    .inputs = inputs,
    .sign = {[EXPECTED_UNCERTAINTY] = 1.0, [ATTENTION] = 1.0},
    .response = NM_POWER,
    .offset = 1.0,
    .targets = NM_ON(NM_LTP),
    .optional = 1,
};
