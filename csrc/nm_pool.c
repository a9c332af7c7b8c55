/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "nm_pool.h"

#if NM_HAS_THREADS

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

/* A wait spins for about 10 us (a pause takes 140 cycles), longer than the threads of a step usually differ
 * by; then it yields its core, and after some 50 us sleeps: where there are more threads than free cores, the
 * one that is waited for gets to run at once (a yield alone left it waiting for a tick of the scheduler, a
 * millisecond or more). */
enum { SPINS = 200, YIELDS = 50, NAP_NS = 20000 };

struct nm_pool {
    int n_threads; /* with the caller's */
    pthread_t thread[NM_MAX_THREADS];
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    uint64_t round;  /* of work; guarded by the mutex */
    int stop, taken; /* likewise; `taken`: threads that have got their number */
    nm_pool_work work;
    void *context;
    atomic_int running; /* threads besides the caller's that have not finished this round */
    atomic_int arrived;
    atomic_uint turn; /* of the barrier */
};

static void relax(int spins) {
    const struct timespec nap = {.tv_nsec = NAP_NS};
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
    if (spins > SPINS + YIELDS)
        nanosleep(&nap, NULL);
    else if (spins > SPINS)
        sched_yield();
}

void nm_pool_wait(nm_pool *pool) {
    const unsigned turn = atomic_load_explicit(&pool->turn, memory_order_acquire);
    if (atomic_fetch_add_explicit(&pool->arrived, 1, memory_order_acq_rel) + 1 == pool->n_threads) {
        atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
        atomic_fetch_add_explicit(&pool->turn, 1, memory_order_acq_rel);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&pool->turn, memory_order_acquire) == turn; spins++)
        relax(spins);
}

static void *serve(void *argument) {
    nm_pool *pool = argument;
    uint64_t served = 0;
    pthread_mutex_lock(&pool->mutex);
    const int number = ++pool->taken;
    for (;;) {
        while (pool->round == served && !pool->stop)
            pthread_cond_wait(&pool->wake, &pool->mutex);
        if (pool->stop)
            break;
        served = pool->round;
        pthread_mutex_unlock(&pool->mutex);
        pool->work(pool->context, number, pool);
        atomic_fetch_sub_explicit(&pool->running, 1, memory_order_acq_rel);
        pthread_mutex_lock(&pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

size_t nm_pool_bytes(void) {
    return sizeof(nm_pool);
}

int nm_pool_start(nm_pool *pool, int n_threads) {
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->n_threads = 1;
    while (pool->n_threads < n_threads && pool->n_threads < NM_MAX_THREADS &&
           pthread_create(&pool->thread[pool->n_threads], NULL, serve, pool) == 0)
        pool->n_threads++;
    return pool->n_threads;
}

void nm_pool_stop(nm_pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    pool->stop = 1;
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
    pool->round++;
    atomic_store_explicit(&pool->running, pool->n_threads - 1, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    work(context, 0, pool);
    for (int spins = 0; atomic_load_explicit(&pool->running, memory_order_acquire) > 0; spins++)
        relax(spins);
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

#endif
