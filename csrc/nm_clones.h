/* NM_CLONES before a function with a hot loop: gcc makes it three times (AVX-512, AVX2, plain) and the loader
 * picks by machine. -ffp-contract=off keeps fused multiply-adds out of all three, so the bits are the same
 * (tests/test_rng.py runs each clone that the machine can). Elsewhere it is empty.
 * SPDX-License-Identifier: MIT */
#ifndef NM_CLONES_H
#define NM_CLONES_H

#include <stdint.h> /* brings in __GLIBC__ */

/* Needs ifuncs (glibc), and no sanitizer: its checks would run in the resolver, before it is set up itself.
 */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) &&                 \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(NM_NO_CLONES)
#define NM_CLONES     __attribute__((target_clones("avx512f", "avx2", "default")))
#define NM_HAS_CLONES 1
#else
#define NM_CLONES
#endif

#endif
