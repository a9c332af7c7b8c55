/* SPDX-License-Identifier: MIT */
#include "nm_replicas.h"

typedef struct work {
    nm_replica *replicas;
    int64_t n;
} work;

static void run_share(void *context, int thread, nm_pool *pool) {
    const work *w = context;
    for (int64_t k = thread; k < w->n; k += pool == NULL ? 1 : nm_pool_threads(pool)) {
        nm_replica *replica = &w->replicas[k];
        int64_t done = 0;
        if (replica->status != NM_OK || replica->left == 0)
            continue;
        replica->status = nm_sim_run(replica->sim, replica->left, NULL, &done, &replica->error);
        replica->left -= done;
    }
}

void nm_replicas_run(nm_replica *replicas, int64_t n, nm_pool *pool) {
    work w = {replicas, n};
    if (pool == NULL || nm_pool_threads(pool) == 1)
        run_share(&w, 0, NULL);
    else
        nm_pool_run(pool, run_share, &w);
}
