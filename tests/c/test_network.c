/* nm_network: how groups are cut into pieces, and what is found out about each before a run.
 * SPDX-License-Identifier: MIT */
#include "nm_network.h"
#include "testlib.h"

#include <math.h>
#include <stdlib.h>

enum { N = 2000 };
extern const nm_neuron_model nm_neuron_adex, nm_neuron_izhikevich, nm_neuron_lif, nm_neuron_poisson;

/* A network of one group with columns of its own; parameters and state at their defaults. */
typedef struct fixture {
    double params[NM_MAX_PARAMS][N], seen[NM_MAX_PARAMS][N], state[NM_MAX_STATE][N];
    double derived[NM_MAX_DERIVED][N], drive[7][N], seen_rate[N];
    uint32_t table[64 * 64];
    nm_block blocks[64];
    int64_t partition_block[8], n_blocks;
    nm_group group;
    nm_network network;
} fixture;

static fixture *make(const nm_neuron_model *model, int64_t n) {
    fixture *f = calloc(1, sizeof *f);
    f->group = (nm_group){.model = model, .n = n};
    for (int k = 0; k < nm_field_count(model->params); k++) {
        for (int64_t i = 0; i < n; i++) {
            f->params[k][i] = model->params[k].fallback;
            f->seen[k][i] = NAN;
        }
        f->group.params[k] = f->params[k], f->group.seen[k] = f->seen[k];
    }
    for (int k = 0; k < nm_field_count(model->state); k++) {
        for (int64_t i = 0; i < n; i++)
            f->state[k][i] = model->state[k].fallback;
        f->group.state[k] = f->state[k];
    }
    for (int k = 0; k < model->n_derived; k++)
        f->group.derived[k] = f->derived[k];
    for (int64_t i = 0; i < n; i++)
        f->seen_rate[i] = NAN;
    f->network = (nm_network){.n_neurons = n,
                              .groups = &f->group,
                              .n_groups = 1,
                              .blocks = f->blocks,
                              .drive_rate = f->drive[0],
                              .drive_weight = f->drive[1],
                              .external_input = f->drive[2],
                              .drive_noise = f->drive[3],
                              .drive_uniform = f->drive[4],
                              .drive_noise_per_step = f->drive[5],
                              .drive_uniform_per_step = f->drive[6],
                              .seen_rate = f->seen_rate,
                              .drive_table = f->table,
                              .n_partitions = 1,
                              .partition_width = N,
                              .partition_block = f->partition_block};
    return f;
}

static void cut(fixture *f, int64_t partition_width) {
    f->partition_block[0] = -1;
    f->n_blocks = f->network.n_blocks =
        nm_network_cut(&f->group, 1, NULL, partition_width, f->blocks, f->partition_block);
    CHECK(nm_network_cut(&f->group, 1, NULL, partition_width, NULL, NULL) == f->n_blocks);
    CHECK(f->partition_block[0] == 0);
}

static int prepare(fixture *f) {
    nm_error error;
    return nm_network_prepare(&f->network, 1.0, 0, &error);
}

/* Pieces follow one another without a gap, and are at most a chunk long. */
static int covers(const fixture *f, int64_t n) {
    int64_t next = 0;
    for (int64_t p = 0; p < f->n_blocks; p++) {
        if (f->blocks[p].first != next || f->blocks[p].n < 1 || f->blocks[p].n > NM_CHUNK)
            return 0;
        next += f->blocks[p].n;
    }
    return next == n;
}

static void partitions_have_equal_widths(void) {
    const int64_t n[] = {NM_CHUNK, 4095, 4096, 32767, 32768, 131071, 131072, 1000000},
                  partitions[] = {1, 1, 4, 4, 8, 8, 16, 16};
    for (int k = 0; k < 8; k++) {
        const int64_t width = nm_network_partition_width(n[k]);
        CHECK(width * partitions[k] >= n[k] && (width - 64) * partitions[k] < n[k]);
    }
    CHECK(nm_network_partition_width(0) == NM_CHUNK && nm_network_partition_width(1) == NM_CHUNK);
}

static void equal_neurons_make_blocks_alike(void) {
    fixture *f = make(&nm_neuron_izhikevich, 1300);
    cut(f, N);
    CHECK(f->n_blocks == 3 && covers(f, 1300));
    for (int p = 0; p < 3; p++)
        CHECK(f->blocks[p].n > 1300 / 3 - 16 && f->blocks[p].n < 1300 / 3 + 17);
    free(f);
}

static void blocks_end_where_parameters_change(void) {
    fixture *f = make(&nm_neuron_izhikevich, 1000);
    for (int i = 800; i < 1000; i++)
        f->params[0][i] = 0.1;
    cut(f, N);
    CHECK(f->n_blocks == 3 && covers(f, 1000));
    CHECK(f->blocks[1].first == NM_CHUNK && f->blocks[2].first == 800);
    CHECK(prepare(f) == NM_OK);
    CHECK(f->blocks[0].stride == 0 && f->blocks[1].stride == 0 && f->blocks[2].stride == 0);
    free(f);
}

static void a_few_equal_neurons_make_no_block(void) {
    fixture *f = make(&nm_neuron_izhikevich, 1000);
    for (int i = 0; i < 1000; i++)
        f->params[3][i] = 6.0 + 0.1 * (i / 100);
    cut(f, N);
    CHECK(f->n_blocks == 2 && covers(f, 1000));
    CHECK(prepare(f) == NM_OK);
    CHECK(f->blocks[0].stride == 1 && f->blocks[1].stride == 1);
    free(f);
}

/* 60 and 60 neurons that differ, then equal ones: these are not taken into the block of the few. */
static void many_equal_neurons_are_not_mixed_with_the_few_before_them(void) {
    fixture *f = make(&nm_neuron_izhikevich, 1000);
    for (int i = 0; i < 120; i++)
        f->params[3][i] = i < 60 ? 6.5 : 7.5;
    cut(f, N);
    CHECK(covers(f, 1000) && f->blocks[0].n == 120);
    CHECK(prepare(f) == NM_OK && f->blocks[0].stride == 1);
    for (int64_t p = 1; p < f->n_blocks; p++)
        CHECK(f->blocks[p].stride == 0);
    free(f);
}

static void no_block_crosses_the_border_of_a_partition(void) {
    fixture *f = make(&nm_neuron_izhikevich, 1400);
    for (int i = 900; i < 1400; i++)
        f->params[0][i] = 0.1;
    cut(f, 1024);
    CHECK(covers(f, 1400));
    CHECK(f->partition_block[0] == 0 && f->blocks[f->partition_block[1]].first == 1024 &&
          f->partition_block[2] == f->n_blocks);
    free(f);
}

/* Of a uniform piece one value is kept in mind, and yet any change of any entry is seen. */
static void a_change_of_any_parameter_is_seen(void) {
    fixture *f = make(&nm_neuron_lif, 700);
    const int n_params = nm_field_count(nm_neuron_lif.params);
    cut(f, N);
    CHECK(prepare(f) == NM_OK);
    CHECK(prepare(f) == NM_OK && !f->blocks[0].changed && !f->blocks[1].changed);
    for (int k = 0; k < n_params; k++)
        for (int64_t i = 0; i < 700; i += 233) { /* first, middle, last piece */
            const double was = f->params[k][i];
            const int here = i >= f->blocks[1].first;
            f->params[k][i] = was + 0.25;
            CHECK(prepare(f) == NM_OK);
            CHECK(f->blocks[here].changed && f->blocks[here].stride == 1);
            CHECK(!f->blocks[1 - here].changed);
            f->params[k][i] = was;
            CHECK(prepare(f) == NM_OK);
            CHECK(f->blocks[here].changed && f->blocks[here].stride == 0);
        }
    free(f);
}

static void delta_synapses_are_noticed(const nm_neuron_model *model, int tau, int current) {
    fixture *f = make(model, 700);
    cut(f, N);
    CHECK(prepare(f) == NM_OK && f->blocks[0].delta_synapses && f->blocks[1].delta_synapses);
    f->state[current][699] = 1e-9;
    CHECK(prepare(f) == NM_OK && f->blocks[0].delta_synapses && !f->blocks[1].delta_synapses);
    f->state[current][699] = -0.0; /* a step would make it +0 */
    CHECK(prepare(f) == NM_OK && !f->blocks[1].delta_synapses);
    f->state[current][699] = 0.0;
    f->params[tau][0] = 2.0;
    CHECK(prepare(f) == NM_OK && !f->blocks[0].delta_synapses && f->blocks[1].delta_synapses);
    f->params[tau][0] = 0.0;
    f->params[0][f->blocks[0].n - 1] *= 1.5; /* stride 1 */
    CHECK(prepare(f) == NM_OK && f->blocks[0].stride == 1 && f->blocks[0].delta_synapses);
    f->params[tau][f->blocks[0].n - 2] = 2.0;
    CHECK(prepare(f) == NM_OK && !f->blocks[0].delta_synapses);
    free(f);
}

static void izhikevich_delta_synapses(void) {
    delta_synapses_are_noticed(&nm_neuron_izhikevich, 6, 2);
    delta_synapses_are_noticed(&nm_neuron_izhikevich, 7, 3);
}

static void lif_delta_synapses(void) {
    delta_synapses_are_noticed(&nm_neuron_lif, 5, 1);
    delta_synapses_are_noticed(&nm_neuron_lif, 6, 2);
}

static void rates_and_noise_come_and_go(void) {
    fixture *f = make(&nm_neuron_lif, 700);
    cut(f, N);
    CHECK(prepare(f) == NM_OK && f->blocks[0].driven == 0 && f->blocks[0].noisy == 0);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < f->blocks[0].n; i++)
            f->drive[0][i] = 100.0;
        f->drive[3][600] = f->drive[4][5] = 1.0;
        CHECK(prepare(f) == NM_OK && f->blocks[0].driven == 1 && f->blocks[1].driven == 0);
        CHECK(f->blocks[0].noisy == 2 && f->blocks[1].noisy == 1);
        memset(f->drive, 0, sizeof f->drive);
        CHECK(prepare(f) == NM_OK && f->blocks[0].driven == 0 && f->blocks[1].driven == 0);
        CHECK(f->blocks[0].noisy == 0 && f->blocks[1].noisy == 0);
    }
    f->drive[3][1] = NAN;
    CHECK(prepare(f) == NM_ERR_BAD_VALUE);
    free(f);
}

static void rates_that_differ_have_no_table(void) {
    fixture *f = make(&nm_neuron_lif, 200);
    cut(f, N);
    for (int i = 0; i < 200; i++)
        f->drive[0][i] = 100.0 + i % 2;
    CHECK(prepare(f) == NM_OK && f->blocks[0].driven == 2);
    for (int i = 0; i < 200; i++)
        f->drive[0][i] = 100.0;
    CHECK(prepare(f) == NM_OK && f->blocks[0].driven == 1);
    for (int i = 0; i < 200; i++)
        f->drive[0][i] = 30e3; /* 30 in a step: more than a table is made for */
    CHECK(prepare(f) == NM_OK && f->blocks[0].driven == 2);
    free(f);
}

static void a_step_that_a_model_does_not_take_is_refused(void) {
    const double dt[] = {100.0, 100.5};
    for (int k = 0; k < 2; k++) {
        fixture *f = make(&nm_neuron_adex, 20);
        nm_error error = {0};
        cut(f, N);
        CHECK(nm_network_prepare(&f->network, dt[k], 0, &error) == (k ? NM_ERR_STEP : NM_OK));
        CHECK(k == 0 || (error.index == 0 && error.field == -1 && error.value == dt[k]));
        free(f);
    }
}

static void parameters_in_the_wrong_order_are_refused(void) {
    fixture *f = make(&nm_neuron_adex, 20);
    nm_error error;
    cut(f, N);
    const nm_greater_than order = nm_neuron_adex.greater_than[1];
    f->params[order.greater][7] = f->params[order.lesser][7];
    CHECK(nm_network_prepare(&f->network, 1.0, 0, &error) == NM_ERR_BAD_ORDER);
    CHECK(error.index == 7 && error.field == order.greater);
    free(f);
}

static void sources_take_no_input(void) {
    fixture *f = make(&nm_neuron_poisson, 20);
    nm_error error;
    cut(f, N);
    f->drive[2][11] = -0.0;
    CHECK(prepare(f) == NM_OK);
    f->drive[2][11] = 1.5;
    CHECK(nm_network_prepare(&f->network, 1.0, 0, &error) == NM_ERR_NO_INPUT);
    CHECK(error.index == 11 && error.value == 1.5);
    free(f);
}

/* A parameter that is one of three words: its positions pass, and nothing else. */
static void a_word_is_held_to_its_positions(void) {
    static const nm_field params[] = {
        {"tau", "ms", 1.0, NM_POSITIVE, "."}, {"kind", "a b c", 1.0, NM_WORD, "."}, NM_END};
    static const nm_field state[] = {NM_END};
    const nm_neuron_model model = {.name = "test", .params = params, .state = state};
    fixture *f = make(&model, 700);
    nm_error error;
    cut(f, N);
    for (int word = 0; word < 3; word++) {
        f->params[1][650] = word;
        CHECK(prepare(f) == NM_OK);
    }
    const double wrong[] = {3.0, -1.0, 0.5, NAN};
    for (int k = 0; k < 4; k++) {
        f->params[1][650] = wrong[k];
        CHECK(nm_network_prepare(&f->network, 1.0, 0, &error) == NM_ERR_BAD_VALUE);
        CHECK(error.index == 650 && error.field == 1);
    }
    free(f);
}

/* Rows that leave out the first and the last partitions: each bucket is of one row and of partitions that there are. */
static void rows_of_some_partitions(void) {
    const nm_network network = {.n_partitions = 11};
    for (int64_t parts = 0; parts < 4; parts++)
        for (int64_t before = 0; before < 4; before++) {
            const nm_projection p = {.n_rows = 5, .parts = parts, .before = before, .behind = 2};
            const int64_t held = 11 - 2 - before, together = nm_parts(&p);
            CHECK(nm_buckets(&network, &p) == (held + together - 1) / together);
            CHECK(nm_all_buckets(&network, &p) == 5 * nm_buckets(&network, &p));
            for (int64_t bucket = 0; bucket < nm_all_buckets(&network, &p); bucket++) {
                const int64_t row = nm_row_of(&network, &p, bucket),
                              partition = nm_partition_of(&network, &p, bucket);
                CHECK(partition >= before && partition < 11 - 2);
                for (int64_t k = 0; k < together; k++)
                    CHECK(nm_bucket(&network, &p, row, partition + k) == bucket);
            }
        }
}

static void partitions_that_there_are_not_are_refused(void) {
    fixture *f = make(&nm_neuron_lif, 700);
    const int64_t run_start[2] = {0, 0};
    nm_projection p = {
        .n_rows = 1, .run_start = run_start, .min_delay = 1, .max_delay = 1, .constant_delay = 1};
    nm_error error;
    cut(f, N);
    f->network.projections = &p, f->network.n_projections = 1, f->network.max_delay = 1;
    p.n_runs = 1;
    CHECK(nm_network_check(&f->network, &error) == NM_OK);
    p.before = 1, p.n_runs = 0;
    CHECK(nm_network_check(&f->network, &error) == NM_OK);
    p.behind = 1;
    CHECK(nm_network_check(&f->network, &error) == NM_ERR_BAD_LAYOUT);
    p.before = -1, p.n_runs = 1;
    CHECK(nm_network_check(&f->network, &error) == NM_ERR_BAD_LAYOUT);
    free(f);
}

/* A port of a model's own must be one of the target's model. */
static void a_port_that_a_target_has_not_is_refused(void) {
    fixture *f = make(&nm_neuron_lif, 700);
    const int64_t run_start[2] = {0, 2};
    const uint16_t target[] = {3, 650};
    nm_projection p = {.n_rows = 1,
                       .n_runs = 1,
                       .n_synapses = 2,
                       .run_start = run_start,
                       .target = target,
                       .constant_weight = 0.5,
                       .min_delay = 1,
                       .max_delay = 1,
                       .constant_delay = 1,
                       .port = NM_FIRST_OWN_PORT + 1};
    nm_error error;
    cut(f, N);
    f->network.projections = &p, f->network.n_projections = 1, f->network.max_delay = 1;
    CHECK(nm_network_check(&f->network, &error) == NM_ERR_BAD_INDEX && error.field == -5);
    f->group.n_ports = 1, f->group.port[0] = NM_FIRST_OWN_PORT;
    CHECK(nm_network_check(&f->network, &error) == NM_ERR_BAD_INDEX && error.field == -5);
    f->group.n_ports = 2, f->group.port[1] = NM_FIRST_OWN_PORT + 1;
    CHECK(nm_network_check(&f->network, &error) == NM_OK);
    free(f);
}

/* Each target is looked up among the groups. */
static void a_port_of_some_of_the_groups(void) {
    fixture *f = make(&nm_neuron_lif, 700);
    const int64_t run_start[2] = {0, 1};
    uint16_t target[] = {0};
    nm_group groups[3] = {f->group, f->group, f->group};
    nm_projection p = {.n_rows = 1,
                       .n_runs = 1,
                       .n_synapses = 1,
                       .run_start = run_start,
                       .target = target,
                       .min_delay = 1,
                       .max_delay = 1,
                       .constant_delay = 1,
                       .port = NM_FIRST_OWN_PORT};
    nm_error error;
    cut(f, N);
    for (int g = 0; g < 3; g++)
        groups[g].first = 200 * g, groups[g].n = g < 2 ? 200 : 300;
    groups[1].n_ports = 1, groups[1].port[0] = NM_FIRST_OWN_PORT;
    f->network.groups = groups, f->network.n_groups = 3;
    f->network.projections = &p, f->network.n_projections = 1, f->network.max_delay = 1;
    for (int k = 0; k < 7; k++) {
        target[0] = (uint16_t)(100 * k + 99);
        CHECK(nm_network_check(&f->network, &error) == (k / 2 == 1 ? NM_OK : NM_ERR_BAD_INDEX));
    }
    free(f);
}

static void every_run_of_a_bucket_is_looked_at(void) {
    fixture *f = make(&nm_neuron_lif, 700);
    const int64_t bucket_run[2] = {0, 2}, run_start[3] = {0, 1, 2};
    const uint16_t delay[] = {1, 2};
    uint16_t target[] = {3, 5000};
    nm_projection p = {.n_rows = 1,
                       .n_runs = 2,
                       .n_synapses = 2,
                       .bucket_run = bucket_run,
                       .run_start = run_start,
                       .run_delay = delay,
                       .target = target,
                       .constant_weight = 0.5,
                       .min_delay = 1,
                       .max_delay = 2};
    nm_error error;
    cut(f, N);
    f->network.projections = &p, f->network.n_projections = 1, f->network.max_delay = 2;
    CHECK(nm_network_check(&f->network, &error) == NM_ERR_BAD_INDEX && error.index == 1);
    target[1] = 5;
    CHECK(nm_network_check(&f->network, &error) == NM_OK);
    free(f);
}

/* Two rows of two runs each, as one that is whole; `fault` breaks it in one place. */
typedef struct rows {
    int64_t bucket_run[3], run_start[5];
    uint16_t delay[4], target[4];
    float weight[4];
    nm_projection p;
} rows;

static int64_t refused(fixture *f, void (*fault)(rows *)) {
    rows r = {.bucket_run = {0, 2, 4},
              .run_start = {0, 1, 2, 3, 4},
              .delay = {1, 2, 1, 3},
              .target = {0, 699, 5, 7},
              .weight = {0.1f, 0.2f, 0.3f, 0.4f}};
    r.p = (nm_projection){.n_rows = 2,
                          .n_runs = 4,
                          .n_synapses = 4,
                          .bucket_run = r.bucket_run,
                          .run_start = r.run_start,
                          .run_delay = r.delay,
                          .target = r.target,
                          .weight = r.weight,
                          .min_delay = 1,
                          .max_delay = 3};
    nm_error error = {.field = 0};
    if (fault != NULL)
        fault(&r);
    f->network.projections = &r.p, f->network.n_projections = 1, f->network.max_delay = 3;
    return nm_network_check(&f->network, &error) == NM_OK ? 0 : error.field;
}

#define FAULT(name, change)                                                                                  \
    static void name(rows *r) {                                                                              \
        change;                                                                                              \
    }
FAULT(a_source_before_the_first, r->p.pre_first = -1)
FAULT(rows_below_none, r->p.n_rows = -1)
FAULT(a_source_behind_the_last, r->p.pre_first = 699)
FAULT(a_delay_of_none, r->p.min_delay = 0)
FAULT(a_delay_beyond_the_networks, r->p.max_delay = 4)
FAULT(delays_the_wrong_way_round, (r->p.min_delay = 3, r->p.max_delay = 2))
FAULT(partitions_left_out_below_none, r->p.behind = -1)
FAULT(a_port_that_no_target_has, r->p.port = NM_FIRST_OWN_PORT)
FAULT(runs_below_none, r->p.n_runs = -1)
FAULT(runs_that_begin_late, r->run_start[0] = 1)
FAULT(runs_that_end_early, r->run_start[4] = 3)
FAULT(runs_of_no_bucket, r->p.bucket_run = NULL)
FAULT(delays_of_no_run, r->p.run_delay = NULL)
FAULT(buckets_that_begin_late, r->bucket_run[0] = 1)
FAULT(buckets_that_end_early, r->bucket_run[2] = 3)
FAULT(one_run_a_bucket_and_more, (r->p.bucket_run = NULL, r->p.run_delay = NULL, r->p.constant_delay = 1))
FAULT(a_bucket_that_ends_before_it_begins, (r->bucket_run[1] = -1))
FAULT(a_bucket_of_more_runs_than_there_are, (r->bucket_run[1] = 5))
FAULT(a_delay_below_the_least, (r->p.min_delay = 2))
FAULT(a_delay_above_the_most, (r->p.max_delay = 2))
FAULT(equal_delays_of_a_bucket, (r->delay[1] = 1))
FAULT(a_run_that_ends_before_it_begins, (r->run_start[1] = 3))
FAULT(a_run_of_more_synapses_than_there_are, (r->run_start[1] = 5))
FAULT(a_target_behind_the_last, (r->target[3] = 700))
FAULT(a_weight_that_is_no_number, (r->weight[2] = NAN))
FAULT(one_weight_that_is_no_number, (r->p.weight = NULL, r->p.constant_weight = INFINITY))

static void each_fault_of_a_projection_is_refused(void) {
    static const struct {
        void (*fault)(rows *);
        int64_t field;
    } table[] = {{a_source_before_the_first, -3},
                 {rows_below_none, -3},
                 {a_source_behind_the_last, -3},
                 {a_delay_of_none, -2},
                 {a_delay_beyond_the_networks, -2},
                 {delays_the_wrong_way_round, -2},
                 {partitions_left_out_below_none, -3},
                 {a_port_that_no_target_has, -5},
                 {runs_below_none, -3},
                 {runs_that_begin_late, -3},
                 {runs_that_end_early, -3},
                 {runs_of_no_bucket, -3},
                 {delays_of_no_run, -3},
                 {buckets_that_begin_late, -3},
                 {buckets_that_end_early, -3},
                 {one_run_a_bucket_and_more, -3},
                 {a_bucket_that_ends_before_it_begins, -3},
                 {a_bucket_of_more_runs_than_there_are, -3},
                 {a_delay_below_the_least, -2},
                 {a_delay_above_the_most, -2},
                 {equal_delays_of_a_bucket, -2},
                 {a_run_that_ends_before_it_begins, -3},
                 {a_run_of_more_synapses_than_there_are, -3},
                 {a_target_behind_the_last, -1},
                 {a_weight_that_is_no_number, -1},
                 {one_weight_that_is_no_number, -1}};
    fixture *f = make(&nm_neuron_lif, 700);
    cut(f, N);
    CHECK(refused(f, NULL) == 0);
    for (size_t k = 0; k < sizeof table / sizeof *table; k++)
        CHECK(refused(f, table[k].fault) == table[k].field);
    f->group.first = 1;
    CHECK(refused(f, NULL) == -4);
    f->group.first = 0, f->network.n_neurons = 701;
    CHECK(refused(f, NULL) == -4);
    free(f);
}

static const nm_test tests[] = {TEST(partitions_have_equal_widths),
                                TEST(equal_neurons_make_blocks_alike),
                                TEST(blocks_end_where_parameters_change),
                                TEST(a_few_equal_neurons_make_no_block),
                                TEST(many_equal_neurons_are_not_mixed_with_the_few_before_them),
                                TEST(no_block_crosses_the_border_of_a_partition),
                                TEST(a_change_of_any_parameter_is_seen),
                                TEST(izhikevich_delta_synapses),
                                TEST(lif_delta_synapses),
                                TEST(rates_and_noise_come_and_go),
                                TEST(rates_that_differ_have_no_table),
                                TEST(a_step_that_a_model_does_not_take_is_refused),
                                TEST(parameters_in_the_wrong_order_are_refused),
                                TEST(sources_take_no_input),
                                TEST(a_word_is_held_to_its_positions),
                                TEST(rows_of_some_partitions),
                                TEST(partitions_that_there_are_not_are_refused),
                                TEST(a_port_that_a_target_has_not_is_refused),
                                TEST(a_port_of_some_of_the_groups),
                                TEST(every_run_of_a_bucket_is_looked_at),
                                TEST(each_fault_of_a_projection_is_refused),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
