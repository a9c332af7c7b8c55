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

/* The standard normal quantile (Wichura 1988, Algorithm AS 241 PPND16, doi:10.2307/2347330; relative error
 * 1e-16), for a deviate from one word. Both its ranges are computed and one is taken, without a branch: loops
 * make vectors of it. */
static inline double nm_normal_quantile(double u) {
    const double q = u - 0.5, z = 0.180625 - q * q;
    const double near_over =
        (((((((2.5090809287301226727e3 * z + 3.3430575583588128105e4) * z + 6.7265770927008700853e4) * z +
             4.5921953931549871457e4) *
                z +
            1.3731693765509461125e4) *
               z +
           1.9715909503065514427e3) *
              z +
          1.3314166789178437745e2) *
             z +
         3.3871328727963666080e0);
    const double near_under =
        (((((((5.2264952788528545610e3 * z + 2.8729085735721942674e4) * z + 3.9307895800092710610e4) * z +
             2.1213794301586595867e4) *
                z +
            5.3941960214247511077e3) *
               z +
           6.8718700749205790830e2) *
              z +
          4.2313330701600911252e1) *
             z +
         1.0);
    const double tail = u < 0.5 ? u : 1.0 - u,
                 r = sqrt(-nm_log(tail)) - 1.6; /* u >= 2^-33: r <= 3.2 of 3.4 */
    const double far_over =
        (((((((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1) *
                 r +
             1.27045825245236838258e0) *
                r +
            3.64784832476320460504e0) *
               r +
           5.76949722146069140550e0) *
              r +
          4.63033784615654529590e0) *
             r +
         1.42343711074968357734e0);
    const double far_under =
        (((((((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r + 1.51986665636164571966e-2) *
                 r +
             1.48103976427480074590e-1) *
                r +
            6.89767334985100004550e-1) *
               r +
           1.67638483018380384940e0) *
              r +
          2.05319162663775882187e0) *
             r +
         1.0);
    const int near = fabs(q) <= 0.425;
    const double value = (near ? q * near_over : far_over) / (near ? near_under : far_under);
    return near || q > 0.0 ? value : -value;
}

static inline void nm_normal_pair(uint32_t radius_word, uint32_t angle_word, double *first, double *second) {
    double x, y, radius = sqrt(-2.0 * nm_log(nm_uniform(radius_word)));
    nm_circle(angle_word, &x, &y);
    *first = radius * x;
    *second = radius * y;
}

#endif
