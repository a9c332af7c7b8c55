# THE REGISTER. One word per built-in neuron model, plasticity rule and modulator: the stem of its C file without
# the family. `csrc/neuron_adex.c` exports nm_neuron_adex and is registered by the word X(adex).
# The order is the order of every table, and of the columns of the modulators' levels.

cdef extern from *:
    """
    #define NM_NEURON_MODELS(X)    X(lif) X(izhikevich) X(adex) X(lif_cond) X(poisson) X(spike_source)
    #define NM_PLASTICITY_RULES(X) X(hebbian) X(stdp) X(rstdp) X(triplet) X(istdp) X(ristdp) X(bcm)
    #define NM_MODULATORS(X)       X(dopamine) X(serotonin) X(norepinephrine) X(acetylcholine)
    #include "nm_register.h"
    """
