/* nm_quantile: against the inverse of libm's erfc, in both tails and at the borders of the octaves; and
 * what is written.
 * SPDX-License-Identifier: MIT */
#include "draw.h"
#include "nm_quantile.h"
#include "testlib.h"

#include <math.h>

enum { MANY = 4096, GUARD = 8 };
static const uint32_t TOP = 0x80000000u; /* turns the sign */
static const double CLAIMED = 1e-6;      /* the error that the head of nm_quantile.h claims */

static float deviate_of(uint32_t word) {
    float deviate = NAN;
    nm_quantile_fill(&word, 1, &deviate);
    return deviate;
}

/* P(normal < z) = p for p <= 1/2, z in -7 .. 0, by halving: 60 halvings leave less than 1e-17, and erfc is
 * right to some 1e-15 of itself, which is 1e-15 / |z| of z in the tail and 3e-15 in the middle. */
static double quantile_of(double p) {
    double low = -7.0, high = 0.0;
    for (int k = 0; k < 60; k++) {
        const double middle = 0.5 * (low + high);
        if (0.5 * erfc(-middle * sqrt(0.5)) < p)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

static double probability_of(uint32_t word) {
    return ((double)word + 0.5) / 4294967296.0;
}

/* For a word of the lower half. */
static int is_accurate(uint32_t word) {
    return fabs((double)deviate_of(word) - quantile_of(probability_of(word))) < CLAIMED;
}

/* Published to six digits and more. */
static void the_reference_is_that_of_tables(void) {
    CHECK(fabs(quantile_of(0.5)) < 1e-14);
    CHECK(fabs(quantile_of(0.025) + 1.959963984540054) < 1e-14);
    CHECK(fabs(quantile_of(0.001) + 3.090232306167814) < 1e-14);
    CHECK(fabs(quantile_of(1e-9) + 5.997807015007687) < 1e-13);
}

/* A word stands for a probability to 2^-33, which is 1e-9 of a deviate where the density is 0.1. */
static void deviates_are_those_of_tables(void) {
    CHECK(fabs((double)deviate_of((uint32_t)(0.25 * 4294967296.0)) + 0.674489750196082) < CLAIMED);
    CHECK(fabs((double)deviate_of((uint32_t)(0.1586552539314571 * 4294967296.0)) + 1.0) < CLAIMED);
    CHECK(fabs((double)deviate_of((uint32_t)(0.025 * 4294967296.0)) + 1.959963984540054) < CLAIMED);
    CHECK(fabs((double)deviate_of(0) + 6.337957754553790) < CLAIMED);
}

/* The first words, the last ones of the lower half, and both sides of every power of 2: there another
 * polynomial begins. */
static void tails_and_the_borders_of_octaves(void) {
    for (uint32_t word = 0; word < 64; word++) {
        CHECK(is_accurate(word));
        CHECK(is_accurate(TOP - 1 - word));
    }
    for (int k = 6; k < 31; k++)
        for (uint32_t off = 0; off < 4; off++) {
            CHECK(is_accurate(((uint32_t)1 << k) - 2 + off));
            CHECK(is_accurate(((uint32_t)3 << (k - 1)) - 2 + off));
        }
}

static void words_of_every_octave(void) {
    sequence = 1;
    for (int k = 1; k < 31; k++)
        for (int again = 0; again < 400; again++)
            CHECK(is_accurate((uint32_t)(((uint64_t)1 << k) + draw() % ((uint64_t)1 << k))));
}

/* The top bit alone turns the sign, so the two halves of all words are mirror images to the bit. */
static void the_top_bit_turns_the_sign(void) {
    sequence = 2;
    for (int again = 0; again < MANY; again++) {
        const uint32_t word = (uint32_t)draw() & ~TOP;
        const float lower = deviate_of(word), upper = deviate_of(word | TOP);
        CHECK(lower < 0.0f && upper == -lower);
    }
    CHECK(deviate_of(0) < -6.33f && deviate_of(TOP) == -deviate_of(0));
    CHECK(deviate_of(TOP - 1) <= 0.0f && deviate_of(UINT32_MAX) == -deviate_of(TOP - 1));
    CHECK(fabsf(deviate_of(TOP - 1)) < 1e-6f);
}

/* Words 2^15 apart differ by 7.6e-6 in probability and so by more than 7.6e-6 * sqrt(2 pi) = 1.9e-5 in the
 * deviate, ten times what two errors come to. */
static void deviates_rise_with_the_word(void) {
    float before = deviate_of(0);
    for (uint32_t word = 32768; word < TOP; word += 32768) {
        const float here = deviate_of(word);
        CHECK(here > before);
        before = here;
    }
}

/* One word from the middle of each of n equal parts: the sums are integrals by the midpoint rule. The mirror
 * images cancel in z and z^3, but for rounding: a sum of 4e5 errs by 3e-11, n times, so by 3e-11 of a mean.
 * In a tail z^2 runs like -2 ln p, of which the midpoints miss ln 2 / n at each end (Stirling): 2 ln 2 / n
 * = 1.3e-6; and z^4 misses 2 z^2 times that, z = 4.9: 6.4e-5. The claimed error adds 2 E|z| = 1.6 and 4
 * E|z|^3 = 6.4 of itself. */
static void moments_are_those_of_the_normal_distribution(void) {
    const int64_t n = 1 << 20;
    double sum[5] = {0.0};
    for (int64_t k = 0; k < n; k++) {
        double z = (double)deviate_of((uint32_t)(k * 4096 + 2048)), power = 1.0;
        for (int m = 0; m < 5; m++, power *= z)
            sum[m] += power;
    }
    CHECK(fabs(sum[1] / (double)n) < 1e-9);
    CHECK(fabs(sum[2] / (double)n - 1.0) < 1.3e-6 + 1.6 * CLAIMED);
    CHECK(fabs(sum[3] / (double)n) < 1e-9);
    CHECK(fabs(sum[4] / (double)n - 3.0) < 8e-5 + 6.4 * CLAIMED);
}

/* Of every length to 100 from every place of a line: the same as one by one, and nothing else is written. */
static void every_length_and_alignment(void) {
    static uint32_t words[MANY];
    static float deviates[MANY];
    const float untouched = 77.0f;
    sequence = 3;
    for (int i = 0; i < MANY; i++)
        words[i] = (uint32_t)draw();
    for (size_t n = 0; n <= 100; n++)
        for (size_t shift = 0; shift < 16; shift++) {
            for (int i = 0; i < 200; i++)
                deviates[i] = untouched;
            nm_quantile_fill(words + shift, n, deviates + GUARD + shift);
            int good = 1;
            for (size_t i = 0; i < 200; i++) {
                const int inside = i >= GUARD + shift && i < GUARD + shift + n;
                good &= deviates[i] == (inside ? deviate_of(words[i - GUARD]) : untouched);
            }
            CHECK(good);
        }
}

static const nm_test tests[] = {TEST(the_reference_is_that_of_tables),
                                TEST(deviates_are_those_of_tables),
                                TEST(tails_and_the_borders_of_octaves),
                                TEST(words_of_every_octave),
                                TEST(the_top_bit_turns_the_sign),
                                TEST(deviates_rise_with_the_word),
                                TEST(moments_are_those_of_the_normal_distribution),
                                TEST(every_length_and_alignment),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
