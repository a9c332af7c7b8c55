/* Two standard normal deviates from two random words (Box & Muller 1958, doi:10.1214/aoms/1177706645), with
 * the same bits on every machine. The first word gives the radius, so values reach sqrt(2 ln 2^33) = 6.76
 * standard deviations; the probability beyond is 1e-11.
 * SPDX-License-Identifier: MIT */
#ifndef NM_NORMAL_H
#define NM_NORMAL_H

#include "nm_math.h"
#include "nm_rng.h"

#include <math.h> /* sqrt is correctly rounded by IEEE 754, so its bits are the same on every machine */

/* cos and sin of (quarter + a) quarter turns. The word's 2 high bits give quarter = 0 .. 3, its 30 low
 * bits |a| < 1/2. Hence the argument needs no reduction and is not rounded. */
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
    /* quarters 1 and 3 swap x and y, 1 and 2 negate x, 2 and 3 negate y; by bit operations, which
     * vectorise */
    uint64_t swap = (uint64_t)0 - ((word >> 30) & 1u);
    uint64_t other = (nm_to_bits(c) ^ nm_to_bits(s)) & swap;
    uint64_t minus_y = (uint64_t)(word >> 31) << 63, minus_x = ((uint64_t)(word >> 30) << 63) ^ minus_y;
    *x = nm_from_bits((nm_to_bits(c) ^ other) ^ minus_x);
    *y = nm_from_bits((nm_to_bits(s) ^ other) ^ minus_y);
}

static inline void nm_normal_pair(uint32_t radius_word, uint32_t angle_word, double *first, double *second) {
    double x, y, radius = sqrt(-2.0 * nm_log(nm_uniform(radius_word)));
    nm_circle(angle_word, &x, &y);
    *first = radius * x;
    *second = radius * y;
}

#endif
