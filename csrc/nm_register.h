/* THE REGISTER. One word per built-in neuron model, plasticity rule and modulator: the stem of its C file
 * without the family. csrc/neuron_adex.c exports nm_neuron_adex and is registered by the word X(adex). The
 * order is the order of every table, and of the columns of the modulators' levels.
 * SPDX-License-Identifier: MIT */
#ifndef NM_REGISTER_H
#define NM_REGISTER_H

#include "nm_model.h"

#define NM_NEURON_MODELS(X)                                                                                  \
    X(lif)                                                                                                   \
    X(izhikevich)                                                                                            \
    X(adex) X(lif_cond) X(poisson) X(spike_source) X(lif_nmda_gaba_b) X(adex_clopath) X(lif_adaptive)
#define NM_PLASTICITY_RULES(X)                                                                               \
    X(hebbian)                                                                                               \
    X(stdp) X(rstdp) X(triplet) X(istdp) X(ristdp) X(bcm) X(stdp_nearest) X(graupner_brunel) X(clopath)
#define NM_MODULATORS(X) X(dopamine) X(serotonin) X(norepinephrine) X(acetylcholine) X(orexin)

/* From the words: declarations, and NULL-ended tables. */
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
