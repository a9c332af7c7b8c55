/* exp and log with the same bits on every IEEE-754 machine: those of libm differ in the last bit between
 * platforms and vector libraries. They use +, *, / and integer operations only, without fused multiply-adds
 * (the build sets -ffp-contract=off), and loops over them vectorise. Errors against 80-digit arithmetic:
 * tests/test_rng.py.
 * SPDX-License-Identifier: MIT */
#ifndef NM_MATH_H
#define NM_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline double nm_from_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t nm_to_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* exp(x) with x clamped to [-708, 709]: never 0, denormal or infinite. NaN gives a number; callers check. */
static inline double nm_exp(double x) {
    /* x = k ln 2 + r, |r| <= ln 2 / 2; ln 2 in two parts so that k * hi is exact. */
    const double hi = 6.93147180369123816490e-01, lo = 1.90821492927058770002e-10;
    const double shift = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to an integer */
    x = x < -708.0 ? -708.0 : x;
    x = x > 709.0 ? 709.0 : x;
    double shifted = x * 1.44269504088896340736 + shift;
    double k = shifted - shift;
    double r = (x - k * hi) - k * lo;
    /* Taylor to the 13th degree: at |r| = 0.347 the next term is 4e-18, below half an ulp. */
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = (p * r) * r + r + 1.0;
    /* The low bits of `shifted` hold k as an integer: move it into the exponent of 2^k. */
    uint64_t scale = (nm_to_bits(shifted) + 1023u) << 52;
    return p * nm_from_bits(scale);
}

/* log(x) for finite, normal x > 0. */
static inline double nm_log(double x) {
    const double hi = 6.93147180369123816490e-01, lo = 1.90821492927058770002e-10;
    uint64_t bits = nm_to_bits(x);
    /* x = 2^k m with m in [sqrt(1/2), sqrt(2)) */
    uint64_t above = bits + 0x00095F619980C433u; /* carries into the exponent where m >= sqrt(2) */
    /* k as a double by placing it in the mantissa of 2^52: no int64 -> double, which SSE2 and AVX2 lack */
    double k = nm_from_bits((above >> 52) | 0x4330000000000000u) - (4503599627370496.0 + 1023.0);
    double m = nm_from_bits(bits - (((above >> 52) - 1023u) << 52));
    double s = (m - 1.0) / (m + 1.0), z = s * s;
    /* log m = 2 atanh s; |s| <= 0.1716, so the term z^11/23 is 2e-18 */
    double p = 1.0 / 21.0;
    p = p * z + 1.0 / 19.0;
    p = p * z + 1.0 / 17.0;
    p = p * z + 1.0 / 15.0;
    p = p * z + 1.0 / 13.0;
    p = p * z + 1.0 / 11.0;
    p = p * z + 1.0 / 9.0;
    p = p * z + 1.0 / 7.0;
    p = p * z + 1.0 / 5.0;
    p = p * z + 1.0 / 3.0;
    return k * hi + (2.0 * s + (2.0 * s * z * p + k * lo));
}

/* (1 - exp(-x)) / x for x >= 0, which is the mean of exp(-s) over 0 <= s <= x; 1 at x = 0. Below 1 the
 * divisor is log(exp(-x)) in place of x (Kahan): the rounding error of exp then cancels, and no digit is
 * lost near 0. */
static inline double nm_exp_mean(double x) {
    double y = nm_exp(-x);
    if (y == 1.0)
        return 1.0;
    return (1.0 - y) / (x < 1.0 ? -nm_log(y) : x);
}

/* Whether a potential has reached its threshold. An infinite one has not: it stays in its column, where the look
 * for values that are not finite finds it. */
static inline int nm_crossed(double v, double threshold) {
    return (v >= threshold) & (v <= 1.7976931348623157e308);
}

/* x, or 0 where |x| < 1e-100. A value that decays for long would become denormal, and operations on
 * denormals are slow. NaN stays NaN. */
static inline double nm_flush(double x) {
    return fabs(x) < 1e-100 ? 0.0 : x;
}

/* level^exponent. The exponents 1 and 2 use multiplication, which is exact to the bit on every machine. */
static inline double nm_power(double level, double exponent) {
    if (exponent == 1.0)
        return level;
    if (exponent == 2.0)
        return level * level;
    return level > 0.0 ? nm_exp(exponent * nm_log(level)) : (exponent > 0.0 ? 0.0 : 1.0);
}

static inline double nm_clip(double x, double low, double high) {
    return x < low ? low : (x > high ? high : x);
}

#endif
