/* nm_deliver: what reaches the neurons, against a sum over all synapses in the promised order, to the bit;
 * cut into any number of parts.
 * SPDX-License-Identifier: MIT */
#include "nm_deliver.h"
#include "testlib.h"
#include "wiring.h"

#include <math.h>

enum { N = 150, STEPS = 40, MAX_PROJECTIONS = 8, OCTAVES = 50 };

/* One projection of a plan. Weights are numbers of 24 bits, so that a constant one times a count is exact.
 * `dense` 2: somebody has asked for the column of weights, which are all equal. */
typedef struct kind {
    int64_t pre_first, n_rows, low, high; /* sources; delays */
    double density;
    int own, inhibitory, short_term, bitmap, pushed;
    float constant_weight;
} kind;

typedef struct world {
    arena keep;
    nm_network network;
    nm_group all;
    nm_projection projections[MAX_PROJECTIONS];
    wiring wirings[MAX_PROJECTIONS];
    nm_short_term short_terms[MAX_PROJECTIONS];
    nm_bitmap bitmaps[MAX_PROJECTIONS];
    nm_push push;
    nm_delay ring;
    uint64_t *bitmap_count;
    double *bitmap_sum, *excitatory, *inhibitory, *input[2];
    uint8_t raster[STEPS + 1][N];
} world;

/* ---- a network ---------------------------------------------------------------------------------------- */

static float *constant_column(world *w, int64_t k) {
    float *weight = zeros(&w->keep, w->wirings[k].n, sizeof *weight);
    for (int64_t s = 0; s < w->wirings[k].n; s++)
        weight[s] = (float)w->projections[k].constant_weight;
    return weight;
}

static void lend(world *w, int64_t k, const kind *about) {
    nm_projection *p = &w->projections[k];
    *p = lay_out(&w->keep, &w->network, &w->wirings[k], about->own, (double)about->constant_weight);
    p->inhibitory = p->port = about->inhibitory;
    if (about->short_term)
        lend_short_term(&w->keep, p, &w->short_terms[k], w->ring.length);
    CHECK(!about->bitmap || lend_bitmap(&w->keep, &w->network, p, &w->bitmaps[k]));
    if (about->bitmap == 2)
        p->weight = constant_column(w, k);
    if (about->bitmap == 3)
        w->bitmaps[k].most = 2;
    CHECK(!about->pushed || nm_push_worth(p));
}

/* The same synapses and spikes for any width of parts. `busy`: probability of a spike. */
static world *make(const kind *kinds, int64_t partition_width, double busy) {
    world *w = calloc(1, sizeof *w);
    nm_network *network = &w->network;
    *network = (nm_network){.n_neurons = N,
                            .groups = &w->all,
                            .n_groups = 1,
                            .projections = w->projections,
                            .partition_width = partition_width};
    w->all.n = N;
    network->n_partitions = (N + partition_width - 1) / partition_width;
    sequence = 11;
    for (; kinds[network->n_projections].n_rows > 0; network->n_projections++) {
        const kind *about = &kinds[network->n_projections];
        w->wirings[network->n_projections] = draw_wiring(&w->keep, about->pre_first, about->n_rows, N,
                                                         about->density, about->low, about->high, OCTAVES);
        network->max_delay = about->high > network->max_delay ? about->high : network->max_delay;
    }
    w->ring = make_ring(&w->keep, network, network->max_delay, 1);
    for (int64_t k = 0; k < network->n_projections; k++)
        lend(w, k, &kinds[k]);
    lend_routes(&w->keep, network, &w->push);
    w->bitmap_count =
        zeros(&w->keep, network->n_partitions * nm_bitmap_counts(partition_width), sizeof *w->bitmap_count);
    w->bitmap_sum = zeros(&w->keep, N, sizeof(double));
    w->excitatory = w->input[0] = zeros(&w->keep, N, sizeof(double));
    w->inhibitory = w->input[1] = zeros(&w->keep, N, sizeof(double));
    for (int64_t step = 1; step <= STEPS; step++)
        for (int64_t slot = 0; slot < N; slot++)
            w->raster[step][slot] = uniform() < busy;
    return w;
}

static void discard(world *w) {
    free_arena(&w->keep);
    free(w);
}

/* A number of its own for each source and step, in 0 .. 1: what nm_short_term_step would have left. */
static double efficacy_of(int64_t k, int64_t slot, int64_t step) {
    return (double)((slot * 7919 + step * 104729 + k * 31) % 1000) / 1000.0;
}

/* ---- steps -------------------------------------------------------------------------------------------- */

static nm_delivery delivery_of(const world *w) {
    return (nm_delivery){.network = &w->network,
                         .ring = &w->ring,
                         .dt = 1.0,
                         .first = 1,
                         .last = STEPS,
                         .input = w->input,
                         .bitmap = {.count = w->bitmap_count, .sum = w->bitmap_sum}};
}

/* Into empty inputs, as in a step of nm_sim.c. */
static void deliver(world *w, int64_t now) {
    nm_delivery to = delivery_of(w);
    memset(w->excitatory, 0, N * sizeof(double)), memset(w->inhibitory, 0, N * sizeof(double));
    for (int64_t partition = 0; partition < w->network.n_partitions; partition++)
        nm_deliver_static(&to, now, partition, partition + 1), nm_deliver(&to, now, partition);
}

static void fire(world *w, int64_t now) {
    for (int64_t partition = 0; partition < w->network.n_partitions; partition++) {
        int32_t *list = nm_delay_list(&w->ring, now, partition);
        int64_t n = 0;
        for (int64_t slot = nm_network_partition_first(&w->network, partition);
             slot < nm_network_partition_end(&w->network, partition); slot++)
            if (w->raster[now][slot])
                list[n++] = (int32_t)slot;
        *nm_delay_count(&w->ring, now, partition) = n;
    }
    for (int64_t k = 0; k < w->network.n_projections; k++) {
        const nm_projection *p = &w->projections[k];
        for (int64_t row = 0; p->short_term != NULL && row < p->n_rows; row++)
            p->short_term->efficacy[now % p->short_term->length * p->n_rows + row] =
                efficacy_of(k, p->pre_first + row, now);
    }
}

/* ---- the reference: every synapse is looked at -------------------------------------------------------- */

/* What the spike of one source and age brings by one projection, added to `input` by synapse; source -1: by source. */
static void add_age(const world *w, int64_t k, const kind *about, int64_t now, int64_t age, int64_t source,
                    double *input) {
    const wiring *synapses = &w->wirings[k];
    for (int64_t i = 0; i < synapses->n; i++) {
        const synapse *s = &synapses->synapses[i];
        if (s->delay != age || (source >= 0 && s->pre != source) || now - age < 1 ||
            !w->raster[now - age][s->pre])
            continue;
        const double weight = about->own ? (double)s->weight : (double)about->constant_weight;
        const double acts = about->inhibitory ? -fabs(weight) : weight;
        input[s->post] += about->short_term ? efficacy_of(k, s->pre, now - age) * acts : acts;
    }
}

/* An age of a dense one is summed by itself and then added. */
static void add_apart(const world *w, int64_t k, const kind *about, int64_t now, int64_t age, double *input) {
    double sum[N] = {0.0};
    add_age(w, k, about, now, age, -1, sum);
    for (int64_t slot = 0; slot < N; slot++)
        input[slot] += sum[slot];
}

/* In the order of nm_deliver.c: the static ones by age descending, source, projection, synapse; then the dense ones. */
static void expect(const world *w, const kind *kinds, int64_t now, double (*input)[N]) {
    memset(input, 0, 2 * sizeof *input);
    for (int64_t age = w->network.max_delay; age >= 1; age--)
        for (int64_t source = 0; source < N; source++)
            for (int64_t k = 0; k < w->network.n_projections; k++)
                if (!kinds[k].bitmap)
                    add_age(w, k, &kinds[k], now, age, source, input[kinds[k].inhibitory]);
    for (int64_t age = w->network.max_delay; age >= 1; age--)
        for (int64_t k = 0; k < w->network.n_projections; k++)
            if (kinds[k].bitmap)
                add_apart(w, k, &kinds[k], now, age, input[kinds[k].inhibitory]);
}

/* Every step of a raster, cut into parts of several widths: the reference's bits. */
static void delivers(const kind *kinds, double busy) {
    const int64_t widths[] = {N, 80, 64, 37, 16};
    for (int k = 0; k < 5; k++) {
        world *w = make(kinds, widths[k], busy);
        double expected[2][N], largest = 0.0;
        nm_error error;
        CHECK(nm_network_check(&w->network, &error) == NM_OK);
        for (int64_t now = 1; now <= STEPS; now++) {
            deliver(w, now);
            expect(w, kinds, now, expected);
            CHECK(memcmp(w->excitatory, expected[0], sizeof expected[0]) == 0);
            CHECK(memcmp(w->inhibitory, expected[1], sizeof expected[1]) == 0);
            for (int slot = 0; slot < N; slot++)
                largest = fmax(largest, fmax(fabs(expected[0][slot]), fabs(expected[1][slot])));
            fire(w, now);
        }
        CHECK(largest > 0.0);
        discard(w);
    }
}

#define END_KINDS                                                                                            \
    { 0 }

static void own_weights_and_delays(void) {
    const kind kinds[] = {{.n_rows = N, .low = 1, .high = 6, .density = 0.2, .own = 1}, END_KINDS};
    delivers(kinds, 0.1);
}

/* Of either sign, they count as -|weight|. */
static void inhibitory_weights(void) {
    const kind kinds[] = {{.n_rows = N, .low = 1, .high = 6, .density = 0.2, .own = 1, .inhibitory = 1},
                          END_KINDS};
    delivers(kinds, 0.1);
}

static void constant_weights_and_one_delay(void) {
    const kind kinds[] = {
        {.n_rows = N, .low = 3, .high = 3, .density = 0.1, .constant_weight = 0.3f},
        {.n_rows = N, .low = 2, .high = 2, .density = 0.1, .constant_weight = 0.7f, .inhibitory = 1},
        {.n_rows = N, .low = 2, .high = 4, .density = 0.1, .constant_weight = -0.2f, .inhibitory = 1},
        {.n_rows = N, .low = 1, .high = 1, .density = 0.1, .constant_weight = -0.6f},
        END_KINDS};
    delivers(kinds, 0.1);
}

/* Rows belong to some of the neurons only; the others' spikes reach nobody. */
static void sources_in_the_middle(void) {
    const kind kinds[] = {
        {.pre_first = 40, .n_rows = 31, .low = 1, .high = 3, .density = 0.3, .own = 1},
        {.pre_first = N - 9, .n_rows = 9, .low = 4, .high = 4, .density = 0.3, .own = 1, .inhibitory = 1},
        END_KINDS};
    delivers(kinds, 0.2);
}

static void efficacies_multiply_weights(void) {
    const kind kinds[] = {
        {.n_rows = N, .low = 1, .high = 5, .density = 0.1, .own = 1, .short_term = 1},
        {.pre_first = 20,
         .n_rows = 60,
         .low = 2,
         .high = 2,
         .density = 0.1,
         .own = 1,
         .inhibitory = 1,
         .short_term = 1},
        {.n_rows = N, .low = 1, .high = 2, .density = 0.1, .constant_weight = 0.4f, .short_term = 1},
        {.n_rows = N,
         .low = 6,
         .high = 6,
         .density = 0.1,
         .constant_weight = 0.4f,
         .inhibitory = 1,
         .short_term = 1},
        END_KINDS};
    delivers(kinds, 0.15);
}

/* Few and many arrivals: a list from zero, a list apart, and bit-maps give the same bits; and the first and
 * the last of one port are no exception. */
static void bitmap_projections(int bitmap) {
    const kind kinds[] = {
        {.n_rows = N, .low = 2, .high = 2, .density = 0.5, .constant_weight = 0.3f, .bitmap = bitmap},
        {.n_rows = N,
         .low = 1,
         .high = 1,
         .density = 0.3,
         .constant_weight = 0.7f,
         .inhibitory = 1,
         .bitmap = bitmap},
        {.n_rows = N, .low = 1, .high = 3, .density = 0.1, .own = 1},
        {.n_rows = N, .low = 1, .high = 3, .density = 0.1, .own = 1, .inhibitory = 1},
        {.n_rows = N, .low = 1, .high = 1, .density = 0.4, .constant_weight = 0.1f, .bitmap = bitmap},
        {.n_rows = N,
         .low = 1,
         .high = 1,
         .density = 0.4,
         .constant_weight = 0.9f,
         .inhibitory = 1,
         .bitmap = bitmap},
        {.pre_first = 50,
         .n_rows = 60,
         .low = 1,
         .high = 1,
         .density = 0.4,
         .constant_weight = -0.9f,
         .bitmap = bitmap},
        END_KINDS};
    delivers(kinds, 0.01);
    delivers(kinds, 0.04);
    delivers(kinds, 0.5);
}

static void bitmap_projections_over_bits(void) {
    bitmap_projections(1);
}

static void bitmap_projections_with_a_column_of_weights(void) {
    bitmap_projections(2);
}

/* As of a target that has one source very often. */
static void more_arrivals_than_a_count_of_bits_holds(void) {
    bitmap_projections(3);
}

static void pushed_projections(void) {
    const kind kinds[] = {
        {.n_rows = N, .low = 1, .high = 20, .density = 0.05, .own = 1, .pushed = 1},
        {.n_rows = N, .low = 1, .high = 4, .density = 0.1, .own = 1},
        {.n_rows = N, .low = 3, .high = 19, .density = 0.05, .own = 1, .inhibitory = 1, .pushed = 1},
        {.n_rows = N, .low = 2, .high = 9, .density = 0.05, .own = 1, .pushed = 1, .short_term = 1},
        {.n_rows = N, .low = 2, .high = 2, .density = 0.1, .constant_weight = 0.7f, .inhibitory = 1},
        END_KINDS};
    delivers(kinds, 0.1);
}

static void all_kinds_together(void) {
    const kind kinds[] = {
        {.n_rows = N, .low = 1, .high = 6, .density = 0.1, .own = 1},
        {.n_rows = N, .low = 1, .high = 12, .density = 0.03, .own = 1, .pushed = 1},
        {.pre_first = 100, .n_rows = 50, .low = 2, .high = 3, .density = 0.1, .own = 1, .inhibitory = 1},
        {.n_rows = N, .low = 4, .high = 4, .density = 0.3, .constant_weight = 0.3f, .bitmap = 1},
        {.n_rows = 70, .low = 5, .high = 5, .density = 0.1, .constant_weight = 0.9f, .short_term = 1},
        {.n_rows = N,
         .low = 3,
         .high = 3,
         .density = 0.3,
         .constant_weight = 0.9f,
         .inhibitory = 1,
         .bitmap = 1},
        END_KINDS};
    delivers(kinds, 0.1);
}

/* ---- what is left alone ------------------------------------------------------------------------------- */

static const kind plain[] = {
    {.n_rows = N, .low = 1, .high = 1, .density = 0.5, .own = 1},
    {.n_rows = N, .low = 2, .high = 2, .density = 0.5, .constant_weight = 0.5f, .inhibitory = 1},
    END_KINDS};

/* Inputs are added to, and those of other parts are not touched. */
static void only_the_partition_is_added_to(void) {
    world *w = make(plain, 64, 0.2);
    nm_delivery to = delivery_of(w);
    double expected[2][N];
    for (int64_t now = 1; now <= 5; now++)
        fire(w, now);
    expect(w, plain, 6, expected);
    for (int slot = 0; slot < N; slot++)
        w->excitatory[slot] = w->inhibitory[slot] = 4096.0;
    nm_deliver_static(&to, 6, 1, 2);
    nm_deliver(&to, 6, 1);
    for (int slot = 0; slot < N; slot++) {
        const int inside = slot >= 64 && slot < 128;
        /* one rounding at 4096 for each of some 30 arrivals */
        const double allowed = inside ? 30.0 * 4096.0 * 1.2e-16 : 0.0;
        CHECK(fabs(w->excitatory[slot] - 4096.0 - (inside ? expected[0][slot] : 0.0)) <= allowed);
        CHECK(fabs(w->inhibitory[slot] - 4096.0 - (inside ? expected[1][slot] : 0.0)) <= allowed);
    }
    discard(w);
}

static void silence_brings_nothing(void) {
    world *w = make(plain, 64, 0.0);
    for (int64_t now = 1; now <= 10; now++) {
        deliver(w, now);
        for (int slot = 0; slot < N; slot++)
            CHECK(w->excitatory[slot] == 0.0 && w->inhibitory[slot] == 0.0);
        fire(w, now);
    }
    discard(w);
}

/* A spike of step 1 by a synapse of every delay, and nothing in any other step. */
static void a_spike_arrives_after_its_delay_and_once(void) {
    const kind one[] = {{.n_rows = 1, .low = 1, .high = 9, .density = 1.0, .own = 1}, END_KINDS};
    world *w = make(one, 50, 0.0);
    w->raster[1][0] = 1;
    for (int64_t now = 1; now <= 25; now++) {
        deliver(w, now);
        double expected[N] = {0.0};
        for (int64_t i = 0; i < w->wirings[0].n; i++)
            if (w->wirings[0].synapses[i].delay == now - 1)
                expected[w->wirings[0].synapses[i].post] += (double)w->wirings[0].synapses[i].weight;
        CHECK(memcmp(w->excitatory, expected, sizeof expected) == 0);
        fire(w, now);
    }
    discard(w);
}

/* Weights act as they stand when the spike arrives. */
static void a_weight_that_is_written_while_the_spike_is_under_way_counts(void) {
    world *w = make(plain, N, 0.0);
    w->raster[1][7] = 1;
    double before[N];
    fire(w, 1);
    deliver(w, 2);
    memcpy(before, w->excitatory, sizeof before);
    for (int64_t s = 0; s < w->wirings[0].n; s++)
        w->projections[0].weight[s] *= 2.0f;
    deliver(w, 2);
    double sum = 0.0;
    for (int slot = 0; slot < N; slot++) {
        CHECK(w->excitatory[slot] == 2.0 * before[slot]);
        sum += fabs(before[slot]);
    }
    CHECK(sum > 0.1);
    discard(w);
}

/* Rules and short-term plasticity need each synapse by itself; targets of a bucket must ascend. */
static void what_has_no_bitmap(void) {
    const int64_t run_start[] = {0, 3};
    const uint16_t target[] = {0, 1, 1}, falling[] = {1, 0, 1};
    const nm_plasticity_rule rule = {.name = "test"};
    const nm_projection good = {.n_rows = 1, .n_runs = 1, .run_start = run_start, .target = target};
    nm_short_term short_term = {.U = NULL};
    int64_t extra_start[2];
    CHECK(nm_bitmap_worth(&good, 2, 1, 0, extra_start) == 0); /* too many extras */
    CHECK(nm_bitmap_worth(&good, 2, 1, 1, extra_start) > 0 && extra_start[1] == 1);
    nm_projection p = good;
    p.rule = &rule;
    CHECK(nm_bitmap_worth(&p, 2, 1, 1, extra_start) == 0);
    p = good, p.short_term = &short_term;
    CHECK(nm_bitmap_worth(&p, 2, 1, 1, extra_start) == 0);
    p = good, p.bucket_run = run_start;
    CHECK(nm_bitmap_worth(&p, 2, 1, 1, extra_start) == 0);
    p = good, p.target = falling;
    CHECK(nm_bitmap_worth(&p, 2, 1, 1, extra_start) == 0);
    const int64_t none[] = {0, 0};
    p = good, p.run_start = none;
    CHECK(nm_bitmap_worth(&p, 2, 1, 1, extra_start) == 0);
}

/* An epoch has a 16th of the longest delay, or 16 steps, while all sums of a port take 64 MB or less. */
static void an_epoch_is_long_for_long_delays_in_small_networks(void) {
    CHECK(nm_push_steps(1, 10) == 16 && nm_push_steps(256, 10) == 16 && nm_push_steps(257, 10) == 32);
    CHECK(nm_push_steps(65535, 10) == 4096 && nm_push_steps(65535, 1 << 16) == 64);
    CHECK(nm_push_steps(1, 1 << 16) == 16 && nm_push_steps(65535, 1 << 30) == 16);
}

static const nm_test tests[] = {TEST(own_weights_and_delays),
                                TEST(inhibitory_weights),
                                TEST(constant_weights_and_one_delay),
                                TEST(sources_in_the_middle),
                                TEST(efficacies_multiply_weights),
                                TEST(bitmap_projections_over_bits),
                                TEST(bitmap_projections_with_a_column_of_weights),
                                TEST(more_arrivals_than_a_count_of_bits_holds),
                                TEST(pushed_projections),
                                TEST(all_kinds_together),
                                TEST(only_the_partition_is_added_to),
                                TEST(silence_brings_nothing),
                                TEST(a_spike_arrives_after_its_delay_and_once),
                                TEST(a_weight_that_is_written_while_the_spike_is_under_way_counts),
                                TEST(what_has_no_bitmap),
                                TEST(an_epoch_is_long_for_long_delays_in_small_networks),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
