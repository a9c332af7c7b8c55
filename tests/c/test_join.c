/* nm_join: a joined table has the synapses of its members, each found again in the order of its own rows.
 * SPDX-License-Identifier: MIT */
#include "nm_join.h"
#include "testlib.h"
#include "wiring.h"

#include <string.h>

enum { N = 150, MEMBERS = 3, PIECE = 50 /* rows that are joined at once */ };

typedef struct world {
    arena keep;
    nm_network network;
    wiring wirings[MEMBERS];
    nm_projection members[MEMBERS + 1], table; /* the last one is not to be joined */
    nm_join join;
} world;

/* `parts`: partitions of a bucket of the table. Member m reaches the targets m, m + MEMBERS, ...: of one source no two members reach the same. `low` and `high`:
 * delays; `own`: each synapse has its weight. */
static world *make(int64_t width, int64_t parts, int64_t low, int64_t high, int own) {
    world *w = calloc(1, sizeof *w);
    w->network = (nm_network){
        .n_neurons = N, .partition_width = width, .n_partitions = (N + width - 1) / width, .max_delay = high};
    sequence = 7;
    for (int64_t m = 0; m < MEMBERS; m++) {
        wiring *drawn = &w->wirings[m];
        *drawn = draw_wiring(&w->keep, 10 * m, 60 + 20 * m, N, 0.3, low, high, 20);
        int64_t n = 0;
        for (int64_t i = 0; i < drawn->n; i++)
            if (drawn->synapses[i].post % MEMBERS == m)
                drawn->synapses[n++] = drawn->synapses[i];
        drawn->n = n;
        w->members[m] = lay_out(&w->keep, &w->network, drawn, own, 0.25);
    }
    w->members[MEMBERS] = w->members[0];
    w->join = (nm_join){.members = w->members,
                        .n_members = MEMBERS,
                        .n_rows = 120,
                        .n_partitions = w->network.n_partitions,
                        .partition_width = width,
                        .parts = parts,
                        .scratch = zeros(&w->keep, NM_JOIN_DELAYS, sizeof(int64_t))};
    return w;
}

/* Some rows of a table of 120. */
static nm_join rows_of(const nm_join *join, int64_t first) {
    nm_join piece = *join;
    piece.first = first, piece.n_rows = first + PIECE < 120 ? PIECE : 120 - first;
    return piece;
}

static void join(world *w, int own) {
    const int64_t n_buckets = w->join.n_rows * nm_join_buckets(&w->join);
    int64_t n = 0, *bucket_run = zeros(&w->keep, n_buckets + 1, sizeof *bucket_run);
    for (int m = 0; m < MEMBERS; m++)
        n += w->members[m].n_synapses;
    for (int64_t first = 0; first < 120; first += PIECE) {
        const nm_join piece = rows_of(&w->join, first);
        int64_t *own_run = bucket_run + first * nm_join_buckets(&piece);
        nm_join_measure(&piece, *own_run, own_run);
    }
    const int64_t n_runs = bucket_run[n_buckets];
    int64_t *run_start = zeros(&w->keep, n_runs + 1, sizeof *run_start);
    uint16_t *run_delay = zeros(&w->keep, n_runs, sizeof *run_delay),
             *target = zeros(&w->keep, n, sizeof *target);
    float *weight = own ? zeros(&w->keep, n, sizeof *weight) : NULL;
    int64_t done = 0;
    for (int64_t first = 0; first < 120; first += PIECE) {
        const nm_join piece = rows_of(&w->join, first);
        const int64_t *own_run = bucket_run + first * nm_join_buckets(&piece);
        done = nm_join_fill(&piece, done, own_run, run_start, run_delay, target, weight);
    }
    CHECK(done == n);
    CHECK(run_start[n_runs] == n);
    w->table = (nm_projection){.n_rows = w->join.n_rows,
                               .parts = w->join.parts,
                               .n_runs = n_runs,
                               .n_synapses = n,
                               .bucket_run = bucket_run,
                               .run_start = run_start,
                               .run_delay = run_delay,
                               .target = target,
                               .weight = weight};
}

/* The delay run of each synapse of a projection. */
static int64_t *runs_of(world *w, const nm_projection *p) {
    int64_t *run = zeros(&w->keep, p->n_synapses, sizeof *run);
    for (int64_t k = 0; k < p->n_runs; k++)
        for (int64_t s = p->run_start[k]; s < p->run_start[k + 1]; s++)
            run[s] = k;
    return run;
}

/* The bucket of each synapse of a projection. */
static int64_t *buckets_of(world *w, const nm_projection *p) {
    int64_t *bucket = zeros(&w->keep, p->n_synapses, sizeof *bucket);
    for (int64_t b = 0; b < p->n_rows * nm_buckets(&w->network, p); b++)
        for (int64_t s = p->run_start[nm_first_run(p, b)]; s < p->run_start[nm_first_run(p, b + 1)]; s++)
            bucket[s] = b;
    return bucket;
}

static nm_join_found room_for(world *w, int64_t n, int64_t n_buckets, int own) {
    return (nm_join_found){.position = zeros(&w->keep, n, sizeof(int64_t)),
                           .target = zeros(&w->keep, n, sizeof(uint16_t)),
                           .delay = zeros(&w->keep, n, sizeof(uint16_t)),
                           .weight = own ? zeros(&w->keep, n, sizeof(float)) : NULL,
                           .bucket = zeros(&w->keep, n_buckets, sizeof(int64_t))};
}

static void finds_again(world *w, int m, int own) {
    const nm_projection *p = &w->members[m], *t = &w->table;
    const int64_t width = w->network.partition_width, n_partitions = w->network.n_partitions;
    uint8_t *sources = zeros(&w->keep, t->n_rows, 1), *targets = zeros(&w->keep, N, 1);
    for (int64_t row = 0; row < p->n_rows; row++)
        sources[p->pre_first + row] = 1;
    nm_join_targets(p, n_partitions, width, targets);
    for (int64_t slot = 0; slot < N; slot++)
        CHECK(!targets[slot] || slot % MEMBERS == m);
    const nm_join_found nothing = {0}, found = room_for(w, p->n_synapses, t->n_rows * n_partitions, own);
    CHECK(nm_join_find(t, n_partitions, width, sources, targets, &nothing) == p->n_synapses);
    CHECK(nm_join_find(t, n_partitions, width, sources, targets, &found) == p->n_synapses);
    const int64_t *own_run = runs_of(w, p), *its_run = runs_of(w, t), *own_bucket = buckets_of(w, p),
                  *its_bucket = buckets_of(w, t);
    for (int64_t s = 0; s < p->n_synapses; s++) {
        const int64_t at = found.position[s], partition = own_bucket[s] % n_partitions,
                      row = own_bucket[s] / n_partitions;
        CHECK(its_bucket[at] == nm_bucket(&w->network, t, p->pre_first + row, partition));
        CHECK(t->target[at] == p->target[s] + partition % w->join.parts * width);
        CHECK(found.target[s] == p->target[s] && (s == 0 || at != found.position[s - 1]));
        CHECK(nm_delay_of(t, its_run[at]) == nm_delay_of(p, own_run[s]));
        CHECK(found.delay[s] == nm_delay_of(p, own_run[s]));
        CHECK(!own || (t->weight[at] == p->weight[s] && found.weight[s] == p->weight[s]));
    }
    for (int64_t row = 0; row < p->n_rows; row++)
        for (int64_t partition = 0; partition < n_partitions; partition++) {
            const int64_t b = row * n_partitions + partition;
            const int64_t n = p->run_start[nm_first_run(p, b + 1)] - p->run_start[nm_first_run(p, b)];
            CHECK(found.bucket[(p->pre_first + row) * n_partitions + partition] == n);
        }
}

static void joins(int64_t low, int64_t high, int own) {
    const int64_t widths[] = {N, 64, 37, 19}, parts[] = {1, 2, 4};
    for (int k = 0; k < 12; k++) {
        world *w = make(widths[k / 3], parts[k % 3], low, high, own);
        join(w, own);
        for (int m = 0; m < MEMBERS; m++)
            finds_again(w, m, own);
        for (int64_t d = 0; d < NM_JOIN_DELAYS; d++)
            CHECK(w->join.scratch[d] == 0);
        for (int64_t r = 0; r < w->table.n_runs; r++)
            CHECK(w->table.run_start[r] < w->table.run_start[r + 1]);
        free_arena(&w->keep);
        free(w);
    }
}

static void many_delays_and_own_weights(void) {
    joins(1, 20, 1);
}
static void one_delay(void) {
    joins(4, 4, 1);
}
static void equal_weights(void) {
    joins(2, 9, 0);
}

static const nm_test tests[] = {
    TEST(many_delays_and_own_weights), TEST(one_delay), TEST(equal_weights), {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
