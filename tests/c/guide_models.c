/* The three files of the guide's page "Write a model, a rule, a modulator", against closed forms. Built by
 * tests/test_guide_c.py, which compiles the page's blocks beside this file.
 * SPDX-License-Identifier: MIT */
#include "nm_model.h"
#include "testlib.h"

extern const nm_neuron_model nm_neuron_perfect;
extern const nm_plasticity_rule nm_plasticity_competitive;
extern const nm_modulator nm_modulator_histamine;

/* Under a current I the perfect integrator fires every (threshold - reset) tau / I ms: here every 10 * 10 / 5 ms, 40 steps. */
static void neuron_fires_at_the_rate_of_the_closed_form(void) {
    double v[2] = {0.0, 0.0}, current[2] = {5.0, 0.0}, none[2] = {0.0, 0.0};
    const double tau = 10.0, reset = 0.0, threshold = 10.0;
    double *columns[] = {v};
    const double *values[] = {&tau, &reset, &threshold};
    int64_t fired[2];
    nm_neuron_chunk chunk = {.n = 2,
                             .stride = 0,
                             .dt = 0.5,
                             .state = columns,
                             .params = values,
                             .current = current,
                             .input = {none, none},
                             .fired = fired};
    int count = 0, first = 0;
    for (int step = 1; step <= 1000; step++) {
        nm_neuron_perfect.step(&chunk);
        count += (int)fired[0];
        if (first == 0 && fired[0])
            first = step;
        CHECK(fired[1] == 0);
    }
    CHECK(first == 40);
    CHECK(count == 25);
}

static void serotonin_raises_the_threshold(void) {
    double v = 10.4, current = 0.0, none = 0.0;
    const double tau = 10.0, reset = 0.0, threshold = 10.0;
    double *columns[] = {&v};
    const double *values[] = {&tau, &reset, &threshold};
    int64_t fired = 7;
    nm_neuron_chunk chunk = {.n = 1,
                             .dt = 1.0,
                             .state = columns,
                             .params = values,
                             .current = &current,
                             .input = {&none, &none},
                             .threshold_rise = 0.05,
                             .fired = &fired};
    nm_neuron_perfect.step(&chunk);
    CHECK(fired == 0);
    chunk.threshold_rise = 0.0;
    nm_neuron_perfect.step(&chunk);
    CHECK(fired == 1);
}

static void rule_keeps_to_the_contract_and_moves_to_the_trace(void) {
    nm_error error;
    CHECK(nm_rule_check(&nm_plasticity_competitive, &error) == NM_OK);
    const double values[] = {0.25, 2.0, 20.0}, weight[] = {0.5, 1.0}, trace[] = {0.5, 0.0};
    double change[2];
    const nm_synapse_chunk chunk = {.n = 2,
                                    .pre_stride = 1,
                                    .dt = 1.0,
                                    .params = values,
                                    .weight = weight,
                                    .pre = {trace},
                                    .change = change};
    nm_plasticity_competitive.on_post(&chunk);
    CHECK(change[0] == 0.25 * (2.0 * 0.5 - 0.5));
    CHECK(change[1] == -0.25);
}

static void modulator_is_described(void) {
    CHECK(nm_field_count(nm_modulator_histamine.params) == NM_SHAPE + 1);
    CHECK(nm_field_count(nm_modulator_histamine.inputs) == 1);
    CHECK(nm_modulator_histamine.targets == NM_ON(NM_GAIN));
    for (const nm_field *field = nm_modulator_histamine.params; field->name; field++)
        CHECK(nm_field_holds(field, field->fallback));
}

static const nm_test tests[] = {TEST(neuron_fires_at_the_rate_of_the_closed_form),
                                TEST(serotonin_raises_the_threshold),
                                TEST(rule_keeps_to_the_contract_and_moves_to_the_trace),
                                TEST(modulator_is_described),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
