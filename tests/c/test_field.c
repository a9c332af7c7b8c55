/* nm_field: what lies in each domain, what a domain is called in messages, how long a table is.
 * SPDX-License-Identifier: MIT */
#include "nm_field.h"
#include "nm_register.h"
#include "testlib.h"

#include <float.h>
#include <math.h>

static const nm_domain domains[] = {NM_ANY, NM_POSITIVE, NM_NON_NEGATIVE, NM_UNIT_INTERVAL, NM_WORD};
enum { N_DOMAINS = sizeof domains / sizeof *domains };

/* A value, and in which of the `domains` it lies. */
typedef struct sample {
    double value;
    int holds[N_DOMAINS];
} sample;

static int as_expected(const sample *s) {
    for (int k = 0; k < N_DOMAINS; k++)
        if (nm_domain_holds(domains[k], s->value) != s->holds[k])
            return 0;
    return 1;
}

static void values_inside_and_outside(void) {
    const sample samples[] = {{0.5, {1, 1, 1, 1, 0}},     {1e-300, {1, 1, 1, 1, 0}},
                              {2.0, {1, 1, 1, 0, 1}},     {2.5, {1, 1, 1, 0, 0}},
                              {-0.5, {1, 0, 0, 0, 0}},    {-1.0, {1, 0, 0, 0, 0}},
                              {-1e-300, {1, 0, 0, 0, 0}}, {-DBL_MAX, {1, 0, 0, 0, 0}},
                              {DBL_MAX, {1, 1, 1, 0, 1}}, {1e300, {1, 1, 1, 0, 1}}};
    for (int k = 0; k < (int)(sizeof samples / sizeof *samples); k++)
        CHECK(as_expected(&samples[k]));
}

/* At 0 and 1, and one number to each side of them. -0 counts as 0. */
static void values_on_the_borders(void) {
    const sample samples[] = {{0.0, {1, 0, 1, 1, 1}},
                              {-0.0, {1, 0, 1, 1, 1}},
                              {DBL_TRUE_MIN, {1, 1, 1, 1, 0}},
                              {-DBL_TRUE_MIN, {1, 0, 0, 0, 0}},
                              {1.0, {1, 1, 1, 1, 1}},
                              {1.0 - DBL_EPSILON / 2.0, {1, 1, 1, 1, 0}},
                              {1.0 + DBL_EPSILON, {1, 1, 1, 0, 0}}};
    for (int k = 0; k < (int)(sizeof samples / sizeof *samples); k++)
        CHECK(as_expected(&samples[k]));
}

static void nan_and_the_infinities_lie_in_none(void) {
    const double values[] = {NAN, -NAN, INFINITY, -INFINITY};
    for (int v = 0; v < 4; v++)
        for (int k = 0; k < N_DOMAINS; k++)
            CHECK(nm_domain_holds(domains[k], values[v]) == 0);
}

static void each_domain_has_its_phrase(void) {
    CHECK(strcmp(nm_domain_phrase(NM_ANY), "finite") == 0);
    CHECK(strcmp(nm_domain_phrase(NM_POSITIVE), "> 0") == 0);
    CHECK(strcmp(nm_domain_phrase(NM_NON_NEGATIVE), ">= 0") == 0);
    CHECK(strcmp(nm_domain_phrase(NM_UNIT_INTERVAL), "between 0 and 1") == 0);
    CHECK(strcmp(nm_domain_phrase(NM_WORD), "one of its words") == 0);
}

/* The positions of the words, and nothing else; a number is held to its domain alone, whatever its unit. */
static void a_field_of_words_holds_their_positions(void) {
    const nm_field one = {"a", "only", 0.0, NM_WORD, "."}, three = {"b", "x y_1 zz", 0.0, NM_WORD, "."};
    const nm_field number = {"c", "mV per ms", 0.0, NM_NON_NEGATIVE, "."};
    CHECK(nm_field_holds(&one, 0.0) && !nm_field_holds(&one, 1.0));
    for (int k = 0; k < 3; k++)
        CHECK(nm_field_holds(&three, k));
    const double wrong[] = {-1.0, 0.5, 1.0 + DBL_EPSILON, 3.0, 1e300, NAN, INFINITY, -INFINITY};
    for (int k = 0; k < (int)(sizeof wrong / sizeof *wrong); k++)
        CHECK(!nm_field_holds(&three, wrong[k]));
    CHECK(nm_field_holds(&number, 1e300) && nm_field_holds(&number, 0.5) && !nm_field_holds(&number, -1.0));
}

static void an_unknown_domain_holds_nothing(void) {
    CHECK(nm_domain_holds((nm_domain)N_DOMAINS, 0.5) == 0);
    CHECK(strcmp(nm_domain_phrase((nm_domain)N_DOMAINS), "unknown") == 0);
}

/* A domain that is added to NM_DOMAIN_LIST is to be added to `domains`, too. */
static void the_list_holds_no_other_domain(void) {
    int n = 0;
#define COUNT(name, value, phrase) n++;
    NM_DOMAIN_LIST(COUNT)
#undef COUNT
    CHECK(n == N_DOMAINS);
}

static void fields_are_counted_up_to_the_end(void) {
    const nm_field none[] = {NM_END};
    const nm_field three[] = {{"a", "mV", 1.0, NM_ANY, "."},
                              {"b", "1", 2.0, NM_POSITIVE, "."},
                              {"c", "ms", 3.0, NM_ANY, "."},
                              NM_END,
                              {"beyond", "1", 0.0, NM_ANY, "."}};
    CHECK(nm_field_count(NULL) == 0);
    CHECK(nm_field_count(none) == 0);
    CHECK(nm_field_count(three) == 3);
    CHECK(nm_field_count(three + 1) == 2);
}

static void in_their_domains(const nm_field *fields) {
    for (int k = 0; k < nm_field_count(fields); k++)
        CHECK(nm_field_holds(&fields[k], fields[k].fallback));
}

static void every_default_lies_in_its_domain(void) {
    for (int k = 0; nm_neuron_models[k] != NULL; k++) {
        in_their_domains(nm_neuron_models[k]->params);
        in_their_domains(nm_neuron_models[k]->state);
    }
    for (int k = 0; nm_plasticity_rules[k] != NULL; k++) {
        in_their_domains(nm_plasticity_rules[k]->params);
        in_their_domains(nm_plasticity_rules[k]->state);
    }
    for (int k = 0; nm_modulators[k] != NULL; k++) {
        in_their_domains(nm_modulators[k]->params);
        in_their_domains(nm_modulators[k]->inputs);
    }
}

/* `coincident` is 1 + the position of the parameter of that name, or 0 where there is none. */
static void coincident_names_its_parameter(void) {
    long n = 0;
    for (int k = 0; nm_plasticity_rules[k] != NULL; k++) {
        const nm_plasticity_rule *rule = nm_plasticity_rules[k];
        int wanted = 0;
        for (int f = 0; f < nm_field_count(rule->params); f++)
            if (strcmp(rule->params[f].name, "coincident") == 0)
                wanted = 1 + f;
        CHECK(rule->coincident == wanted);
        n += wanted > 0;
    }
    CHECK(n >= 7);
}

static const nm_test tests[] = {TEST(values_inside_and_outside),
                                TEST(values_on_the_borders),
                                TEST(nan_and_the_infinities_lie_in_none),
                                TEST(each_domain_has_its_phrase),
                                TEST(a_field_of_words_holds_their_positions),
                                TEST(an_unknown_domain_holds_nothing),
                                TEST(the_list_holds_no_other_domain),
                                TEST(fields_are_counted_up_to_the_end),
                                TEST(every_default_lies_in_its_domain),
                                TEST(coincident_names_its_parameter),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
