/* nm_lazy_join: joined rows hold the members' synapses by target, give each back, and refuse members whose last updates
 * differ.
 * SPDX-License-Identifier: MIT */
#include "nm_lazy_join.h"
#include "testlib.h"
#include "wiring.h"

#include <string.h>

enum { N = 150, WIDTH = 40, PRE_FIRST = 5, N_ROWS = 60, MEMBERS = 3, N_TRACES = 1, RECORD = 1 + N_TRACES };
static const int64_t ENDS[MEMBERS] = {30, 95,
                                      N}; /* slots; the second member has targets in three partitions */

typedef struct world {
    arena keep;
    nm_network network;
    nm_projection own[MEMBERS], before[MEMBERS], rows;
    nm_visit *visits[MEMBERS];
    int64_t ends[MEMBERS];
    nm_lazy_join join;
} world;

/* Every last update of a row and partition has a number of its own; where a member has no target it is another. */
static void note_updates(world *w, int64_t m) {
    const nm_projection *p = &w->own[m];
    for (int64_t run = 0; run < p->n_runs; run++) {
        const int64_t part = nm_partition_of(&w->network, p, run), row = nm_row_of(&w->network, p, run);
        w->visits[m][run * RECORD].since = p->reached[part] ? 100 * row + 2 * part : -m;
        w->visits[m][run * RECORD + 1].trace = p->reached[part] ? (double)row / (double)(1 + part) : 0.0;
    }
}

static void make_member(world *w, int64_t m) {
    wiring drawn = draw_wiring(&w->keep, PRE_FIRST, N_ROWS, N, 0.3, 3, 3, 20);
    int64_t n = 0;
    for (int64_t i = 0; i < drawn.n; i++)
        if (drawn.synapses[i].post < ENDS[m] && drawn.synapses[i].post >= (m == 0 ? 0 : ENDS[m - 1]))
            drawn.synapses[n++] = drawn.synapses[i];
    drawn.n = n;
    nm_projection *p = &w->own[m];
    *p = lay_out(&w->keep, &w->network, &drawn, 1, 0.0);
    uint8_t *reached = zeros(&w->keep, w->network.n_partitions, 1);
    p->state[0] = zeros(&w->keep, n, sizeof(float));
    for (int64_t run = 0; run < p->n_runs; run++)
        reached[nm_partition_of(&w->network, p, run)] |= p->run_start[run + 1] > p->run_start[run];
    for (int64_t s = 0; s < n; s++)
        p->state[0][s] = -p->weight[s];
    p->reached = reached;
    w->visits[m] = zeros(&w->keep, p->n_runs * RECORD, sizeof(nm_visit));
    note_updates(w, m);
    int64_t first, end;
    nm_lazy_join_span(&w->network, p, &first, &end);
    CHECK(first >= (m == 0 ? 0 : ENDS[m - 1]) && end <= ENDS[m] && first < end);
    w->ends[m] = end;
}

static world *make(void) {
    world *w = calloc(1, sizeof *w);
    int64_t n = 0;
    sequence = 11;
    w->network = (nm_network){
        .n_neurons = N, .partition_width = WIDTH, .n_partitions = (N + WIDTH - 1) / WIDTH, .max_delay = 3};
    for (int64_t m = 0; m < MEMBERS; m++)
        make_member(w, m), n += w->own[m].n_synapses;
    nm_projection *p = &w->rows;
    *p = w->own[0];
    p->n_runs = N_ROWS * w->network.n_partitions, p->n_synapses = n;
    int64_t *run_start = zeros(&w->keep, p->n_runs + 1, sizeof *run_start);
    p->run_start = run_start, p->target = zeros(&w->keep, n, sizeof(uint16_t));
    p->weight = zeros(&w->keep, n, sizeof(float)), p->state[0] = zeros(&w->keep, n, sizeof(float));
    w->join = (nm_lazy_join){.network = &w->network,
                             .own = w->own,
                             .visits = w->visits,
                             .n = MEMBERS,
                             .rows = p,
                             .rows_visits = zeros(&w->keep, p->n_runs * RECORD, sizeof(nm_visit)),
                             .n_traces = N_TRACES};
    nm_lazy_join_measure(&w->join, run_start);
    CHECK(run_start[p->n_runs] == n);
    memcpy(w->before, w->own, sizeof w->own);
    return w;
}

static void discard(world *w) {
    free_arena(&w->keep);
    free(w);
}

static void rows_hold_the_synapses_by_target(void) {
    world *w = make();
    CHECK(nm_lazy_join_fill(&w->join, 0, N_ROWS / 2) && nm_lazy_join_fill(&w->join, N_ROWS / 2, N_ROWS));
    for (int64_t run = 0; run < w->rows.n_runs; run++) {
        const int64_t part = nm_partition_of(&w->network, &w->rows, run),
                      row = nm_row_of(&w->network, &w->rows, run);
        int64_t at = w->rows.run_start[run];
        for (int m = 0; m < MEMBERS; m++) {
            const nm_projection *p = &w->own[m];
            const int64_t own = nm_bucket(&w->network, p, row, part);
            for (int64_t s = p->run_start[own]; s < p->run_start[own + 1]; s++, at++)
                CHECK(w->rows.target[at] == p->target[s] && w->rows.weight[at] == p->weight[s] &&
                      w->rows.state[0][at] == p->state[0][s]);
        }
        CHECK(at == w->rows.run_start[run + 1]);
        const nm_visit *last = w->join.rows_visits + run * RECORD;
        CHECK(last[0].since == 100 * row + 2 * part && last[1].trace == (double)row / (double)(1 + part));
    }
    discard(w);
}

static void every_member_gets_its_own_back(void) {
    world *w = make();
    CHECK(nm_lazy_join_fill(&w->join, 0, N_ROWS));
    for (int64_t s = 0; s < w->rows.n_synapses; s++)
        w->rows.weight[s] *= 2.0f, w->rows.state[0][s] *= 4.0f;
    for (int64_t run = 0; run < w->rows.n_runs; run++)
        w->join.rows_visits[run * RECORD].since += 7;
    for (int m = 0; m < MEMBERS; m++) {
        w->own[m].weight = zeros(&w->keep, w->own[m].n_synapses, sizeof(float));
        w->own[m].state[0] = zeros(&w->keep, w->own[m].n_synapses, sizeof(float));
        w->visits[m] = zeros(&w->keep, w->own[m].n_runs * RECORD, sizeof(nm_visit));
    }
    nm_lazy_join_part(&w->join, 0, N_ROWS);
    for (int m = 0; m < MEMBERS; m++) {
        for (int64_t s = 0; s < w->own[m].n_synapses; s++)
            CHECK(w->own[m].weight[s] == 2.0f * w->before[m].weight[s] &&
                  w->own[m].state[0][s] == -4.0f * w->before[m].weight[s]);
        for (int64_t run = 0; run < w->own[m].n_runs; run++) {
            const int64_t part = nm_partition_of(&w->network, &w->own[m], run),
                          row = nm_row_of(&w->network, &w->own[m], run);
            const int reached = w->own[m].reached[part];
            CHECK(!reached || w->visits[m][run * RECORD].since == 100 * row + 2 * part + 7);
            CHECK(w->visits[m][run * RECORD + 1].trace == (reached ? (double)row / (double)(1 + part) : 0.0));
        }
    }
    discard(w);
}

static void members_that_were_updated_at_different_times_stay_apart(void) {
    world *w = make();
    const int64_t run = nm_bucket(&w->network, &w->own[1], 3, 0);
    w->visits[1][run * RECORD].since++;
    CHECK(!nm_lazy_join_fill(&w->join, 0, N_ROWS));
    w->visits[1][run * RECORD].since--;
    w->visits[2][nm_bucket(&w->network, &w->own[2], 3, 2) * RECORD + 1].trace += 0.5;
    CHECK(!nm_lazy_join_fill(&w->join, 0, N_ROWS));
    discard(w);
}

static void a_slot_tells_its_member(void) {
    world *w = make();
    const nm_members members = {.n = MEMBERS, .end = w->ends};
    for (int64_t slot = 0; slot < w->ends[MEMBERS - 1]; slot++) {
        const int64_t m = nm_lazy_join_member(&members, slot);
        CHECK(slot < w->ends[m] && (m == 0 || slot >= w->ends[m - 1]));
    }
    discard(w);
}

static const nm_test tests[] = {TEST(rows_hold_the_synapses_by_target),
                                TEST(every_member_gets_its_own_back),
                                TEST(members_that_were_updated_at_different_times_stay_apart),
                                TEST(a_slot_tells_its_member),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
