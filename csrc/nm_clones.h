/* NM_CLONES before a function with a hot loop: gcc compiles three versions (AVX-512, AVX2, SSE2), and the
 * loader picks one for the machine. -ffp-contract=off keeps fused multiply-adds out of all three, so their
 * results are the same bits (tests/test_rng.py runs each version that the machine supports). With other
 * compilers NM_CLONES is empty.
 * SPDX-License-Identifier: MIT */
#ifndef NM_CLONES_H
#define NM_CLONES_H

#include <stdint.h> /* defines __GLIBC__ */

/* Requires ifuncs (glibc), and no sanitizer: instrumented code would run in the resolver before the
 * sanitizer's own initialisation. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) &&                 \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(NM_NO_CLONES)
#define NM_CLONES     __attribute__((target_clones("avx512f", "avx2", "default")))
#define NM_HAS_CLONES 1
#else
#define NM_CLONES
#endif

/* A function that needs AVX-512 instructions which gcc does not find by itself (nm_quantile.c) has a
 * second version, with gcc's vector types or intrinsics: NM_LANES_512 static ..., inside #if
 * NM_HAS_LANES_512. NM_BY_MACHINE declares the name that is called: with clones the loader picks a version
 * for the machine; else the compiler's target decides. Both versions do the same operations, so their
 * results are the same bits. */
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
