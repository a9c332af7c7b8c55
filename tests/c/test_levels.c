/* Levels: what NULL columns mean, zones and densities, release counted over several lists, the ends of
 * domains.
 * SPDX-License-Identifier: MIT */
#include "nm_levels.h"
#include "nm_register.h"
#include "nm_response.h"
#include "testlib.h"

#include <math.h>

enum { REGIONS = 2, MODULATORS = 3 };

static const nm_modulator *const three[MODULATORS] = {&nm_modulator_dopamine, &nm_modulator_serotonin,
                                                      &nm_modulator_norepinephrine};
static double level[REGIONS * MODULATORS], params[MODULATORS * NM_MAX_PARAMS], kept[MODULATORS];

static nm_levels make(void) {
    for (int m = 0; m < MODULATORS; m++) {
        for (int k = 0; k < nm_field_count(three[m]->params); k++)
            params[m * NM_MAX_PARAMS + k] = three[m]->params[k].fallback;
        kept[m] = 0.75;
        for (int r = 0; r < REGIONS; r++)
            level[r * MODULATORS + m] = 0.5 + 0.25 * r;
    }
    return (nm_levels){.n_regions = REGIONS,
                       .n_modulators = MODULATORS,
                       .modulators = three,
                       .level = level,
                       .params = params,
                       .kept = kept};
}

static void columns_that_are_null_mean_the_modulators_own(void) {
    nm_levels levels = make();
    nm_error error;
    CHECK(nm_levels_check(&levels, &error) == NM_OK);
    CHECK(nm_levels_n_zones(&levels) == REGIONS);
    nm_factors factors = nm_levels_factors(&levels, 1);
    CHECK(factors.learning_rate == 2.0 * 0.75);
    CHECK(factors.threshold == 0.156 * (0.75 * 0.75));
    CHECK(factors.gain == 1.0 + 2.22 * (0.75 * 0.75));
    CHECK(factors.ltp == 1.0 && factors.ltd == 1.0 && factors.noise == 1.0 && factors.tau_c == 1.0);
    nm_levels_step(&levels);
    CHECK(level[0] == 0.5 && level[MODULATORS] == 0.5 + 0.25 * 0.75);
    factors = nm_levels_factors(NULL, 7);
    CHECK(factors.learning_rate == 1.0 && factors.gain == 1.0 && factors.threshold == 0.0 &&
          factors.tau_c == 1.0);
    CHECK(nm_levels_signal(NULL, 0, 1.0, 1.0, 100.0) == 0.0);
}

static void zones_borrow_a_region_and_scale_its_effects(void) {
    nm_levels levels = make();
    const int32_t zone_region[] = {1, 0, 1};
    const double density[] = {1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 2.0, 0.0};
    levels.zone_region = zone_region, levels.density = density, levels.n_zones = 3;
    CHECK(nm_levels_n_zones(&levels) == 3);
    nm_factors whole = nm_levels_factors(&levels, 0), other = nm_levels_factors(&levels, 1);
    nm_factors scaled = nm_levels_factors(&levels, 2);
    CHECK(whole.learning_rate == 1.5 && other.learning_rate == 1.0);
    CHECK(scaled.learning_rate == 1.0 + 0.5 * 0.5);
    CHECK(scaled.threshold == 2.0 * whole.threshold);
    CHECK(scaled.gain == 1.0);
    double full = nm_levels_signal(&levels, 0, 1.0, 1.0, 100.0);
    CHECK(full > 0.0 && nm_levels_signal(&levels, 2, 1.0, 1.0, 100.0) == 0.5 * full);
}

/* At the baseline 0.5 the factors are 1, 1.555 and the rise is 0.039; region 1 is at 0.75. */
static void a_neutral_modulator_has_no_effect_at_its_baseline(void) {
    nm_levels levels = make();
    const uint8_t neutral[MODULATORS] = {1, 1, 1};
    double plain = nm_levels_signal(&levels, 1, 1.0, 1.0, 100.0);
    nm_error error;
    params[NM_STRENGTH] = 4.0; /* dopamine: a factor of 2 at rest */
    levels.neutral = neutral;
    CHECK(nm_levels_check(&levels, &error) == NM_OK);
    nm_factors rest = nm_levels_factors(&levels, 0), now = nm_levels_factors(&levels, 1);
    CHECK(rest.learning_rate == 1.0 && rest.gain == 1.0 && rest.threshold == 0.0);
    CHECK(now.learning_rate == 3.0 / 2.0);
    CHECK(now.gain == (1.0 + 2.22 * 0.5625) / (1.0 + 2.22 * 0.25));
    CHECK(now.threshold == 0.156 * 0.5625 - 0.156 * 0.25);
    double signal = nm_levels_signal(&levels, 1, 1.0, 1.0, 100.0);
    CHECK(plain > 0.0 && fabs(signal - plain) < 1e-15);
    params[NM_BASELINE] = 0.0;
    CHECK(nm_levels_check(&levels, &error) == NM_ERR_BAD_ORDER && error.field == NM_BASELINE &&
          error.value == 0.0);
}

static void one_region_serves_every_zone_where_there_is_but_one(void) {
    nm_levels levels = make();
    levels.n_regions = 1;
    CHECK(nm_levels_factors(&levels, 5).learning_rate == 1.0);
}

static void baselines_by_region_go_before_the_parameter(void) {
    nm_levels levels = make();
    const double baseline[REGIONS * MODULATORS] = {0.5, 0.5, 0.5, 0.25, 0.5, 0.5};
    const double reward[] = {0.5, 0.0}, outside[] = {NAN, 0.0};
    nm_error error;
    levels.baseline = baseline;
    CHECK(nm_levels_event(&levels, 0, -1, reward, &error) == NM_OK);
    CHECK(level[0] == 0.5 + 0.4 * 0.5 && level[MODULATORS] == 0.25 + 0.4 * 0.5);
    CHECK(nm_levels_event(&levels, 0, 1, outside, &error) == NM_ERR_BAD_VALUE && error.field == 0);
    CHECK(level[MODULATORS] == 0.25 + 0.4 * 0.5);
    params[NM_SENSITIVITY] = 0.0;
    const double huge[] = {1e308, -1e308};
    CHECK(nm_levels_event(&levels, 0, -1, huge, &error) == NM_OK && level[MODULATORS] == 0.25);
    const double bad[REGIONS * MODULATORS] = {0.5, 0.5, 0.5, 0.25, 1.5, 0.5};
    levels.baseline = bad;
    CHECK(nm_levels_check(&levels, &error) == NM_ERR_BAD_VALUE);
    CHECK(error.index == 1 && error.field == NM_MAX_PARAMS + NM_BASELINE && error.value == 1.5);
}

static void spikes_are_counted_over_all_lists_and_released_once(void) {
    nm_levels levels = make();
    const int64_t runs[] = {0, 3, 10, 20};
    const uint8_t second[REGIONS] = {0, 1}, both[REGIONS] = {1, 1};
    nm_release releases[] = {
        {.modulator = 0, .amount = 0.0625, .run = runs, .region = second, .n_runs = 2},
        {.modulator = 2, .amount = -0.25, .run = runs + 2, .region = both, .n_runs = 1},
    };
    const int32_t first_list[] = {0, 2, 3, 9}, second_list[] = {10, 19, 20};
    levels.releases = releases, levels.n_releases = 2;
    nm_levels_count(&levels, first_list, 4);
    nm_levels_count(&levels, first_list, 0);
    nm_levels_count(&levels, second_list, 3);
    CHECK(releases[0].n_spikes == 4 && releases[1].n_spikes == 2);
    nm_levels_release(&levels);
    CHECK(level[0] == 0.5 && level[MODULATORS] == 1.0); /* 0.75 + 4 * 0.0625 */
    CHECK(level[2] == 0.0 && level[MODULATORS + 2] == 0.25);
    CHECK(level[1] == 0.5 && level[MODULATORS + 1] == 0.75);
    CHECK(releases[0].n_spikes == 0 && releases[1].n_spikes == 0);
    nm_levels_release(&levels);
    CHECK(level[MODULATORS] == 1.0 && level[2] == 0.0);
    nm_levels_count(&levels, second_list, 2);
    nm_levels_release(&levels);
    CHECK(level[MODULATORS] == 1.0);
    CHECK(level[MODULATORS + 2] == 0.0); /* 0.25 - 0.5, clipped */
}

static void responses_stay_finite_at_the_ends_of_their_domains(void) {
    const double ends[] = {5e-324, 1e-300, 1e-8, 1.0, 1e8, 1e300, 1.7e308};
    const double levels_tried[] = {0.0, 5e-324, 1e-300, 0.5, 1.0};
    for (int response = 0; response < NM_N_RESPONSES; response++)
        for (int a = 0; a < 7; a++)
            for (int b = 0; b < 7; b++)
                for (int k = 0; k < 5; k++) {
                    double p[NM_MAX_PARAMS] = {[NM_STRENGTH] = 1.0};
                    p[NM_SHAPE] = response == NM_INVERTED_U ? levels_tried[k] : ends[a];
                    p[NM_SHAPE + 1] = ends[b];
                    double value = nm_response_value((nm_response)response, p, levels_tried[k]);
                    CHECK(value >= 0.0 && value <= 1.0);
                }
}

static void words_are_those_of_the_lists(void) {
    CHECK(strcmp(nm_targets[NM_TAU_C].word, "tau_c") == 0 && nm_targets[NM_TAU_C].least == NM_LEAST_TAU_C);
    CHECK(nm_targets[NM_THRESHOLD].effect == NM_RISE && nm_targets[NM_GAIN].effect == NM_FACTOR);
    CHECK(strcmp(nm_response_name(NM_INVERTED_U), "inverted_u") == 0 && NM_N_RESPONSES == 4);
    CHECK(strcmp(nm_response_name(NM_N_RESPONSES), "unknown") == 0);
    for (int k = 0; k < NM_N_RESPONSES; k++)
        CHECK(nm_declared[k].response == (nm_response)k);
}

/* A parameter that is one of two words, behind those that every modulator has. */
static void a_word_is_held_to_its_positions(void) {
    static const nm_field fields[] = {
        {"baseline", "1", 0.5, NM_UNIT_INTERVAL, "."},   {"decay_rate", "1/step", 0.1, NM_UNIT_INTERVAL, "."},
        {"sensitivity", "1", 0.5, NM_NON_NEGATIVE, "."}, {"strength", "1", 1.0, NM_NON_NEGATIVE, "."},
        {"kind", "slow fast", 0.0, NM_WORD, "."},        NM_END};
    const nm_modulator modulator = {.name = "test", .params = fields, .response = NM_LINEAR};
    const nm_modulator *const one[] = {&modulator};
    double at[1] = {0.5}, values[NM_MAX_PARAMS] = {0.5, 0.1, 0.5, 1.0, 0.0};
    const nm_levels levels = {
        .n_regions = 1, .n_modulators = 1, .modulators = one, .level = at, .params = values};
    nm_error error;
    for (int word = 0; word < 2; word++) {
        values[4] = word;
        CHECK(nm_levels_check(&levels, &error) == NM_OK);
    }
    const double wrong[] = {2.0, -1.0, 0.5, NAN};
    for (int k = 0; k < 4; k++) {
        values[4] = wrong[k];
        CHECK(nm_levels_check(&levels, &error) == NM_ERR_BAD_VALUE && error.field == 4);
    }
}

static void nothing_moves_a_level_that_is_clamped(void) {
    nm_levels levels = make();
    nm_error error;
    const double event[] = {1.0, 0.0};
    double held[REGIONS * MODULATORS];
    for (int k = 0; k < REGIONS * MODULATORS; k++)
        held[k] = (double)NAN;
    held[0] = 0.125;
    levels.clamped = held;
    nm_levels_hold(&levels);
    CHECK(level[0] == 0.125 && level[MODULATORS] == 0.75);
    nm_levels_step(&levels);
    nm_levels_add(&levels, 0, -1, 0.25);
    CHECK(level[0] == 0.125 && level[MODULATORS] == 0.5 + 0.25 * 0.75 + 0.25);
    CHECK(nm_levels_event(&levels, 0, -1, event, &error) == NM_OK);
    CHECK(level[0] == 0.125 && level[MODULATORS] != 0.5 + 0.25 * 0.75 + 0.25);
}

static void an_amount_is_added_in_one_region_or_in_all(void) {
    nm_levels levels = make();
    nm_levels_add(&levels, 1, 0, 0.125);
    CHECK(level[1] == 0.625 && level[MODULATORS + 1] == 0.75);
    nm_levels_add(&levels, 1, 1, 0.125);
    CHECK(level[1] == 0.625 && level[MODULATORS + 1] == 0.875);
    nm_levels_add(&levels, 1, -1, 0.25);
    CHECK(level[1] == 0.875 && level[MODULATORS + 1] == 1.0);
    nm_levels_add(&levels, 1, -1, -2.0);
    CHECK(level[1] == 0.0 && level[MODULATORS + 1] == 0.0 && level[0] == 0.5 && level[2] == 0.5);
}

/* Two neighbours and a third region: the mean of the two decays by e^-d, their difference by e^-(d + 2 exchange). What
 * lies before the columns, and the pair behind the last one, are not touched. */
static void levels_flow_between_neighbours(void) {
    enum { BEFORE = 1, THIRD = 3 };
    const int32_t pair[] = {0, 1, 1, 2};
    const double base = three[0]->params[NM_BASELINE].fallback, d = 0.2, exchange = 0.3;
    double all[BEFORE + THIRD], flow[BEFORE + THIRD], term[BEFORE + THIRD];
    for (int k = 0; k < BEFORE + THIRD; k++)
        flow[k] = term[k] = 7.0;
    const double start[] = {0.25, base + 0.3, base - 0.2, base + 0.1};
    memcpy(all, start, sizeof all);
    const double tau[] = {5.0};
    nm_levels levels = make();
    nm_diffusion diffusion = {.pair = pair,
                              .n_pairs = 1,
                              .n_substeps = 1,
                              .exchange = exchange,
                              .decay = d,
                              .flow = flow + BEFORE,
                              .term = term + BEFORE};
    levels.level = all + BEFORE, levels.n_regions = THIRD, levels.n_modulators = 1;
    levels.tau = tau, levels.diffusion = &diffusion;
    nm_levels_step(&levels);
    const double mean = 0.05 * exp(-d), half = 0.25 * exp(-d - 2.0 * exchange);
    CHECK(fabs(all[1] - (base + mean + half)) < 1e-15 && fabs(all[2] - (base + mean - half)) < 1e-15);
    CHECK(fabs(all[3] - (base + 0.1 * exp(-d))) < 1e-15);
    CHECK(all[0] == 0.25 && flow[0] == 7.0 && term[0] == 7.0);
}

static void a_level_outside_its_interval_is_named(void) {
    nm_levels levels = make();
    nm_error error;
    const double wrong[] = {1.5, -0.25, NAN};
    for (int k = 0; k < 3; k++) {
        level[MODULATORS + 2] = wrong[k];
        CHECK(nm_levels_check(&levels, &error) == NM_ERR_BAD_VALUE && error.index == 1 && error.field == -3);
        CHECK(!(error.value >= 0.0 && error.value <= 1.0));
    }
}

/* Dopamine's factor of the rates of learning in place of the level, at the shape and strength of each case; the signal
 * over a step is the factor at its mean level where that is known, else the one at its beginning. */
static void the_signal_follows_a_level_that_decays_within_the_step(void) {
    static const nm_field fields[] = {
        {"baseline", "1", 0.5, NM_UNIT_INTERVAL, "."},   {"decay_rate", "1/step", 0.1, NM_UNIT_INTERVAL, "."},
        {"sensitivity", "1", 0.5, NM_NON_NEGATIVE, "."}, {"strength", "1", 1.0, NM_NON_NEGATIVE, "."},
        {"shape", "1", 1.0, NM_POSITIVE, "."},           NM_END};
    const nm_modulator power = {
        .name = "power", .params = fields, .response = NM_POWER, .targets = NM_ON(NM_LEARNING_RATE)};
    const nm_modulator *const one[] = {&power};
    double at[1] = {0.75}, values[NM_MAX_PARAMS] = {0.5, 0.1, 0.5, 2.0, 1.0}, tau[] = {10.0};
    nm_levels levels = {.n_regions = 1, .n_modulators = 1, .modulators = one, .level = at, .params = values};
    const double held = nm_levels_signal(&levels, 0, 1.0, 5.0, 1e9);
    levels.tau = tau;
    const double decays = nm_levels_signal(&levels, 0, 1.0, 5.0, 1e9);
    values[4] = 2.0; /* the square of the level does not decay by exp */
    const double square = nm_levels_signal(&levels, 0, 1.0, 5.0, 1e9);
    values[4] = 1.0, tau[0] = NAN;
    const double unknown = nm_levels_signal(&levels, 0, 1.0, 5.0, 1e9);
    CHECK(held > 0.0 && unknown == held);
    CHECK(fabs(decays / held - (1.0 - exp(-0.5)) / 0.5) < 1e-8);
    tau[0] = 10.0; /* a factor below 0 counts as 0, so that it does not decay by exp either */
    nm_modulator below = power;
    const nm_modulator *const other[] = {&below};
    levels.modulators = other;
    for (int k = 0; k < 2; k++) { /* at the level and at rest -0.5 and -1, then 0.3 and -0.2 */
        below.offset = k ? -1.2 : -2.0;
        const double by_tau = nm_levels_signal(&levels, 0, 1.0, 5.0, 1e9);
        levels.tau = NULL;
        CHECK(nm_levels_signal(&levels, 0, 1.0, 5.0, 1e9) == by_tau);
        levels.tau = tau;
    }
    levels.modulators = one;
    values[4] = 2.0, levels.tau = NULL;
    CHECK(square == nm_levels_signal(&levels, 0, 1.0, 5.0, 1e9));
}

/* A time constant that a factor of 0 makes 0 would be a division by 0. */
static void a_factor_ends_at_its_least(void) {
    const nm_field *const fields = three[0]->params;
    const nm_modulator slow = {
        .name = "slow", .params = fields, .response = NM_LINEAR, .targets = NM_ON(NM_TAU_C) | NM_ON(NM_GAIN)};
    const nm_modulator *const one[] = {&slow};
    double at[1] = {0.0};
    make();
    const nm_levels levels = {
        .n_regions = 1, .n_modulators = 1, .modulators = one, .level = at, .params = params};
    const nm_factors none = nm_levels_factors(&levels, 0);
    CHECK(none.tau_c == NM_LEAST_TAU_C && none.gain == 0.0);
}

static const nm_test tests[] = {TEST(columns_that_are_null_mean_the_modulators_own),
                                TEST(zones_borrow_a_region_and_scale_its_effects),
                                TEST(a_neutral_modulator_has_no_effect_at_its_baseline),
                                TEST(one_region_serves_every_zone_where_there_is_but_one),
                                TEST(baselines_by_region_go_before_the_parameter),
                                TEST(spikes_are_counted_over_all_lists_and_released_once),
                                TEST(responses_stay_finite_at_the_ends_of_their_domains),
                                TEST(words_are_those_of_the_lists),
                                TEST(a_word_is_held_to_its_positions),
                                TEST(nothing_moves_a_level_that_is_clamped),
                                TEST(an_amount_is_added_in_one_region_or_in_all),
                                TEST(levels_flow_between_neighbours),
                                TEST(a_level_outside_its_interval_is_named),
                                TEST(a_factor_ends_at_its_least),
                                TEST(the_signal_follows_a_level_that_decays_within_the_step),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
