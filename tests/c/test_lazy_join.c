/* nm_lazy_join: joined rows hold the members' synapses by delay and target, give each back, and refuse members whose last
 * updates differ.
 * SPDX-License-Identifier: MIT */
#include "nm_lazy_join.h"
#include "testlib.h"
#include "wiring.h"

#include <string.h>

enum { N = 150, WIDTH = 40, PRE_FIRST = 5, N_ROWS = 60, MEMBERS = 3, N_TRACES = 1, RECORD = 1 + N_TRACES };
enum { ONE_DELAY = 3, MANY_DELAYS = 7 };
static const int64_t ENDS[MEMBERS] = {30, 95,
                                      N}; /* slots; the second member has targets in three partitions */

typedef struct world {
    arena keep;
    nm_network network;
    nm_projection own[MEMBERS], before[MEMBERS], rows;
    nm_visit *visits[MEMBERS];
    uint16_t *targets[MEMBERS];
    int64_t ends[MEMBERS];
    nm_members members;
    nm_lazy_join join;
} world;

/* Calls `see` for each run of a projection, with its row, partition and delay. */
typedef void run_seen(world *w, int64_t m, int64_t run, int64_t row, int64_t part, int64_t delay);
static void each_run(world *w, const nm_projection *p, int64_t m, run_seen *see) {
    for (int64_t bucket = 0; bucket < nm_all_buckets(&w->network, p); bucket++)
        for (int64_t run = nm_first_run(p, bucket); run < nm_first_run(p, bucket + 1); run++)
            see(w, m, run, nm_row_of(&w->network, p, bucket), nm_partition_of(&w->network, p, bucket),
                nm_delay_of(p, run));
}

static int64_t since_of(int64_t row, int64_t part, int64_t delay) {
    return 1000 * row + 100 * part + 2 * delay;
}
static double trace_of(int64_t row, int64_t part, int64_t delay) {
    return (double)(row + delay) / (double)(1 + part);
}

/* Every last update of a row, partition and delay has a number of its own; where a member has no target, another. */
static void note_update(world *w, int64_t m, int64_t run, int64_t row, int64_t part, int64_t delay) {
    const int reached = w->own[m].reached[part];
    w->visits[m][run * RECORD].since = reached ? since_of(row, part, delay) : -m;
    w->visits[m][run * RECORD + 1].trace = reached ? trace_of(row, part, delay) : 0.0;
}

static void make_member(world *w, int64_t m, int64_t high) {
    wiring drawn = draw_wiring(&w->keep, PRE_FIRST, N_ROWS, N, 0.3, ONE_DELAY, high, 20);
    int64_t n = 0, first, end;
    for (int64_t i = 0; i < drawn.n; i++)
        if (drawn.synapses[i].post < ENDS[m] && drawn.synapses[i].post >= (m == 0 ? 0 : ENDS[m - 1]))
            drawn.synapses[n++] = drawn.synapses[i];
    drawn.n = n;
    nm_projection *p = &w->own[m];
    *p = lay_out(&w->keep, &w->network, &drawn, 1, 0.0);
    uint8_t *reached = zeros(&w->keep, w->network.n_partitions, 1);
    p->state[0] = zeros(&w->keep, n, sizeof(float)), p->reached = reached;
    for (int64_t bucket = 0; bucket < nm_all_buckets(&w->network, p); bucket++)
        reached[nm_partition_of(&w->network, p, bucket)] |=
            p->run_start[nm_first_run(p, bucket + 1)] > p->run_start[nm_first_run(p, bucket)];
    for (int64_t s = 0; s < n; s++)
        p->state[0][s] = -p->weight[s];
    w->visits[m] = zeros(&w->keep, p->n_runs * RECORD, sizeof(nm_visit));
    each_run(w, p, m, note_update);
    nm_lazy_join_span(&w->network, p, &first, &end);
    CHECK(first >= (m == 0 ? 0 : ENDS[m - 1]) && end <= ENDS[m] && first < end);
    w->ends[m] = end;
}

static void lay_out_rows(world *w) {
    nm_projection *p = &w->rows;
    const int64_t n_buckets = N_ROWS * w->network.n_partitions;
    uint16_t *run_delay = NULL;
    p->n_runs = n_buckets;
    if (p->bucket_run != NULL) {
        int64_t *bucket_run = zeros(&w->keep, n_buckets + 1, sizeof *bucket_run);
        nm_lazy_join_count(&w->join, bucket_run);
        p->bucket_run = bucket_run, p->n_runs = bucket_run[n_buckets];
        p->run_delay = run_delay = zeros(&w->keep, p->n_runs, sizeof *run_delay);
    }
    int64_t *run_start = zeros(&w->keep, p->n_runs + 1, sizeof *run_start);
    p->run_start = run_start;
    w->join.rows_visits = zeros(&w->keep, p->n_runs * RECORD, sizeof(nm_visit));
    nm_lazy_join_measure(&w->join, run_start, run_delay);
    CHECK(run_start[p->n_runs] == p->n_synapses);
}

/* Delays of ONE_DELAY .. `high` steps. */
static world *make(int64_t high) {
    world *w = calloc(1, sizeof *w);
    nm_projection *p = &w->rows;
    sequence = 11;
    w->network = (nm_network){
        .n_neurons = N, .partition_width = WIDTH, .n_partitions = (N + WIDTH - 1) / WIDTH, .max_delay = high};
    for (int64_t m = 0; m < MEMBERS; m++)
        make_member(w, m, high);
    memcpy(w->before, w->own, sizeof w->own);
    *p = w->own[0];
    p->n_synapses = w->own[0].n_synapses + w->own[1].n_synapses + w->own[2].n_synapses;
    uint16_t *target = zeros(&w->keep, p->n_synapses, sizeof *target);
    p->target = target, p->members = &w->members;
    p->weight = zeros(&w->keep, p->n_synapses, sizeof(float));
    p->state[0] = zeros(&w->keep, p->n_synapses, sizeof(float));
    w->members = (nm_members){.n = MEMBERS, .end = w->ends};
    w->join = (nm_lazy_join){.network = &w->network,
                             .own = w->own,
                             .visits = w->visits,
                             .targets = w->targets,
                             .rows_target = target,
                             .n = MEMBERS,
                             .rows = p,
                             .n_traces = N_TRACES,
                             .next = zeros(&w->keep, MEMBERS, sizeof(int64_t)),
                             .end = zeros(&w->keep, MEMBERS, sizeof(int64_t))};
    lay_out_rows(w);
    return w;
}

static void discard(world *w) {
    free_arena(&w->keep);
    free(w);
}

static void with_one_delay_and_many(void (*check)(world *w)) {
    for (int64_t high = ONE_DELAY; high <= MANY_DELAYS; high += MANY_DELAYS - ONE_DELAY) {
        world *w = make(high);
        CHECK((w->rows.bucket_run == NULL) == (high == ONE_DELAY));
        CHECK(nm_lazy_join_fill(&w->join, 0, N_ROWS / 2) && nm_lazy_join_fill(&w->join, N_ROWS / 2, N_ROWS));
        check(w);
        discard(w);
    }
}

static void check_joined_run(world *w, int64_t m, int64_t run, int64_t row, int64_t part, int64_t delay) {
    int64_t at = w->rows.run_start[run];
    for (m = 0; m < MEMBERS; m++) {
        const nm_projection *p = &w->own[m];
        const int64_t own = nm_projection_run(p, nm_bucket(&w->network, p, row, part), delay);
        for (int64_t s = own < 0 ? 0 : p->run_start[own]; own >= 0 && s < p->run_start[own + 1]; s++, at++)
            CHECK(w->rows.target[at] == p->target[s] && w->rows.weight[at] == p->weight[s] &&
                  w->rows.state[0][at] == p->state[0][s]);
    }
    CHECK(at == w->rows.run_start[run + 1]);
    const nm_visit *last = w->join.rows_visits + run * RECORD;
    CHECK(last[0].since == since_of(row, part, delay) && last[1].trace == trace_of(row, part, delay));
}

static void check_rows(world *w) {
    each_run(w, &w->rows, 0, check_joined_run);
}
static void rows_hold_the_synapses_by_delay_and_target(void) {
    with_one_delay_and_many(check_rows);
}

static void check_own_run(world *w, int64_t m, int64_t run, int64_t row, int64_t part, int64_t delay) {
    const nm_projection *p = &w->own[m], *before = &w->before[m];
    for (int64_t s = p->run_start[run]; s < p->run_start[run + 1]; s++)
        CHECK(p->weight[s] == 2.0f * before->weight[s] && p->state[0][s] == -4.0f * before->weight[s] &&
              p->target[s] == before->target[s]);
    const int reached = p->reached[part];
    CHECK(!reached || w->visits[m][run * RECORD].since == since_of(row, part, delay) + 7);
    CHECK(w->visits[m][run * RECORD + 1].trace == (reached ? trace_of(row, part, delay) : 0.0));
}

static void check_return(world *w) {
    for (int64_t s = 0; s < w->rows.n_synapses; s++)
        w->rows.weight[s] *= 2.0f, w->rows.state[0][s] *= 4.0f;
    for (int64_t run = 0; run < w->rows.n_runs; run++)
        w->join.rows_visits[run * RECORD].since += 7;
    for (int m = 0; m < MEMBERS; m++) {
        nm_projection *p = &w->own[m];
        p->weight = zeros(&w->keep, p->n_synapses, sizeof(float));
        p->state[0] = zeros(&w->keep, p->n_synapses, sizeof(float));
        p->target = w->targets[m] = zeros(&w->keep, p->n_synapses, sizeof(uint16_t));
        w->visits[m] = zeros(&w->keep, p->n_runs * RECORD, sizeof(nm_visit));
    }
    nm_lazy_join_part(&w->join, 0, N_ROWS);
    for (int m = 0; m < MEMBERS; m++)
        each_run(w, &w->own[m], m, check_own_run);
}
static void every_member_gets_its_own_back(void) {
    with_one_delay_and_many(check_return);
}

static void check_targets(world *w) {
    for (int m = 0; m < MEMBERS; m++) {
        const int64_t n = w->own[m].n_synapses;
        uint16_t *target = zeros(&w->keep, n, sizeof *target);
        nm_lazy_join_targets(&w->join, m, target);
        CHECK(n > 100 && memcmp(target, w->own[m].target, (size_t)n * sizeof *target) == 0);
    }
}
static void targets_of_one_member_are_in_its_own_order(void) {
    with_one_delay_and_many(check_targets);
}

static void check_times(world *w) {
    const int64_t other = nm_bucket(&w->network, &w->own[2], 3, 2);
    nm_visit *last =
        w->visits[1] + nm_first_run(&w->own[1], nm_bucket(&w->network, &w->own[1], 3, 0)) * RECORD;
    for (int64_t k = 0; k < RECORD * MANY_DELAYS; k += RECORD)
        last[k].since++;
    CHECK(!nm_lazy_join_fill(&w->join, 0, N_ROWS));
    for (int64_t k = 0; k < RECORD * MANY_DELAYS; k += RECORD)
        last[k].since--;
    CHECK(nm_lazy_join_fill(&w->join, 0, N_ROWS));
    for (int64_t run = nm_first_run(&w->own[2], other); run < nm_first_run(&w->own[2], other + 1); run++)
        w->visits[2][run * RECORD + 1].trace += 0.5;
    CHECK(!nm_lazy_join_fill(&w->join, 0, N_ROWS));
}
static void members_that_were_updated_at_different_times_stay_apart(void) {
    with_one_delay_and_many(check_times);
}

static void check_members(world *w) {
    for (int64_t slot = 0; slot < w->ends[MEMBERS - 1]; slot++) {
        const int64_t m = nm_lazy_join_member(&w->members, slot);
        CHECK(slot < w->ends[m] && (m == 0 || slot >= w->ends[m - 1]));
    }
}
static void a_slot_tells_its_member(void) {
    with_one_delay_and_many(check_members);
}

static const nm_test tests[] = {TEST(rows_hold_the_synapses_by_delay_and_target),
                                TEST(every_member_gets_its_own_back),
                                TEST(targets_of_one_member_are_in_its_own_order),
                                TEST(members_that_were_updated_at_different_times_stay_apart),
                                TEST(a_slot_tells_its_member),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
