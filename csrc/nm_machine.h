/* The vector level of the processor: the largest set of vector instructions that it has and the operating
 * system saves. The build compiles the core once per level (setup.py names the flags); neuromod/vector.py
 * loads one of them. This file is compiled for the baseline alone.
 * SPDX-License-Identifier: MIT */
#ifndef NM_MACHINE_H
#define NM_MACHINE_H

enum {
    NM_BASELINE = 0, /* what every processor of the architecture has: SSE2 on x86-64, NEON on aarch64 */
    NM_AVX2 = 1,     /* AVX2, BMI1, BMI2, LZCNT, POPCNT */
    NM_AVX512 = 2    /* these and AVX-512 F, CD, BW, DQ, VL */
};

int nm_machine_level(void);

#endif
