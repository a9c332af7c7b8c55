/* NM_CLONES before a function with a hot loop: gcc makes it three times (AVX-512, AVX2, plain) and the loader
 * picks by machine. -ffp-contract=off keeps fused multiply-adds out of all three, so the bits are the same
 * (tests/test_rng.py runs each clone that the machine can). Elsewhere it is empty.
 * SPDX-License-Identifier: MIT */
#ifndef NM_CLONES_H
#define NM_CLONES_H

#include <stdint.h> /* brings in __GLIBC__ */

/* Needs ifuncs (glibc), and no sanitizer: its checks would run in the resolver, before it is set up
 * itself. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) &&                 \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(NM_NO_CLONES)
#define NM_CLONES     __attribute__((target_clones("avx512f", "avx2", "default")))
#define NM_HAS_CLONES 1
#else
#define NM_CLONES
#endif

/* Where gcc's plain C cannot say what AVX-512 can (nm_quantile.c), a function is written a second time, with
 * vectors of gcc's or instructions by name, as NM_LANES_512 static ..., inside #if NM_HAS_LANES_512.
 * NM_BY_MACHINE declares the name that is called: with clones the loader picks by machine; else what the
 * compiler builds for decides. Both do the same operations, so the bits are the same. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                                       \
    (defined(NM_HAS_CLONES) || defined(__AVX512F__))
#define NM_HAS_LANES_512 1
#define NM_LANES_512     __attribute__((target("avx512f,popcnt")))
#else
#define NM_HAS_LANES_512 0
#endif

#if defined(NM_HAS_CLONES)
#define NM_BY_MACHINE(returned, name, lanes, plain, arguments)                                               \
    typedef returned name##_function arguments;                                                              \
    static name##_function *choose_##name(void) {                                                            \
        __builtin_cpu_init();                                                                                \
        return __builtin_cpu_supports("avx512f") ? lanes : plain;                                            \
    }                                                                                                        \
    static name##_function name __attribute__((ifunc("choose_" #name)));
#elif NM_HAS_LANES_512
#define NM_BY_MACHINE(returned, name, lanes, plain, arguments)                                               \
    typedef returned name##_function arguments;                                                              \
    static name##_function *const name = lanes;
#else
#define NM_BY_MACHINE(returned, name, lanes, plain, arguments)                                               \
    typedef returned name##_function arguments;                                                              \
    static name##_function *const name = plain;
#endif

#endif
