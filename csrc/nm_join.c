/* SPDX-License-Identifier: MIT */
#include "nm_join.h"

int64_t nm_join_buckets(const nm_join *join) {
    return (join->n_partitions + join->parts - 1) / join->parts;
}

/* The delay runs of a member for one row of the table and the partitions of one bucket: `first` .. `end` - 1. */
typedef struct runs {
    int64_t first, end;
} runs;

static runs runs_of(const nm_join *join, const nm_projection *p, int64_t row, int64_t low, int64_t high) {
    const int64_t own = join->first + row - p->pre_first;
    if (own < 0 || own >= p->n_rows)
        return (runs){0, 0};
    return (runs){nm_first_run(p, own * join->n_partitions + low),
                  nm_first_run(p, own * join->n_partitions + high)};
}

static int64_t lesser(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Add the synapses of a bucket to scratch [delay]; low and high: the least and the greatest delay so far. */
static void count_bucket(const nm_join *join, int64_t bucket, int64_t *low, int64_t *high) {
    const int64_t row = bucket / nm_join_buckets(join), part = bucket % nm_join_buckets(join) * join->parts;
    *low = NM_JOIN_DELAYS, *high = -1;
    for (int64_t m = 0; m < join->n_members; m++) {
        const nm_projection *p = &join->members[m];
        const runs own = runs_of(join, p, row, part, lesser(part + join->parts, join->n_partitions));
        for (int64_t k = own.first; k < own.end; k++) {
            const int64_t delay = nm_delay_of(p, k), n = p->run_start[k + 1] - p->run_start[k];
            if (n == 0)
                continue;
            join->scratch[delay] += n;
            *low = delay < *low ? delay : *low;
            *high = delay > *high ? delay : *high;
        }
    }
}

void nm_join_measure(const nm_join *join, int64_t n_runs, int64_t *bucket_run) {
    int64_t low, high;
    const int64_t n_buckets = join->n_rows * nm_join_buckets(join);
    for (int64_t bucket = 0; bucket < n_buckets; bucket++) {
        bucket_run[bucket] = n_runs;
        count_bucket(join, bucket, &low, &high);
        for (int64_t delay = low; delay <= high; delay++) {
            n_runs += join->scratch[delay] > 0;
            join->scratch[delay] = 0;
        }
    }
    bucket_run[n_buckets] = n_runs;
}

/* Copy the synapses of a member in some delay runs; scratch [delay] holds the position of the next synapse of that
 * delay. `offset`: of their partition within the bucket, slots. */
static void copy_runs(const nm_join *join, const nm_projection *p, runs own, int64_t offset, uint16_t *target,
                      float *weight) {
    for (int64_t k = own.first; k < own.end; k++) {
        const int64_t first = p->run_start[k], n = p->run_start[k + 1] - first;
        if (n == 0)
            continue;
        const int64_t at = join->scratch[nm_delay_of(p, k)];
        join->scratch[nm_delay_of(p, k)] += n;
        for (int64_t s = 0; s < n; s++)
            target[at + s] = (uint16_t)(p->target[first + s] + offset);
        for (int64_t s = 0; weight != NULL && s < n; s++)
            weight[at + s] = p->weight == NULL ? (float)p->constant_weight : p->weight[first + s];
    }
}

static void copy_bucket(const nm_join *join, int64_t bucket, uint16_t *target, float *weight) {
    const int64_t row = bucket / nm_join_buckets(join), part = bucket % nm_join_buckets(join) * join->parts;
    const int64_t end = lesser(part + join->parts, join->n_partitions);
    for (int64_t partition = part; partition < end; partition++)
        for (int64_t m = 0; m < join->n_members; m++) {
            const nm_projection *p = &join->members[m];
            copy_runs(join, p, runs_of(join, p, row, partition, partition + 1),
                      (partition - part) * join->partition_width, target, weight);
        }
}

int64_t nm_join_fill(const nm_join *join, int64_t n, const int64_t *bucket_run, int64_t *run_start,
                     uint16_t *run_delay, uint16_t *target, float *weight) {
    const int64_t n_buckets = join->n_rows * nm_join_buckets(join);
    int64_t low, high;
    for (int64_t bucket = 0; bucket < n_buckets; bucket++) {
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
    run_start[bucket_run[n_buckets]] = n;
    return n;
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

/* The first synapse of a delay run, from `first` on, whose target is not below `slot`. */
static int64_t from_partition(const nm_projection *table, int64_t first, int64_t last, int64_t slot) {
    while (first < last) {
        const int64_t middle = first + (last - first) / 2;
        if (table->target[middle] < slot)
            first = middle + 1;
        else
            last = middle;
    }
    return first;
}

/* The synapses of one delay run onto one partition; returns the number found so far. `targets`: of the partition;
 * `offset`: its place within the bucket, slots. */
static int64_t find_in_run(const nm_projection *table, int64_t delay_run, int64_t offset, int64_t width,
                           const uint8_t *targets, const nm_join_found *found, int64_t n) {
    const int64_t end = table->run_start[delay_run + 1];
    const int64_t first = from_partition(table, table->run_start[delay_run], end, offset);
    const int64_t delay = nm_delay_of(table, delay_run);
    for (int64_t s = first; s < end && table->target[s] < offset + width; s++) {
        const int64_t target = table->target[s] - offset;
        if (!targets[target])
            continue;
        if (found->position != NULL)
            found->position[n] = s;
        if (found->target != NULL)
            found->target[n] = (uint16_t)target;
        if (found->delay != NULL)
            found->delay[n] = (uint16_t)delay;
        if (found->weight != NULL)
            found->weight[n] = table->weight[s];
        n++;
    }
    return n;
}

int64_t nm_join_find(const nm_projection *table, int64_t n_partitions, int64_t partition_width,
                     const uint8_t *sources, const uint8_t *targets, const nm_join_found *found) {
    const int64_t parts = nm_parts(table), buckets = (n_partitions + parts - 1) / parts;
    int64_t n = 0;
    for (int64_t row = 0; row < table->n_rows; row++)
        for (int64_t partition = 0; sources[row] && partition < n_partitions; partition++) {
            const int64_t bucket = row * buckets + partition / parts, before = n;
            for (int64_t k = nm_first_run(table, bucket); k < nm_first_run(table, bucket + 1); k++)
                n = find_in_run(table, k, partition % parts * partition_width, partition_width,
                                targets + partition * partition_width, found, n);
            if (found->bucket != NULL)
                found->bucket[row * n_partitions + partition] = n - before;
        }
    return n;
}
