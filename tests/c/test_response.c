/* nm_response: the four dose-response curves against values by hand and against libm, their extremes, how
 * they rise and fall, and what declared modulators are made of.
 * SPDX-License-Identifier: MIT */
#include "nm_response.h"
#include "testlib.h"

#include <float.h>
#include <math.h>

static const nm_response responses[] = {NM_LINEAR, NM_POWER, NM_HILL, NM_INVERTED_U};

/* strength * shape(level), with the one or two parameters of the shape. */
static double value(nm_response response, double strength, double first, double second, double level) {
    const double params[NM_SHAPE + 2] = {
        [NM_STRENGTH] = strength, [NM_SHAPE] = first, [NM_SHAPE + 1] = second};
    return nm_response_value(response, params, level);
}
static double linear(double strength, double level) {
    return value(NM_LINEAR, strength, NAN, NAN, level);
}
static double power(double exponent, double level) {
    return value(NM_POWER, 1.0, exponent, NAN, level);
}
static double hill(double ec50, double n, double level) {
    return value(NM_HILL, 1.0, ec50, n, level);
}
static double inverted_u(double peak, double width, double level) {
    return value(NM_INVERTED_U, 1.0, peak, width, level);
}

static int near(double got, double wanted, double tolerance) {
    return fabs(got - wanted) <= tolerance * fabs(wanted);
}

/* ---- values by hand ----------------------------------------------------------------------------------- */

static void linear_is_the_level(void) {
    CHECK(linear(1.0, 0.0) == 0.0);
    CHECK(linear(1.0, 1.0) == 1.0);
    CHECK(linear(3.0, 0.25) == 0.75);
    CHECK(linear(-0.5, 0.5) == -0.25);
}

/* Exponents 1 and 2 go by multiplication and are exact; the others by exp and log, 4e-16 of the logarithm
 * off. */
static void power_is_a_power(void) {
    CHECK(power(1.0, 0.3) == 0.3);
    CHECK(power(2.0, 0.3) == 0.3 * 0.3);
    CHECK(near(power(3.0, 0.5), 0.125, 1e-15));
    CHECK(near(power(0.5, 0.25), 0.5, 1e-15));
    CHECK(near(power(1.5, 0.25), 0.125, 1e-15));
    CHECK(power(0.5, 1.0) == 1.0 && power(7.0, 1.0) == 1.0);
    CHECK(power(0.0, 0.7) == 1.0 && power(0.0, 0.0) == 1.0);
    CHECK(power(0.5, 0.0) == 0.0 && power(2.5, 0.0) == 0.0);
}

/* 1 / (1 + (ec50 / level)^n). */
static void hill_is_half_at_ec50_and_a_ratio_elsewhere(void) {
    CHECK(hill(0.25, 1.0, 0.25) == 0.5 && hill(0.3, 2.0, 0.3) == 0.5 && hill(0.7, 3.3, 0.7) == 0.5);
    CHECK(near(hill(0.25, 1.0, 0.5), 2.0 / 3.0, 1e-15));
    CHECK(near(hill(0.25, 1.0, 0.125), 1.0 / 3.0, 1e-15));
    CHECK(near(hill(0.25, 2.0, 0.5), 0.8, 1e-15));
    CHECK(near(hill(0.5, 2.0, 0.25), 0.2, 1e-15));
    CHECK(near(hill(0.5, 3.0, 1.0), 8.0 / 9.0, 1e-15));
    CHECK(near(hill(1.0, 4.0, 0.5), 1.0 / 17.0, 2e-15));
    CHECK(hill(0.5, 2.0, 0.0) == 0.0);
}

/* exp(-1/2), exp(-2) and exp(-9/2) at one, two and three widths from the peak. */
static void inverted_u_is_a_bell(void) {
    CHECK(inverted_u(0.5, 0.25, 0.5) == 1.0 && inverted_u(0.0, 3.0, 0.0) == 1.0);
    CHECK(near(inverted_u(0.5, 0.25, 0.25), 0.60653065971263342, 1e-15));
    CHECK(near(inverted_u(0.5, 0.25, 0.75), 0.60653065971263342, 1e-15));
    CHECK(near(inverted_u(0.5, 0.25, 1.0), 0.13533528323661269, 1e-15));
    CHECK(near(inverted_u(0.25, 0.25, 1.0), 0.011108996538242306, 1e-15));
    CHECK(inverted_u(0.5, 0.25, 0.125) == inverted_u(0.5, 0.25, 0.875));
}

static void strength_multiplies_every_curve(void) {
    const double levels[] = {0.0, 0.125, 0.5, 0.7, 1.0};
    for (int r = 0; r < NM_N_RESPONSES; r++)
        for (int k = 0; k < 5; k++) {
            const double one = value(responses[r], 1.0, 0.4, 0.3, levels[k]);
            CHECK(value(responses[r], 2.5, 0.4, 0.3, levels[k]) == 2.5 * one);
            CHECK(value(responses[r], -1.0, 0.4, 0.3, levels[k]) == -one);
            CHECK(value(responses[r], 0.0, 0.4, 0.3, levels[k]) == 0.0);
        }
}

/* ---- against libm ------------------------------------------------------------------------------------- */

/* nm_log and nm_exp err by less than 2 * DBL_EPSILON of themselves, so a power with x = exponent * ln(level)
 * by |x| * 3 * DBL_EPSILON and as much again for exp; libm's own, twice as much, is added. */
static double tolerance_of(double x) {
    return 6.0 * DBL_EPSILON * (1.0 + fabs(x));
}

static void powers_are_those_of_libm(void) {
    const double exponents[] = {0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 7.25, 50.0};
    for (int e = 0; e < 8; e++)
        for (double level = 1.0 / 64.0; level <= 1.0; level += 1.0 / 64.0)
            CHECK(near(power(exponents[e], level), pow(level, exponents[e]),
                       tolerance_of(exponents[e] * log(level))));
}

static void hill_curves_are_those_of_libm(void) {
    const double ec50[] = {0.01, 0.3, 0.5, 1.0, 20.0}, steepness[] = {0.3, 1.0, 2.0, 4.0, 9.5};
    for (int a = 0; a < 5; a++)
        for (int b = 0; b < 5; b++)
            for (double level = 1.0 / 64.0; level <= 1.0; level += 1.0 / 64.0) {
                const double n = steepness[b], wanted = 1.0 / (1.0 + pow(ec50[a] / level, n));
                CHECK(near(hill(ec50[a], n, level), wanted, tolerance_of(n * log(level / ec50[a]))));
            }
}

static void bells_are_those_of_libm(void) {
    const double peaks[] = {0.0, 0.3, 1.0}, widths[] = {0.05, 0.25, 3.0};
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++)
            for (double level = 0.0; level <= 1.0; level += 1.0 / 64.0) {
                const double z = (level - peaks[a]) / widths[b];
                CHECK(near(inverted_u(peaks[a], widths[b], level), exp(-0.5 * z * z),
                           tolerance_of(0.5 * z * z)));
            }
}

/* ---- extremes ----------------------------------------------------------------------------------------- */

static void hill_stays_between_0_and_1_at_the_ends_of_its_parameters(void) {
    const double ec50[] = {DBL_TRUE_MIN, 1e-320, 1e-200, 1.0, 1e300, DBL_MAX};
    const double steepness[] = {DBL_TRUE_MIN, 1e-300, 1.0, 2.0, 3.0, 400.0, DBL_MAX};
    const double levels[] = {0.0, DBL_TRUE_MIN, 1e-310, 1e-3, 0.5, 1.0};
    for (int a = 0; a < 6; a++)
        for (int b = 0; b < 7; b++)
            for (int c = 0; c < 6; c++) {
                const double got = hill(ec50[a], steepness[b], levels[c]);
                CHECK(got >= 0.0 && got <= 1.0);
            }
    CHECK(hill(1e-320, 2.0, 1.0) == 1.0 && hill(1e-320, 2.0, 0.0) == 0.0);
    CHECK(hill(1e300, 3.0, 1.0) < 1e-300 && hill(DBL_MAX, 1.0, 1.0) < 1e-300);
    CHECK(near(hill(0.5, 1e-300, 0.2), 0.5, 1e-15));
    CHECK(near(hill(1e300, 0.5, 1e-3), 3.1622776601683795e-152, 1e-12));
    CHECK(near(hill(DBL_MAX, 0.01, 1e-3), 7.7111e-4, 1e-5)); /* their ratio, 5.6e-312, is denormal */
    CHECK(near(hill(1e-320, 0.01, 1e3), 1.0 / (1.0 + 5.88e-4), 1e-5));
}

static void powers_of_the_smallest_and_largest(void) {
    CHECK(power(DBL_MAX, 1.0) == 1.0);
    CHECK(power(DBL_MAX, 0.5) >= 0.0 && power(DBL_MAX, 0.5) < 1e-300);
    CHECK(power(1e-300, 0.5) == 1.0);
    CHECK(power(2.0, 1e-200) == 0.0);
    CHECK(power(3.0, 1e-100) >= 0.0 && power(3.0, 1e-100) < 1e-299);
}

/* exp ends at exp(-708), 3e-308: nothing is 0 / 0 or inf * 0. */
static void bells_as_narrow_and_as_wide_as_can_be(void) {
    CHECK(inverted_u(0.5, DBL_TRUE_MIN, 0.5) == 1.0);
    CHECK(inverted_u(0.5, DBL_TRUE_MIN, 0.25) >= 0.0 && inverted_u(0.5, DBL_TRUE_MIN, 0.25) < 1e-300);
    CHECK(inverted_u(0.5, 1e-200, 1.0) >= 0.0 && inverted_u(0.5, 1e-200, 1.0) < 1e-300);
    CHECK(inverted_u(0.5, DBL_MAX, 1.0) == 1.0);
}

/* ---- how they rise and fall --------------------------------------------------------------------------- */

/* 256 levels: from one to the next every curve here moves by 8e-11 of itself at least (the Hill curve that
 * ends at 1 - 0.05^6.5), and errs by some 1e-14. */
static double at(int k) {
    return (double)k / 256.0;
}

static void linear_power_and_hill_rise(void) {
    const double exponents[] = {0.2, 1.0, 2.0, 6.5}, ec50[] = {0.05, 0.5, 2.0};
    for (int k = 1; k <= 256; k++) {
        CHECK(linear(2.0, at(k)) > linear(2.0, at(k - 1)));
        CHECK(linear(-2.0, at(k)) < linear(-2.0, at(k - 1)));
        for (int e = 0; e < 4; e++) {
            CHECK(power(exponents[e], at(k)) > power(exponents[e], at(k - 1)));
            for (int a = 0; a < 3; a++)
                CHECK(hill(ec50[a], exponents[e], at(k)) > hill(ec50[a], exponents[e], at(k - 1)));
        }
    }
}

static void a_bell_rises_to_its_peak_and_falls_beyond(void) {
    for (int peak = 0; peak <= 256; peak += 64)
        for (int k = 1; k <= 256; k++) {
            const double before = inverted_u(at(peak), 0.2, at(k - 1)),
                         here = inverted_u(at(peak), 0.2, at(k));
            CHECK(k <= peak ? here > before : here < before);
        }
}

/* ---- words and tables --------------------------------------------------------------------------------- */

static void names_of_responses_and_targets(void) {
    const char *const shapes[] = {"linear", "power", "hill", "inverted_u"};
    const char *const words[] = {"learning_rate", "ltp", "ltd", "threshold", "gain", "noise", "tau_c"};
    CHECK(NM_N_RESPONSES == 4 && NM_N_TARGETS == 7);
    for (int k = 0; k < NM_N_RESPONSES; k++)
        CHECK(strcmp(nm_response_name((nm_response)k), shapes[k]) == 0);
    for (int k = 0; k < NM_N_TARGETS; k++)
        CHECK(strcmp(nm_targets[k].word, words[k]) == 0);
    CHECK(strcmp(nm_response_name(NM_N_RESPONSES), "unknown") == 0);
}

static void declared_modulators_have_their_response_and_one_input(void) {
    for (int k = 0; k < NM_N_RESPONSES; k++) {
        const nm_modulator *m = &nm_declared[k];
        CHECK(m->response == responses[k]);
        CHECK(nm_field_count(m->inputs) == 1 && strcmp(m->inputs[0].name, "amount") == 0);
        CHECK(m->sign[0] == 1.0 && m->offset == 1.0 && m->targets == 0 && !m->optional);
        CHECK(strstr(m->title, "response") != NULL);
    }
}

static void declared_parameters_stand_where_the_curves_look(void) {
    const char *const common[] = {"baseline", "decay_rate", "sensitivity", "strength"};
    const char *const own[NM_N_RESPONSES][2] = {
        {NULL, NULL}, {"exponent", NULL}, {"ec50", "n"}, {"peak", "width"}};
    const double shapes[NM_N_RESPONSES][2] = {{0.0}, {2.0}, {0.5, 2.0}, {0.5, 0.25}};
    const int counts[] = {4, 5, 6, 6};
    for (int k = 0; k < NM_N_RESPONSES; k++) {
        const nm_field *fields = nm_declared[k].params;
        CHECK(nm_field_count(fields) == counts[k]);
        for (int f = 0; f < counts[k]; f++) {
            const char *wanted = f < NM_SHAPE ? common[f] : own[k][f - NM_SHAPE];
            CHECK(strcmp(fields[f].name, wanted) == 0);
            CHECK(nm_domain_holds(fields[f].domain, fields[f].fallback));
            CHECK(f < NM_SHAPE || fields[f].fallback == shapes[k][f - NM_SHAPE]);
        }
    }
}

static const nm_test tests[] = {TEST(linear_is_the_level),
                                TEST(power_is_a_power),
                                TEST(hill_is_half_at_ec50_and_a_ratio_elsewhere),
                                TEST(inverted_u_is_a_bell),
                                TEST(strength_multiplies_every_curve),
                                TEST(powers_are_those_of_libm),
                                TEST(hill_curves_are_those_of_libm),
                                TEST(bells_are_those_of_libm),
                                TEST(hill_stays_between_0_and_1_at_the_ends_of_its_parameters),
                                TEST(powers_of_the_smallest_and_largest),
                                TEST(bells_as_narrow_and_as_wide_as_can_be),
                                TEST(linear_power_and_hill_rise),
                                TEST(a_bell_rises_to_its_peak_and_falls_beyond),
                                TEST(names_of_responses_and_targets),
                                TEST(declared_modulators_have_their_response_and_one_input),
                                TEST(declared_parameters_stand_where_the_curves_look),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
