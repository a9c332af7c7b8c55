/* A pool of POSIX threads that sleep between runs. OpenMP is not used, since its threads do not survive a
 * fork. The pool decides which thread does which work. Results do not depend on the pool, since the network
 * alone decides how work is cut into partitions. On systems without POSIX threads the pool has one thread.
 * SPDX-License-Identifier: MIT */
#ifndef NM_POOL_H
#define NM_POOL_H

#include <stddef.h>
#include <stdint.h>

#if defined(__unix__) || defined(__APPLE__)
#define NM_HAS_THREADS 1
#else
#define NM_HAS_THREADS 0
#endif

enum { NM_MAX_THREADS = 256 };

typedef struct nm_pool nm_pool;
typedef void (*nm_pool_work)(void *context, int thread, nm_pool *pool);

/* Size of a pool in bytes. Python lends the memory, zeroed, and keeps it until nm_pool_stop. */
size_t nm_pool_bytes(void);
/* Start n_threads - 1 threads; the caller's thread is the first of the pool. Returns the size of the pool,
 * which is smaller than n_threads where the system grants no more threads. */
int nm_pool_start(nm_pool *pool, int n_threads);
void nm_pool_stop(nm_pool *pool);
int nm_pool_threads(const nm_pool *pool);
/* The number of this process; 0 where there is no fork. A child has no threads of its parent's pools. */
int64_t nm_pool_process(void);

/* Call work(context, thread, pool) on every thread of the pool; thread 0 is the caller's. Returns when all
 * calls have returned. */
void nm_pool_run(nm_pool *pool, nm_pool_work work, void *context);
/* Barrier, within `work`. A waiting thread spins for some microseconds, then yields its core, since
 * another process may occupy the core of a thread that is late, then sleeps. */
void nm_pool_wait(nm_pool *pool);

#endif
