/* Macros that make loops over chunks fast, for models and for the engine. Not needed for a first model: a
 * plain loop over 0 .. n-1 computes the same numbers.
 *
 * A fast `step` calls a NM_INLINE function through NM_STEP_BY_STRIDE, and that function has one loop under
 * NM_INDEPENDENT without branches: see csrc/neuron_poisson.c. The build compiles every file once per vector
 * level, so nothing in a file names a level.
 * SPDX-License-Identifier: MIT */
#ifndef NM_LOOP_H
#define NM_LOOP_H

#include "nm_model.h"

#include <string.h>

#ifndef NM_INLINE /* coverage counts a function once, not each of its copies */
#define NM_INLINE static inline __attribute__((always_inline))
#endif

#if defined(__GNUC__)
#define NM_FETCH(address) __builtin_prefetch(address)
#else
#define NM_FETCH(address) ((void)(address))
#endif

/* Before a short loop that cannot be vectorised (a scatter, a stream compaction): gcc does not unroll such
 * loops by itself. */
#if defined(__GNUC__) && !defined(__clang__)
#define NM_UNROLL _Pragma("GCC unroll 8")
#else
#define NM_UNROLL
#endif

/* Before the loop over a chunk: the chunk's columns do not overlap, so iterations are independent.
 * (`restrict` does not tell gcc: it is lost on pointers that are loaded from a struct.) */
#if defined(__clang__)
#define NM_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define NM_INDEPENDENT _Pragma("GCC ivdep")
#else
#define NM_INDEPENDENT
#endif

/* Call body(chunk, stride) with a stride that is a compile-time constant: the compiler makes one loop for
 * each. */
#define NM_STEP_BY_STRIDE(chunk, body)                                                                       \
    do {                                                                                                     \
        if ((chunk)->stride == 0)                                                                            \
            body((chunk), 0);                                                                                \
        else                                                                                                 \
            body((chunk), 1);                                                                                \
    } while (0)

/* Call body(chunk, stride, currents) likewise; currents: 0 where the chunk has delta synapses, else 1. */
#define NM_STEP_BY_CURRENTS(chunk, body)                                                                     \
    do {                                                                                                     \
        if ((chunk)->delta_synapses && (chunk)->stride == 0)                                                 \
            body((chunk), 0, 0);                                                                             \
        else if ((chunk)->delta_synapses)                                                                    \
            body((chunk), 1, 0);                                                                             \
        else if ((chunk)->stride == 0)                                                                       \
            body((chunk), 0, 1);                                                                             \
        else                                                                                                 \
            body((chunk), 1, 1);                                                                             \
    } while (0)

/* 1 if every entry is +0, to the bit; else 0. */
NM_INLINE int nm_all_zero(const double *column, size_t n) {
    uint64_t any = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &column[i], sizeof bits);
        any |= bits;
    }
    return any == 0;
}

/* The hook `delta_synapses` of a model with two synaptic currents, given the positions of their time
 * constants in `params` and of the currents in `state`. */
NM_INLINE int nm_has_delta_synapses(const nm_neuron_chunk *c, int tau_excitatory, int tau_inhibitory,
                                    int i_excitatory, int i_inhibitory) {
    const size_t n = c->stride == 0 ? 1 : c->n;
    return nm_all_zero(c->params[tau_excitatory], n) && nm_all_zero(c->params[tau_inhibitory], n) &&
           nm_all_zero(c->state[i_excitatory], c->n) && nm_all_zero(c->state[i_inhibitory], c->n);
}

#endif
