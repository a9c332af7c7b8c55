/* The pool of threads: everybody works in every round, nobody passes the barrier before all have come, and it
 * can be stopped at any time between rounds.
 * SPDX-License-Identifier: MIT */
#include "nm_pool.h"
#include "testlib.h"

#include <stdlib.h>

enum { THREADS = 4, ROUNDS = 60, PHASES = 5 };

typedef struct shared {
    int n_threads;
    long came[THREADS * 16]; /* of each thread, on cache lines of their own */
    long early[THREADS * 16];
} shared;

/* Between two barriers every thread sees the counts that all had before the first. */
static void work(void *context, int thread, nm_pool *pool) {
    shared *s = context;
    for (long phase = 0; phase < PHASES; phase++) {
        const long mine = ++s->came[thread * 16];
        nm_pool_wait(pool);
        for (int other = 0; other < s->n_threads; other++)
            s->early[thread * 16] += s->came[other * 16] != mine;
        nm_pool_wait(pool);
    }
}

static void all_work_in_every_round_and_wait_for_each_other(void) {
    for (int wanted = 1; wanted <= THREADS; wanted++) {
        nm_pool *pool = calloc(1, nm_pool_bytes());
        shared s = {.n_threads = nm_pool_start(pool, wanted)};
        CHECK(s.n_threads == (NM_HAS_THREADS ? wanted : 1));
        CHECK(nm_pool_threads(pool) == s.n_threads);
        for (int round = 1; round <= ROUNDS; round++) {
            nm_pool_run(pool, work, &s);
            for (int thread = 0; thread < s.n_threads; thread++)
                CHECK(s.came[thread * 16] == (long)round * PHASES);
        }
        for (int thread = 0; thread < s.n_threads; thread++)
            CHECK(s.early[thread * 16] == 0);
        nm_pool_stop(pool);
        free(pool);
    }
}

static void count(void *context, int thread, nm_pool *pool) {
    (void)pool;
    ((long *)context)[thread * 16]++;
}

/* Work without a barrier: the call is back only when the slowest is done. */
static void a_round_ends_when_all_are_done(void) {
    nm_pool *pool = calloc(1, nm_pool_bytes());
    long counts[THREADS * 16] = {0};
    const int n = nm_pool_start(pool, THREADS);
    for (long round = 1; round <= 500; round++) {
        nm_pool_run(pool, count, counts);
        for (int thread = 0; thread < n; thread++)
            CHECK(counts[thread * 16] == round);
    }
    nm_pool_stop(pool);
    free(pool);
}

static void a_pool_that_never_ran_can_be_stopped(void) {
    const int wanted[] = {0, 1, 2, THREADS};
    for (int k = 0; k < 4; k++)
        for (int again = 0; again < 10; again++) {
            nm_pool *pool = calloc(1, nm_pool_bytes());
            CHECK(nm_pool_start(pool, wanted[k]) >= 1);
            nm_pool_stop(pool);
            free(pool);
        }
}

static const nm_test tests[] = {
    TEST(all_work_in_every_round_and_wait_for_each_other),
    TEST(a_round_ends_when_all_are_done),
    TEST(a_pool_that_never_ran_can_be_stopped),
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
