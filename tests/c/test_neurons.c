/* The hooks of every neuron model, called directly on plain arrays. tests/test_c.py hands over the words of
 * the register; what a model computes is tested in tests/test_neuron_<name>.py.
 * SPDX-License-Identifier: MIT */
#include "draw.h"
#include "nm_register.h"
#include "testlib.h"

#include <math.h>
#include <stdlib.h>

enum { CURRENT, EXCITATORY, INHIBITORY, OWN, SCHEDULED = OWN + NM_MAX_PORTS - 2, N_INPUTS };
enum { GUARD = 8, LENGTH = NM_CHUNK + 2 * GUARD };
static const double UNTOUCHED = 1234.5;

/* Columns with guard entries on both sides of what a chunk may touch. */
typedef struct fixture {
    const nm_neuron_model *model;
    int n_params, n_state;
    double params[NM_MAX_PARAMS][LENGTH], derived[NM_MAX_DERIVED][LENGTH], state[NM_MAX_STATE][LENGTH];
    double inputs[N_INPUTS][LENGTH];
    uint32_t random[LENGTH];
    int64_t fired[LENGTH];
    int delta_synapses;
} fixture;

static double between(double low, double high) {
    return low + (high - low) * uniform();
}

static void prepare(fixture *f, size_t first, size_t n, double dt) {
    const double *params[NM_MAX_PARAMS];
    double *derived[NM_MAX_DERIVED];
    for (int k = 0; k < f->n_params; k++)
        params[k] = f->params[k] + first;
    for (int k = 0; k < f->model->n_derived; k++)
        derived[k] = f->derived[k] + first;
    if (f->model->prepare != NULL)
        f->model->prepare(&(nm_prepare_chunk){.n = n, .dt = dt, .params = params, .derived = derived});
}

/* Defaults for all neurons; `tau_syn` for the synapses where the model has them. */
static fixture *make(const nm_neuron_model *model, double tau_syn) {
    fixture *f = calloc(1, sizeof *f);
    sequence = 7;
    f->model = model;
    f->n_params = nm_field_count(model->params);
    f->n_state = nm_field_count(model->state);
    for (int i = 0; i < LENGTH; i++) {
        for (int k = 0; k < f->n_params; k++) {
            int is_tau_syn = strncmp(model->params[k].name, "tau_syn", 7) == 0;
            f->params[k][i] = is_tau_syn ? tau_syn : model->params[k].fallback;
        }
        for (int k = 0; k < NM_MAX_DERIVED; k++)
            f->derived[k][i] = UNTOUCHED;
        for (int k = 0; k < NM_MAX_STATE; k++)
            f->state[k][i] = k < f->n_state ? model->state[k].fallback : UNTOUCHED;
        f->fired[i] = -1;
    }
    return f;
}

/* New inputs for every neuron, strong enough that all models fire now and then. */
static void draw_inputs(fixture *f, double strength) {
    for (int i = 0; i < LENGTH; i++) {
        f->inputs[CURRENT][i] = between(-0.5, 1.0) * strength;
        f->inputs[EXCITATORY][i] = between(0.0, 0.1) * strength;
        f->inputs[INHIBITORY][i] = -between(0.0, 0.1) * strength;
        for (int own = OWN; own < SCHEDULED; own++)
            f->inputs[own][i] = between(-0.1, 0.1) * strength;
        f->inputs[SCHEDULED][i] = (draw() & 7u) == 0 ? 1.0 : 0.0;
        f->random[i] = (uint32_t)draw();
    }
}

static double strength_for(const nm_neuron_model *model) { /* adex counts in pA */
    return strcmp(model->params[0].unit == NULL ? "" : model->params[0].unit, "pF") == 0 ? 1500.0 : 40.0;
}

static void step(fixture *f, size_t first, size_t n, size_t stride, double dt) {
    const double *params[NM_MAX_PARAMS], *derived[NM_MAX_DERIVED];
    double *state[NM_MAX_STATE];
    for (int k = 0; k < NM_MAX_PARAMS; k++)
        params[k] = f->params[k] + first;
    for (int k = 0; k < NM_MAX_DERIVED; k++)
        derived[k] = f->derived[k] + first;
    for (int k = 0; k < NM_MAX_STATE; k++)
        state[k] = f->state[k] + first;
    f->model->step(&(nm_neuron_chunk){.n = n,
                                      .stride = stride,
                                      .dt = dt,
                                      .state = state,
                                      .params = params,
                                      .derived = derived,
                                      .current = f->inputs[CURRENT] + first,
                                      .input = {f->inputs[EXCITATORY] + first, f->inputs[INHIBITORY] + first,
                                                f->inputs[OWN] + first, f->inputs[OWN + 1] + first,
                                                f->inputs[OWN + 2] + first, f->inputs[OWN + 3] + first},
                                      .threshold_rise = 0.02,
                                      .scheduled = f->inputs[SCHEDULED] + first,
                                      .random = f->model->needs_random ? f->random + first : NULL,
                                      .fired = f->fired + first,
                                      .delta_synapses = f->delta_synapses});
}

static int same(const fixture *a, const fixture *b) {
    return memcmp(a->state, b->state, sizeof a->state) == 0 &&
           memcmp(a->fired, b->fired, sizeof a->fired) == 0;
}

static int64_t count_fired(const fixture *f, size_t first, size_t n) {
    int64_t count = 0;
    for (size_t i = first; i < first + n; i++)
        count += f->fired[i];
    return count;
}

/* ---- the tests, each over one model -------------------------------------------------------------- */

/* Each neuron gets parameters of its own, up to 0.5 % from the defaults: within domains and orders. */
static void vary(fixture *f) {
    for (int k = 0; k < f->n_params; k++)
        for (int i = 0; i < LENGTH; i++)
            f->params[k][i] *= between(1.0, 1.005);
}

/* 200 steps in one chunk, and in two whose border is at no multiple of a vector's length. */
static void two_chunks(const nm_neuron_model *model) {
    for (int kind = 0; kind < 2; kind++) {
        fixture *a = make(model, 3.0 * kind), *b = make(model, 3.0 * kind);
        int64_t spikes = 0;
        vary(a);
        memcpy(b, a, sizeof *a);
        prepare(a, 0, LENGTH, 0.5);
        prepare(b, 0, LENGTH, 0.5);
        for (int t = 0; t < 200; t++) {
            uint64_t before = sequence;
            draw_inputs(a, strength_for(model));
            sequence = before;
            draw_inputs(b, strength_for(model));
            step(a, GUARD, NM_CHUNK, 1, 0.5);
            step(b, GUARD, 203, 1, 0.5);
            step(b, GUARD + 203, NM_CHUNK - 203, 1, 0.5);
            CHECK(same(a, b));
            spikes += count_fired(a, GUARD, NM_CHUNK);
        }
        CHECK(spikes > 0 && spikes < 200 * NM_CHUNK);
        free(a);
        free(b);
    }
}

static void shared_parameters(const nm_neuron_model *model) {
    for (int kind = 0; kind < 2; kind++) {
        fixture *a = make(model, 3.0 * kind), *b = make(model, 3.0 * kind);
        prepare(a, GUARD, 1, 1.0);
        prepare(b, 0, LENGTH, 1.0);
        for (int t = 0; t < 200; t++) {
            uint64_t before = sequence;
            draw_inputs(a, strength_for(model));
            sequence = before;
            draw_inputs(b, strength_for(model));
            step(a, GUARD, NM_CHUNK - 5, 0, 1.0);
            step(b, GUARD, NM_CHUNK - 5, 1, 1.0);
            CHECK(same(a, b));
        }
        free(a);
        free(b);
    }
}

/* With delta synapses, a step that leaves the currents alone has the bits of one that does not. */
static void delta_synapses(const nm_neuron_model *model) {
    for (size_t stride = 0; stride < 2; stride++) {
        fixture *a = make(model, 0.0), *b = make(model, 0.0);
        int64_t spikes = 0;
        if (stride == 1)
            vary(a);
        memcpy(b, a, sizeof *a);
        b->delta_synapses = model->delta_synapses != NULL;
        prepare(a, 0, LENGTH, 0.5);
        prepare(b, 0, LENGTH, 0.5);
        for (int t = 0; t < 200; t++) {
            draw_inputs(a, strength_for(model));
            memcpy(b->inputs, a->inputs, sizeof a->inputs);
            memcpy(b->random, a->random, sizeof a->random);
            step(a, GUARD, NM_CHUNK - 5, stride, 0.5);
            step(b, GUARD, NM_CHUNK - 5, stride, 0.5);
            CHECK(same(a, b));
            spikes += count_fired(a, GUARD, NM_CHUNK - 5);
        }
        CHECK(spikes > 0);
        free(a);
        free(b);
    }
}

static void stays_in_its_chunk(const nm_neuron_model *model) {
    for (size_t stride = 0; stride < 2; stride++) {
        fixture *a = make(model, 2.0), *b = make(model, 2.0);
        const size_t n = 101, last = GUARD + n, rest = LENGTH - last;
        prepare(a, GUARD, stride ? n : 1, 1.0);
        for (int k = 0; k < NM_MAX_DERIVED; k++) {
            int used = k < model->n_derived;
            CHECK(a->derived[k][GUARD - 1] == UNTOUCHED &&
                  a->derived[k][stride ? last : GUARD + 1] == UNTOUCHED);
            CHECK((a->derived[k][GUARD] == UNTOUCHED) == !used);
        }
        draw_inputs(a, strength_for(model));
        memcpy(b, a, sizeof *a);
        for (int t = 0; t < 50; t++)
            step(a, GUARD, n, stride, 1.0);
        for (int k = 0; k < NM_MAX_STATE; k++) {
            CHECK(memcmp(a->state[k], b->state[k], GUARD * sizeof(double)) == 0);
            CHECK(memcmp(a->state[k] + last, b->state[k] + last, rest * sizeof(double)) == 0);
            if (k >= a->n_state)
                CHECK(memcmp(a->state[k], b->state[k], sizeof a->state[k]) == 0);
        }
        for (size_t i = 0; i < LENGTH; i++)
            CHECK(i < GUARD || i >= last ? a->fired[i] == -1 : (a->fired[i] == 0 || a->fired[i] == 1));
        /* what a hook gets to read it leaves as it was */
        CHECK(memcmp(a->params, b->params, sizeof a->params) == 0);
        CHECK(memcmp(a->derived, b->derived, sizeof a->derived) == 0);
        CHECK(memcmp(a->inputs, b->inputs, sizeof a->inputs) == 0);
        CHECK(memcmp(a->random, b->random, sizeof a->random) == 0);
        free(a);
        free(b);
    }
}

static void stays_finite(const nm_neuron_model *model) {
    fixture *f = make(model, 5.0);
    const size_t n = 16;
    int64_t spikes = 0;
    prepare(f, GUARD, n, 1.0);
    for (int t = 0; t < 10000; t++) {
        draw_inputs(f, 2.0 * strength_for(model));
        step(f, GUARD, n, 1, 1.0);
        spikes += count_fired(f, GUARD, n);
        int finite = 1;
        for (int k = 0; k < f->n_state; k++)
            for (size_t i = GUARD; i < GUARD + n; i++)
                finite &= isfinite(f->state[k][i]) != 0;
        CHECK(finite);
    }
    CHECK(spikes > 0);
    free(f);
}

/* After long silence the synaptic currents are 0, not denormal numbers (which cost 100 cycles each). */
static void silence_leaves_no_denormals(const nm_neuron_model *model) {
    fixture *f = make(model, 5.0); /* rounding holds a denormal that keeps more than half of itself a step */
    for (int k = 0; k < f->n_params;
         k++) /* a resting potential of 0, from which v would differ by denormals */
        for (int i = 0; i < LENGTH && strncmp(model->params[k].name, "v_", 2) == 0; i++)
            f->params[k][i] += 65.0;
    prepare(f, GUARD, 4, 1.0);
    draw_inputs(f, 1.0);
    for (int t = 0; t < 20000; t++) {
        step(f, GUARD, 4, 1, 1.0);
        memset(f->inputs, 0, sizeof f->inputs);
    }
    int denormals = 0;
    for (int k = 0; k < f->n_state; k++)
        denormals += f->state[k][GUARD] != 0.0 && fabs(f->state[k][GUARD]) < 1e-300;
    CHECK(denormals == 0);
    free(f);
}

#define FOR_ONE_MODEL(name)                                                                                  \
    extern const nm_neuron_model nm_neuron_##name;                                                           \
    static void name##_two_chunks(void) {                                                                    \
        two_chunks(&nm_neuron_##name);                                                                       \
    }                                                                                                        \
    static void name##_shared_parameters(void) {                                                             \
        shared_parameters(&nm_neuron_##name);                                                                \
    }                                                                                                        \
    static void name##_delta_synapses(void) {                                                                \
        delta_synapses(&nm_neuron_##name);                                                                   \
    }                                                                                                        \
    static void name##_stays_in_its_chunk(void) {                                                            \
        stays_in_its_chunk(&nm_neuron_##name);                                                               \
    }                                                                                                        \
    static void name##_stays_finite(void) {                                                                  \
        stays_finite(&nm_neuron_##name);                                                                     \
    }                                                                                                        \
    static void name##_silence_leaves_no_denormals(void) {                                                   \
        silence_leaves_no_denormals(&nm_neuron_##name);                                                      \
    }
NM_NEURON_MODELS(FOR_ONE_MODEL)

#define TABLE_ROWS(name)                                                                                     \
    TEST(name##_two_chunks), TEST(name##_shared_parameters), TEST(name##_delta_synapses),                    \
        TEST(name##_stays_in_its_chunk), TEST(name##_stays_finite),                                          \
        TEST(name##_silence_leaves_no_denormals),
static const nm_test tests[] = {NM_NEURON_MODELS(TABLE_ROWS){NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
