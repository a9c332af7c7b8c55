/* Serotonin: punishment and stress lower the level, the level raises firing thresholds (behavioural
 * inhibition).
 *
 *   level after an event = clip(baseline - sensitivity * (punishment + stress))
 *   threshold            <- threshold + |threshold| * inhibition_strength * level^exponent
 *
 * The rise is a fraction of the magnitude: at -50 mV more serotonin gives -49, never -51.
 * Cools, Nakamura & Daw (2011), doi:10.1038/npp.2010.121.
 * SPDX-License-Identifier: MIT */
#include "nm_model.h"

static const nm_field params[] = {
    [NM_BASELINE] = {"baseline", "1", 0.5, NM_UNIT_INTERVAL, "Level without punishment or stress."},
    [NM_DECAY_RATE] = {"decay_rate", "1/step", 0.1, NM_UNIT_INTERVAL,
                       "Part of the distance to the baseline that is lost in a step."},
    [NM_SENSITIVITY] = {"sensitivity", "1", 0.3, NM_NON_NEGATIVE,
                        "Level lost per unit of punishment and stress."},
    [NM_STRENGTH] = {"inhibition_strength", "1", 0.156, NM_NON_NEGATIVE,
                     "Rise of a threshold at level 1, as a fraction of its magnitude."},
    [NM_SHAPE] = {"exponent", "1", 2.0, NM_NON_NEGATIVE, "Power of the level in the rise."},
    NM_END,
};

enum { PUNISHMENT, STRESS };
static const nm_field inputs[] = {
    [PUNISHMENT] = {"punishment", "1", 0.0, NM_NON_NEGATIVE, "Strength of the aversive event."},
    [STRESS] = {"stress", "1", 0.0, NM_NON_NEGATIVE, "Additional stress."},
    NM_END,
};

const nm_modulator nm_modulator_serotonin = {
    .name = "serotonin",
    .title = "Serotonin: punishment and stress, firing threshold",
    .reference = "Cools, Nakamura & Daw (2011), Neuropsychopharmacology 36:98, doi:10.1038/npp.2010.121",
    .params = params,
    .inputs = inputs,
    .sign = {[PUNISHMENT] = -1.0, [STRESS] = -1.0},
    .response = NM_POWER,
    .targets = NM_ON(NM_THRESHOLD),
};
