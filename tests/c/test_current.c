/* nm_current: means over steps, blocks that are reached, and the same bits however neurons are cut into blocks.
 * SPDX-License-Identifier: MIT */
#include "nm_current.h"
#include "nm_quantile.h"
#include "nm_rng.h"
#include "testlib.h"

#include <math.h>

static const int32_t slots[] = {0, 1, 3, 4, 6};
static const double ones[] = {1.0, 1.0, 1.0, 1.0, 1.0};
/* What lies before the first segment is not to be read. */
static const double all_begin[] = {-9.0, 1.5, 4.0}, all_value[] = {9.0, 2.0, -1.0}, slope[] = {0.0, 0.5};
static const double *const begin = all_begin + 1, *const value = all_value + 1;

static nm_current lines(void) {
    return (nm_current){.kind = NM_CURRENT_LINES,
                        .n = 5,
                        .slot = slots,
                        .factor = ones,
                        .start = 1.5,
                        .stop = 6.0,
                        .begin = begin,
                        .value = value,
                        .slope = slope,
                        .n_lines = 2};
}

static void a_step_gets_the_mean_of_the_segments_in_it(void) {
    nm_current c = lines();
    const double expected[] = {0.0, 1.0, 2.0, 2.0, -0.75, -0.25, 0.0};
    for (int64_t now = 1; now <= 7; now++)
        CHECK(fabs(nm_current_mean(&c, now) - expected[now - 1]) < 1e-15);
    c.start = 0.0; /* and nothing has begun */
    for (int64_t now = 1; now <= 7; now++)
        CHECK(fabs(nm_current_mean(&c, now) - expected[now - 1]) < 1e-15);
}

static void a_sine_has_its_mean_over_a_step(void) {
    const double pi = 3.14159265358979323846, f = 0.07, phase = 0.3;
    const nm_current c = {.kind = NM_CURRENT_SINE,
                          .start = 0.0,
                          .stop = INFINITY,
                          .amplitude = 3.0,
                          .offset = 0.5,
                          .frequency = f,
                          .phase = phase};
    for (int64_t now = 1; now < 300; now++) {
        const double a = 2.0 * pi * (f * (double)(now - 1) + phase), b = 2.0 * pi * (f * (double)now + phase);
        CHECK(fabs(nm_current_mean(&c, now) - (0.5 + 3.0 * (cos(a) - cos(b)) / (b - a))) < 1e-12);
    }
}

static void a_block_is_reached_where_a_neuron_of_it_is_named_and_the_current_acts(void) {
    const nm_current c = lines();
    const nm_block has = {.first = 3, .n = 2}, has_not = {.first = 2, .n = 1}, after = {.first = 7, .n = 3};
    CHECK(nm_current_reaches(&c, 1, &has, 2) && nm_current_reaches(&c, 1, &has, 6));
    CHECK(!nm_current_reaches(&c, 1, &has, 1) && !nm_current_reaches(&c, 1, &has, 7));
    CHECK(!nm_current_reaches(&c, 1, &has_not, 3) && !nm_current_reaches(&c, 1, &after, 3));
    CHECK(!nm_current_reaches(NULL, 0, &has, 3));
}

static void the_cut_into_blocks_changes_no_bit(void) {
    int64_t id[8];
    for (int64_t k = 0; k < 8; k++)
        id[k] = 10 + k + (k > 4);
    const nm_network network = {.n_neurons = 8, .id = id};
    double state[2][5], current[2][8];
    nm_current c[2];
    for (int k = 0; k < 2; k++) {
        c[k] = (nm_current){.kind = NM_CURRENT_OU, .n = 5, .slot = slots, .factor = ones, .stop = INFINITY};
        c[k].mean = 1.0, c[k].sd = 2.0, c[k].tau = 4.0, c[k].state = state[k], c[k].number = 3;
        for (int i = 0; i < 5; i++)
            state[k][i] = NAN;
    }
    const nm_block whole = {.first = 0, .n = 8},
                   cut[] = {{.first = 0, .n = 2}, {.first = 2, .n = 2}, {.first = 4, .n = 4}};
    for (int64_t now = 1; now < 40; now++) {
        memset(current, 0, sizeof current);
        nm_current_add(&c[0], 1, &network, &whole, 7, now, current[0]);
        for (int b = 0; b < 3; b++)
            nm_current_add(&c[1], 1, &network, &cut[b], 7, now, current[1] + cut[b].first);
        CHECK(memcmp(state[0], state[1], sizeof state[0]) == 0);
        CHECK(memcmp(current[0], current[1], sizeof current[0]) == 0);
        CHECK(current[0][0] == state[0][0] && current[0][6] == state[0][4]);
        CHECK(current[0][2] == 0.0 && current[0][5] == 0.0 && current[0][7] == 0.0);
    }
}

/* x <- mean + (x - mean) e^(-1/tau) + sd sqrt(1 - e^(-2/tau)) z, at first mean + sd z; half of the first step counts. */
static void a_noise_takes_the_exact_step(void) {
    const int64_t id[] = {4, 9};
    const int32_t slot[] = {0, 1};
    const double factor[] = {1.0, 3.0}, mean = 1.5, sd = 2.5, tau = 3.0;
    double state[] = {NAN, NAN}, x[2];
    const nm_network network = {.n_neurons = 2, .id = id};
    const nm_block block = {.first = 0, .n = 2};
    const nm_current c = {.kind = NM_CURRENT_OU,
                          .n = 2,
                          .slot = slot,
                          .factor = factor,
                          .start = 0.5,
                          .stop = INFINITY,
                          .mean = mean,
                          .sd = sd,
                          .tau = tau,
                          .state = state,
                          .number = 3};
    for (int64_t now = 1; now <= 20; now++) {
        double current[] = {0.0, 0.0};
        nm_current_add(&c, 1, &network, &block, 7, now, current);
        for (int i = 0; i < 2; i++) {
            const uint32_t word =
                nm_rng_word(7, nm_stream(NM_STREAM_CURRENT, 3), (uint32_t)id[i], (uint64_t)now);
            float deviate;
            nm_quantile_fill(&word, 1, &deviate);
            const double z = (double)deviate, kept = exp(-1.0 / tau);
            x[i] = now == 1 ? mean + sd * z : mean + (x[i] - mean) * kept + sd * sqrt(1.0 - kept * kept) * z;
            CHECK(fabs(state[i] - x[i]) < 1e-12);
            CHECK(fabs(current[i] - (now == 1 ? 0.5 : 1.0) * factor[i] * x[i]) < 1e-11);
        }
    }
}

/* (1 - cos x) / x would lose all digits; a current that is that slow is constant over a step. */
static void a_sine_of_years_is_constant_over_a_step(void) {
    const nm_current c = {.kind = NM_CURRENT_SINE,
                          .start = 0.0,
                          .stop = INFINITY,
                          .amplitude = 3.0,
                          .offset = 0.5,
                          .frequency = 1e-12,
                          .phase = 0.125};
    for (int64_t now = 1; now < 5; now++)
        CHECK(fabs(nm_current_mean(&c, now) - (0.5 + 3.0 * sqrt(0.5))) < 1e-10);
    const nm_current still = {.kind = NM_CURRENT_SINE, .stop = INFINITY, .amplitude = 3.0, .phase = 0.25};
    CHECK(fabs(nm_current_mean(&still, 1) - 3.0) < 1e-15);
}

static void a_decay_that_is_too_slow_to_see_has_a_mean_of_one(void) {
    CHECK(nm_exp_mean(1e-20) == 1.0 && nm_exp_mean(0.0) == 1.0 && nm_exp_mean(5e-324) == 1.0);
    CHECK(fabs(nm_exp_mean(1e-9) - (1.0 - 5e-10)) < 1e-16);
}

static const nm_test tests[] = {TEST(a_step_gets_the_mean_of_the_segments_in_it),
                                TEST(a_sine_has_its_mean_over_a_step),
                                TEST(a_block_is_reached_where_a_neuron_of_it_is_named_and_the_current_acts),
                                TEST(the_cut_into_blocks_changes_no_bit),
                                TEST(a_noise_takes_the_exact_step),
                                TEST(a_sine_of_years_is_constant_over_a_step),
                                TEST(a_decay_that_is_too_slow_to_see_has_a_mean_of_one),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
