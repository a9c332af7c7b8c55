/* SPDX-License-Identifier: MIT */
#include "nm_join.h"

#include <string.h>

/* The bucket of a member for a source of the table; -1: the member has no such row. */
static int64_t bucket_of(const nm_join *join, const nm_projection *p, int64_t bucket) {
    const int64_t row = join->first + bucket / join->n_partitions - p->pre_first;
    return row < 0 || row >= p->n_rows ? -1 : row * join->n_partitions + bucket % join->n_partitions;
}

/* Add the synapses of a bucket to scratch [delay]; low and high: the least and the greatest delay so far. */
static void count_bucket(const nm_join *join, int64_t bucket, int64_t *low, int64_t *high) {
    *low = NM_JOIN_DELAYS, *high = -1;
    for (int64_t m = 0; m < join->n_members; m++) {
        const nm_projection *p = &join->members[m];
        const int64_t own = bucket_of(join, p, bucket);
        for (int64_t k = own < 0 ? 0 : nm_first_run(p, own); own >= 0 && k < nm_first_run(p, own + 1); k++) {
            const int64_t delay = nm_delay_of(p, k), n = p->run_start[k + 1] - p->run_start[k];
            if (n == 0)
                continue;
            join->scratch[delay] += n;
            *low = delay < *low ? delay : *low;
            *high = delay > *high ? delay : *high;
        }
    }
}

void nm_join_measure(const nm_join *join, int64_t *bucket_run) {
    int64_t n_runs = 0, low, high;
    for (int64_t bucket = 0; bucket < join->n_rows * join->n_partitions; bucket++) {
        bucket_run[bucket] = n_runs;
        count_bucket(join, bucket, &low, &high);
        for (int64_t delay = low; delay <= high; delay++) {
            n_runs += join->scratch[delay] > 0;
            join->scratch[delay] = 0;
        }
    }
    bucket_run[join->n_rows * join->n_partitions] = n_runs;
}

/* Copy the synapses of a bucket; scratch [delay] holds the position of the next synapse of that delay. */
static void copy_bucket(const nm_join *join, int64_t bucket, uint16_t *target, float *weight) {
    for (int64_t m = 0; m < join->n_members; m++) {
        const nm_projection *p = &join->members[m];
        const int64_t own = bucket_of(join, p, bucket);
        for (int64_t k = own < 0 ? 0 : nm_first_run(p, own); own >= 0 && k < nm_first_run(p, own + 1); k++) {
            const int64_t first = p->run_start[k], n = p->run_start[k + 1] - first;
            if (n == 0)
                continue;
            const int64_t at = join->scratch[nm_delay_of(p, k)];
            join->scratch[nm_delay_of(p, k)] += n;
            memcpy(target + at, p->target + first, (size_t)n * sizeof *target);
            for (int64_t s = 0; weight != NULL && s < n; s++)
                weight[at + s] = p->weight == NULL ? (float)p->constant_weight : p->weight[first + s];
        }
    }
}

void nm_join_fill(const nm_join *join, const int64_t *bucket_run, int64_t *run_start, uint16_t *run_delay,
                  uint16_t *target, float *weight) {
    int64_t n = 0, low, high;
    for (int64_t bucket = 0; bucket < join->n_rows * join->n_partitions; bucket++) {
        int64_t delay_run = bucket_run[bucket];
        count_bucket(join, bucket, &low, &high);
        for (int64_t delay = low; delay <= high; delay++) {
            const int64_t here = join->scratch[delay];
            if (here == 0)
                continue;
            run_start[delay_run] = join->scratch[delay] = n;
            run_delay[delay_run++] = (uint16_t)delay;
            n += here;
        }
        copy_bucket(join, bucket, target, weight);
        for (int64_t delay = low; delay <= high; delay++)
            join->scratch[delay] = 0;
    }
    run_start[bucket_run[join->n_rows * join->n_partitions]] = n;
}

void nm_join_targets(const nm_projection *p, int64_t n_partitions, int64_t partition_width,
                     uint8_t *targets) {
    for (int64_t bucket = 0; bucket < p->n_rows * n_partitions; bucket++) {
        uint8_t *here = targets + bucket % n_partitions * partition_width;
        for (int64_t s = p->run_start[nm_first_run(p, bucket)]; s < p->run_start[nm_first_run(p, bucket + 1)];
             s++)
            here[p->target[s]] = 1;
    }
}

int64_t nm_join_positions(const nm_projection *table, int64_t n_partitions, int64_t partition_width,
                          const uint8_t *sources, const uint8_t *targets, int64_t *position) {
    int64_t n = 0;
    for (int64_t bucket = 0; bucket < table->n_rows * n_partitions; bucket++) {
        if (!sources[bucket / n_partitions])
            continue;
        const uint8_t *here = targets + bucket % n_partitions * partition_width;
        const int64_t last = table->run_start[nm_first_run(table, bucket + 1)];
        for (int64_t s = table->run_start[nm_first_run(table, bucket)]; s < last; s++) {
            if (position != NULL && here[table->target[s]])
                position[n] = s;
            n += here[table->target[s]];
        }
    }
    return n;
}
