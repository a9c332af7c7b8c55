/* Small networks of each neuron model and of each plasticity rule end with the digest that they have always had.
 * SPDX-License-Identifier: MIT */
#include "sim_world.h"

enum { SOURCES = 30, OTHERS = 70, TOTAL = SOURCES + OTHERS, WIDTH = 64, STEPS = 200, CAPACITY = 60000 };

static uint64_t digest_of(uint64_t digest, const void *bytes, size_t n) { /* FNV-1a */
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < n; i++)
        digest = (digest ^ byte[i]) * 0x100000001B3u;
    return digest;
}

static uint64_t digest_of_projections(uint64_t digest, const world *w) {
    for (int64_t k = 0; k < w->network.n_projections; k++) {
        const nm_projection *p = &w->projections[k];
        digest = digest_of(digest, p->weight, (size_t)w->n_synapses[k] * sizeof(float));
        for (int f = 0; p->rule != NULL && f < nm_field_count(p->rule->state); f++)
            digest = digest_of(digest, p->state[f], (size_t)w->n_synapses[k] * sizeof(float));
        if (p->short_term != NULL)
            digest = digest_of(digest, p->short_term->u, (size_t)p->n_rows * sizeof(double));
        if (p->homeostasis != NULL)
            digest = digest_of(digest, p->homeostasis->rate, TOTAL * sizeof(double));
    }
    return digest;
}

static uint64_t digest_of_world(const world *w) {
    uint64_t digest = digest_of(0xCBF29CE484222325u, w->spikes.step, (size_t)w->spikes.n * sizeof(int64_t));
    digest = digest_of(digest, w->spikes.id, (size_t)w->spikes.n * sizeof(int64_t));
    for (int64_t g = 0; g < w->network.n_groups; g++)
        for (int k = 0; k < NM_MAX_STATE && w->groups[g].state[k] != NULL; k++)
            digest = digest_of(digest, w->groups[g].state[k] + w->groups[g].first,
                               (size_t)w->groups[g].n * sizeof(double));
    digest = digest_of(digest, w->level, sizeof w->level);
    return digest_of_projections(digest, w);
}

/* 30 Poisson sources at 200 Hz, which drive 70 neurons of a model; noise and background events drive them, too. */
static world *make_one(const nm_neuron_model *model, const nm_plasticity_rule *rule) {
    world *w = make(TOTAL, WIDTH);
    sequence = 7;
    add_group(w, &nm_neuron_poisson, SOURCES, 0), add_group(w, model, OTHERS, 1);
    for (int64_t slot = 0; slot < SOURCES; slot++)
        w->params[0][0][slot] = 200.0;
    for (int64_t slot = SOURCES; slot < TOTAL && !model->is_source; slot++)
        w->drive_rate[slot] = 700.0, w->drive_weight[slot] = 2.0, w->drive_noise[slot] = 5.0;
    modulate(w);
    set_level(w, DOPAMINE, 0.9, 0.5, 0.99);
    wiring *wired = zeros(&w->keep, 2, sizeof *wired);
    wired[0] = draw_wiring(&w->keep, 0, SOURCES, TOTAL, 0.4, 2, 9, 6);
    wired[1] = draw_wiring(&w->keep, SOURCES, OTHERS, TOTAL, 0.1, 2, 5, 6);
    for (int k = 0; k < 2; k++) { /* sources have no inputs */
        int64_t n = 0;
        for (int64_t s = 0; s < wired[k].n; s++)
            if (wired[k].synapses[s].post >= SOURCES && !model->is_source) {
                wired[k].synapses[n] = wired[k].synapses[s];
                wired[k].synapses[n++].weight *= 4.0f;
            }
        wired[k].n = n;
        connect(w, (connection){.wired = &wired[k],
                                .own = 1,
                                .rule = k == 0 ? rule : NULL,
                                .homeostatic = k == 0 && rule != NULL ? 0.1 : 0.0,
                                .weight_decay = k == 0 && rule != NULL ? 1e-3 : 0.0,
                                .short_term_u = k == 1 ? 0.4 : 0.0});
    }
    record_spikes(w, CAPACITY);
    start(w, 2);
    return w;
}

typedef struct golden {
    const char *name;
    uint64_t digest;
} golden;

/* The same for every compiler, vector level and processor. A change of one means that results of users change. */
static const golden models[] = {
    {"lif", 0xd6288e91b64ddb69u},          {"izhikevich", 0xbc907c14960fedf6u},
    {"adex", 0x583f79b193b5de64u},         {"lif_cond", 0x2654090807ad74ccu},
    {"poisson", 0xa72e7cdd5463df06u},      {"spike_source", 0x3f68c82a9f5e1515u},
    {"adex_clopath", 0xb1390b8a71635ebdu}, {"lif_adaptive", 0xf0f9b971274faf02u},
};
static const golden rules[] = {
    {"hebbian", 0x0339b71d6a293a1du}, {"stdp", 0x664f6d0ac7985f7eu},  {"rstdp", 0x2c6e8153f0c03173u},
    {"triplet", 0xcbe885498dd9d174u}, {"istdp", 0x5ee3b40af5e02a61u}, {"ristdp", 0x3529bc5334a61866u},
    {"bcm", 0x42323c4a76e35caau},
};
enum { N_MODELS = sizeof models / sizeof *models, N_RULES = sizeof rules / sizeof *rules };

static void check_one(const nm_neuron_model *model, const nm_plasticity_rule *rule, const golden *want) {
    world *w = make_one(model, rule);
    advance(w, STEPS);
    CHECK(w->spikes.n > 1000);
    const uint64_t digest = digest_of_world(w);
    CHECK(digest == want->digest);
    if (digest != want->digest)
        printf("{\"%s\", 0x%016llxu},\n", want->name, (unsigned long long)digest);
    discard(w);
}

/* Those with more ports than two have their bits tested elsewhere. */
static void networks_of_each_neuron_model_have_their_golden_digest(void) {
    int n = 0;
    for (int k = 0; nm_neuron_models[k] != NULL; k++)
        if (nm_neuron_models[k]->ports == NULL) {
            CHECK(n < N_MODELS && strcmp(models[n].name, nm_neuron_models[k]->name) == 0);
            check_one(nm_neuron_models[k], NULL, &models[n++]);
        }
    CHECK(n == N_MODELS);
}

/* Those that read columns of neurons have theirs tested in Python. */
static void networks_of_each_rule_have_their_golden_digest(void) {
    int n = 0;
    for (int k = 0; nm_plasticity_rules[k] != NULL; k++)
        if (nm_plasticity_rules[k]->post_amplitude != NULL || k == 0) {
            CHECK(n < N_RULES && strcmp(rules[n].name, nm_plasticity_rules[k]->name) == 0);
            check_one(&nm_neuron_lif, nm_plasticity_rules[k], &rules[n++]);
        }
    CHECK(n == N_RULES);
}

static const nm_test tests[] = {TEST(networks_of_each_neuron_model_have_their_golden_digest),
                                TEST(networks_of_each_rule_have_their_golden_digest),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
