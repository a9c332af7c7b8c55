/* Threads of our own, asleep between runs; no OpenMP, whose threads do not survive a fork. The pool says who
 * works, never what comes out: work is cut into parts by the network alone. POSIX threads; without them, one
 * thread.
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

/* Bytes that a pool needs; Python lends them, zeroed, and keeps them until nm_pool_stop. */
size_t nm_pool_bytes(void);
/* Make n_threads - 1 threads, the caller's own being the first. How many there are in the end: fewer where
 * the system grants no more. */
int nm_pool_start(nm_pool *pool, int n_threads);
void nm_pool_stop(nm_pool *pool);
int nm_pool_threads(const nm_pool *pool);

/* work(context, thread, pool) on every thread of the pool, 0 the caller's; back when all are done. */
void nm_pool_run(nm_pool *pool, nm_pool_work work, void *context);
/* Within `work`: wait until every thread has come here. Spins for some microseconds, then yields the core,
 * since another process may be holding the one that is waited for, then sleeps. */
void nm_pool_wait(nm_pool *pool);

#endif
