/* cpuid and xgetbv themselves: __builtin_cpu_supports needs a runtime library that clang does not have on
 * every system. Bits: Intel, Software Developer's Manual, volume 2A, CPUID, and volume 1, section 13.3.
 * SPDX-License-Identifier: MIT */
#include "nm_machine.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#include <stdint.h>

enum {
    OSXSAVE = 1 << 27, /* leaf 1, ecx */
    POPCNT = 1 << 23,
    LZCNT = 1 << 5, /* leaf 0x80000001, ecx */
    BMI1 = 1 << 3,  /* leaf 7, ebx */
    AVX2 = 1 << 5,
    BMI2 = 1 << 8,
    AVX512 = 1 << 16 | 1 << 17 | 1 << 28 | 1 << 30, /* F, DQ, CD, BW */
    SAVED_256 = 0x06,                               /* extended control register 0: xmm and ymm registers */
    SAVED_512 = 0xE6                                /* and mask, lower and higher zmm registers */
};
static const uint32_t AVX512_VL = 1u << 31;

static int has(uint32_t found, uint32_t wanted) {
    return (found & wanted) == wanted;
}

/* Which registers the operating system saves. macOS adds those of AVX-512 when a thread first uses them, so
 * that an Intel Mac counts as one with AVX2. */
static uint32_t saved_registers(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

int nm_machine_level(void) {
    uint32_t eax, ebx, ecx, edx, extended;
    if (!__get_cpuid(0x80000001u, &eax, &ebx, &extended, &edx) || !__get_cpuid(1, &eax, &ebx, &ecx, &edx) ||
        !has(ecx, OSXSAVE | POPCNT) || !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
        return NM_BASELINE;
    const uint32_t saved = saved_registers();
    if (!has(saved, SAVED_256) || !has(extended, LZCNT) || !has(ebx, AVX2 | BMI1 | BMI2))
        return NM_BASELINE;
    return has(saved, SAVED_512) && has(ebx, AVX512 | AVX512_VL) ? NM_AVX512 : NM_AVX2;
}

#else

int nm_machine_level(void) {
    return NM_BASELINE;
}

#endif
