/* Two standard normal deviates from two random words (Box & Muller 1958, doi:10.1214/aoms/1177706645), with
 * arithmetic of our own, so that they are the same bits everywhere. The first word gives the radius, so
 * values reach sqrt(2 ln 2^33) = 6.76 standard deviations; P(|z| beyond that) is 1e-11.
 * SPDX-License-Identifier: MIT */
#ifndef NM_NORMAL_H
#define NM_NORMAL_H

#include "nm_math.h"
#include "nm_rng.h"

#include <math.h> /* sqrt: exactly rounded by IEEE 754, so the same bits everywhere */

/* cos and sin of (quarter + a) quarter turns, quarter = 0 .. 3 and |a| < 1/2 from the word's 2 high and 30
 * low bits: so no reduction of the argument, and no rounding before it. */
static inline void nm_circle(uint32_t word, double *x, double *y) {
    double a = ((double)(word & 0x3FFFFFFFu) + 0.5) * (1.0 / 1073741824.0) - 0.5;
    double r = a * 1.57079632679489661923, z = r * r;
    /* Taylor: at pi/4 the next terms are 5e-17 and 2e-18. */
    double s = -1.0 / 1307674368000.0, c = 1.0 / 20922789888000.0;
    s = s * z + 1.0 / 6227020800.0;
    c = c * z - 1.0 / 87178291200.0;
    s = s * z - 1.0 / 39916800.0;
    c = c * z + 1.0 / 479001600.0;
    s = s * z + 1.0 / 362880.0;
    c = c * z - 1.0 / 3628800.0;
    s = s * z - 1.0 / 5040.0;
    c = c * z + 1.0 / 40320.0;
    s = s * z + 1.0 / 120.0;
    c = c * z - 1.0 / 720.0;
    s = s * z - 1.0 / 6.0;
    c = c * z + 1.0 / 24.0;
    s = s * z * r + r;
    c = (c * z - 0.5) * z + 1.0;
    /* quarters 1 and 3 swap, 1 and 2 negate x, 2 and 3 negate y: as bits, so that loops vectorise */
    uint64_t swap = (uint64_t)0 - ((word >> 30) & 1u);
    uint64_t other = (nm_to_bits(c) ^ nm_to_bits(s)) & swap;
    uint64_t minus_y = (uint64_t)(word >> 31) << 63, minus_x = ((uint64_t)(word >> 30) << 63) ^ minus_y;
    *x = nm_from_bits((nm_to_bits(c) ^ other) ^ minus_x);
    *y = nm_from_bits((nm_to_bits(s) ^ other) ^ minus_y);
}

/* log(x) of a normal float > 0 (Moshier's Cephes; error 1e-7 relative): no division, and 16 lanes of AVX-512.
 */
static inline float nm_log_single(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t from_half =
        bits - 0x3F3504F3u; /* sqrt(1/2): the mantissa then lies in sqrt(1/2) .. sqrt(2) */
    const float k = (float)((int32_t)from_half >> 23);
    const uint32_t mantissa = (from_half & 0x007FFFFFu) + 0x3F3504F3u;
    float m;
    memcpy(&m, &mantissa, sizeof m);
    const float f = m - 1.0f, z = f * f;
    float y = 7.0376836292e-2f * f - 1.1514610310e-1f;
    y = y * f + 1.1676998740e-1f;
    y = y * f - 1.2420140846e-1f;
    y = y * f + 1.4249322787e-1f;
    y = y * f - 1.6668057665e-1f;
    y = y * f + 2.0000714765e-1f;
    y = y * f - 2.4999993993e-1f;
    y = y * f + 3.3333331174e-1f;
    return f + (y * f * z - 0.5f * z - 2.12194440e-4f * k) + 0.693359375f * k;
}

/* A standard normal deviate from one word, as the quantile of it (Giles 2012, "Approximating the erfinv
 * function", GPU Computing Gems; error below 1e-6 to 5 standard deviations, 3e-3 at the
 * last of 6.34). In single precision: a background current needs no more,
 * and it takes a third of the time. Both ranges are computed and one is taken, so that loops make vectors of
 * it. */
static inline float nm_normal_single(uint32_t word) {
    const float p = ((float)(int32_t)(word & 0x7FFFFFFFu) + 0.5f) * (1.0f / 4294967296.0f); /* 0 .. 1/2 */
    const float x = 1.0f - 2.0f * p, w = -nm_log_single(4.0f * p * (1.0f - p));
    const float a = w - 2.5f, b = sqrtf(w) - 3.0f;
    float near = 2.81022636e-08f * a + 3.43273939e-07f;
    float far = -0.000200214257f * b + 0.000100950558f;
    near = near * a - 3.5233877e-06f;
    far = far * b + 0.00134934322f;
    near = near * a - 4.39150654e-06f;
    far = far * b - 0.00367342844f;
    near = near * a + 0.00021858087f;
    far = far * b + 0.00573950773f;
    near = near * a - 0.00125372503f;
    far = far * b - 0.0076224613f;
    near = near * a - 0.00417768164f;
    far = far * b + 0.00943887047f;
    near = near * a + 0.246640727f;
    far = far * b + 1.00167406f;
    near = near * a + 1.50140941f;
    far = far * b + 2.83297682f;
    const float z = 1.41421356237f * (w < 5.0f ? near : far) * x;
    return word & 0x80000000u ? z : -z;
}

static inline void nm_normal_pair(uint32_t radius_word, uint32_t angle_word, double *first, double *second) {
    double x, y, radius = sqrt(-2.0 * nm_log(nm_uniform(radius_word)));
    nm_circle(angle_word, &x, &y);
    *first = radius * x;
    *second = radius * y;
}

#endif
