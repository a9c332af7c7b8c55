/* Turns the words of neuromod/_models.pxd into declarations and NULL-ended tables. Include it after defining
 * NM_NEURON_MODELS, NM_PLASTICITY_RULES and NM_MODULATORS.
 * SPDX-License-Identifier: MIT */
#ifndef NM_REGISTER_H
#define NM_REGISTER_H

#include "nm_model.h"

#define NM_DECLARE_NEURON(name)    extern const nm_neuron_model nm_neuron_##name;
#define NM_DECLARE_RULE(name)      extern const nm_plasticity_rule nm_plasticity_##name;
#define NM_DECLARE_MODULATOR(name) extern const nm_modulator nm_modulator_##name;
NM_NEURON_MODELS(NM_DECLARE_NEURON)
NM_PLASTICITY_RULES(NM_DECLARE_RULE)
NM_MODULATORS(NM_DECLARE_MODULATOR)

#define NM_LIST_NEURON(name)    &nm_neuron_##name,
#define NM_LIST_RULE(name)      &nm_plasticity_##name,
#define NM_LIST_MODULATOR(name) &nm_modulator_##name,
static const nm_neuron_model *const nm_neuron_models[] = {NM_NEURON_MODELS(NM_LIST_NEURON) NULL};
static const nm_plasticity_rule *const nm_plasticity_rules[] = {NM_PLASTICITY_RULES(NM_LIST_RULE) NULL};
static const nm_modulator *const nm_modulators[] = {NM_MODULATORS(NM_LIST_MODULATOR) NULL};

#endif
