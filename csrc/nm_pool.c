/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* sched_getaffinity */
#include "nm_pool.h"

#if NM_HAS_THREADS

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

/* A waiting thread spins for about 10 us, which is longer than the threads of a step usually differ by.
 * Then it yields its core, and at last it sleeps. With a core for every thread, it yields for about a
 * millisecond: a thread that slept resumes late and with cold caches, and the other threads then wait for
 * it. With more threads than cores, it sleeps soon, so that the thread it waits for can use the core: a
 * yielding thread keeps the core until the next tick of the scheduler. */
enum { SPINS = 200, YIELDS = 3000, YIELDS_CROWDED = 50, NAP_NS = 20000 };

struct nm_pool {
    int n_threads; /* including the caller's thread */
    int patience;  /* yields before a waiting thread sleeps */
    pthread_t thread[NM_MAX_THREADS];
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    atomic_uint round; /* number of calls of nm_pool_run; changed with the mutex held */
    atomic_int stop;   /* 1: threads shall end; changed with the mutex held */
    int taken;         /* threads that have taken their number; guarded by the mutex */
    nm_pool_work work;
    void *context;
    atomic_int running; /* threads, without the caller's, that have not finished this round */
    atomic_int arrived;
    atomic_uint turn; /* number of barriers passed */
};

static int count_cores(void) {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
#endif
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

/* Called between two tests of the awaited condition. */
static void relax(int looks) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
    if (looks > SPINS)
        sched_yield();
}

/* Likewise, at a barrier, where no other thread wakes the waiting one. */
static void relax_or_nap(const nm_pool *pool, int looks) {
    const struct timespec nap = {.tv_nsec = NAP_NS};
    if (looks < pool->patience)
        relax(looks);
    else
        nanosleep(&nap, NULL);
}

void nm_pool_wait(nm_pool *pool) {
    const unsigned turn = atomic_load_explicit(&pool->turn, memory_order_acquire);
    if (atomic_fetch_add_explicit(&pool->arrived, 1, memory_order_acq_rel) + 1 == pool->n_threads) {
        atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
        atomic_fetch_add_explicit(&pool->turn, 1, memory_order_acq_rel);
        return;
    }
    for (int looks = 0; atomic_load_explicit(&pool->turn, memory_order_acquire) == turn; looks++)
        relax_or_nap(pool, looks);
}

/* Between two rounds a thread spins and yields as long as at a barrier, then sleeps until it is woken. In
 * a Python loop over step() the next round comes soon, and to wake a sleeping thread takes longer than
 * such a step. */
static void await_round(nm_pool *pool, unsigned served) {
    for (int looks = 0; looks < pool->patience; looks++) {
        if (atomic_load_explicit(&pool->round, memory_order_acquire) != served ||
            atomic_load_explicit(&pool->stop, memory_order_acquire))
            return;
        relax(looks);
    }
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load_explicit(&pool->round, memory_order_acquire) == served &&
           !atomic_load_explicit(&pool->stop, memory_order_acquire))
        pthread_cond_wait(&pool->wake, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

static void *serve(void *argument) {
    nm_pool *pool = argument;
    pthread_mutex_lock(&pool->mutex);
    const int number = ++pool->taken;
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned served = 0;; served++) {
        await_round(pool, served);
        if (atomic_load_explicit(&pool->stop, memory_order_acquire))
            return NULL;
        pool->work(pool->context, number, pool);
        atomic_fetch_sub_explicit(&pool->running, 1, memory_order_acq_rel);
    }
}

size_t nm_pool_bytes(void) {
    return sizeof(nm_pool);
}

int nm_pool_start(nm_pool *pool, int n_threads) {
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    const int crowded = n_threads > count_cores();
    pool->patience = SPINS + (crowded ? YIELDS_CROWDED : YIELDS);
    pool->n_threads = 1;
    while (pool->n_threads < n_threads && pool->n_threads < NM_MAX_THREADS &&
           pthread_create(&pool->thread[pool->n_threads], NULL, serve, pool) == 0)
        pool->n_threads++;
    return pool->n_threads;
}

void nm_pool_stop(nm_pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    atomic_store_explicit(&pool->stop, 1, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (int k = 1; k < pool->n_threads; k++)
        pthread_join(pool->thread[k], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
}

int nm_pool_threads(const nm_pool *pool) {
    return pool->n_threads;
}

void nm_pool_run(nm_pool *pool, nm_pool_work work, void *context) {
    pthread_mutex_lock(&pool->mutex);
    pool->work = work;
    pool->context = context;
    atomic_store_explicit(&pool->running, pool->n_threads - 1, memory_order_release);
    atomic_fetch_add_explicit(&pool->round, 1, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    work(context, 0, pool);
    for (int looks = 0; atomic_load_explicit(&pool->running, memory_order_acquire) > 0; looks++)
        relax_or_nap(pool, looks);
}

int64_t nm_pool_process(void) {
    return (int64_t)getpid();
}

#else

struct nm_pool {
    int n_threads;
};

size_t nm_pool_bytes(void) {
    return sizeof(nm_pool);
}
int nm_pool_start(nm_pool *pool, int n_threads) {
    (void)n_threads;
    pool->n_threads = 1;
    return 1;
}
void nm_pool_stop(nm_pool *pool) {
    (void)pool;
}
int nm_pool_threads(const nm_pool *pool) {
    return pool->n_threads;
}
void nm_pool_run(nm_pool *pool, nm_pool_work work, void *context) {
    work(context, 0, pool);
}
void nm_pool_wait(nm_pool *pool) {
    (void)pool;
}
int64_t nm_pool_process(void) {
    return 0;
}

#endif
