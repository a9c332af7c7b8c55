/* Joined rows of a lazy rule: making them, taking them apart, and the look at one member.
 * SPDX-License-Identifier: MIT */
#include "nm_lazy_join.h"

#include <string.h>

static int64_t size_of(const nm_projection *p, int64_t delay_run) {
    return p->run_start[delay_run + 1] - p->run_start[delay_run];
}

void nm_lazy_join_span(const nm_network *network, const nm_projection *p, int64_t *first, int64_t *end) {
    int64_t least = network->n_neurons, most = -1;
    for (int64_t bucket = 0; bucket < nm_all_buckets(network, p); bucket++) {
        const int64_t base = nm_network_partition_first(network, nm_partition_of(network, p, bucket));
        for (int64_t run = nm_first_run(p, bucket); run < nm_first_run(p, bucket + 1); run++) {
            if (size_of(p, run) == 0)
                continue;
            const int64_t low = base + p->target[p->run_start[run]],
                          high = base + p->target[p->run_start[run + 1] - 1];
            least = low < least ? low : least;
            most = high > most ? high : most;
        }
    }
    *first = most < 0 ? 0 : least;
    *end = most + 1;
}

/* ---- the runs of one row and partition, by delay --------------------------------------------------- */

static void begin_bucket(const nm_lazy_join *join, int64_t row, int64_t part) {
    for (int64_t m = 0; m < join->n; m++) {
        const nm_projection *p = &join->own[m];
        const int there = nm_has_bucket(join->network, p, part);
        const int64_t bucket = there ? nm_bucket(join->network, p, row, part) : 0;
        join->next[m] = there ? nm_first_run(p, bucket) : 0;
        join->end[m] = there ? nm_first_run(p, bucket + 1) : 0;
    }
}

/* The delay of the next joined run; 0: there are no more. */
static int64_t next_delay(const nm_lazy_join *join) {
    int64_t least = 0;
    for (int64_t m = 0; m < join->n; m++) {
        if (join->next[m] == join->end[m])
            continue;
        const int64_t delay = nm_delay_of(&join->own[m], join->next[m]);
        least = least == 0 || delay < least ? delay : least;
    }
    return least;
}

/* The run of a member that belongs to the joined run of a delay, which is gone past; -1: it has none. */
static int64_t take_run(const nm_lazy_join *join, int64_t member, int64_t delay) {
    if (join->next[member] == join->end[member] ||
        nm_delay_of(&join->own[member], join->next[member]) != delay)
        return -1;
    return join->next[member]++;
}

static int64_t last_part(const nm_lazy_join *join) {
    return join->network->n_partitions - join->rows->behind;
}

/* ---- making --------------------------------------------------------------------------------------- */

void nm_lazy_join_count(const nm_lazy_join *join, int64_t *bucket_run) {
    const nm_projection *rows = join->rows;
    int64_t run = 0, bucket = 0;
    for (int64_t row = 0; row < rows->n_rows; row++)
        for (int64_t part = rows->before; part < last_part(join); part++) {
            bucket_run[bucket++] = run;
            begin_bucket(join, row, part);
            for (int64_t delay; (delay = next_delay(join)) > 0; run++)
                for (int64_t m = 0; m < join->n; m++)
                    take_run(join, m, delay);
        }
    bucket_run[bucket] = run;
}

/* Synapses of the members in the joined run of a delay. */
static int64_t take_size(const nm_lazy_join *join, int64_t delay) {
    int64_t n = 0;
    for (int64_t m = 0; m < join->n; m++) {
        const int64_t own = take_run(join, m, delay);
        n += own < 0 ? 0 : size_of(&join->own[m], own);
    }
    return n;
}

void nm_lazy_join_measure(const nm_lazy_join *join, int64_t *run_start, uint16_t *run_delay) {
    const nm_projection *rows = join->rows;
    int64_t synapse = 0, run = 0;
    for (int64_t row = 0; row < rows->n_rows; row++)
        for (int64_t part = rows->before; part < last_part(join); part++) {
            const int64_t bucket = nm_bucket(join->network, rows, row, part);
            begin_bucket(join, row, part);
            for (; run < nm_first_run(rows, bucket + 1); run++) {
                const int64_t delay = rows->bucket_run == NULL ? rows->constant_delay : next_delay(join);
                run_start[run] = synapse;
                synapse += take_size(join, delay);
                if (run_delay != NULL)
                    run_delay[run] = (uint16_t)delay;
            }
        }
    run_start[run] = synapse;
}

static size_t visit_bytes(const nm_lazy_join *join) {
    return (size_t)(1 + join->n_traces) * sizeof(nm_visit);
}

static void copy_floats(float *own, float *joined, int64_t n, int back) {
    memcpy(back ? own : joined, back ? joined : own, (size_t)n * sizeof *own);
}

/* The columns of one run of a member, into the joined rows from synapse `at` on, or back. */
static void copy_run(const nm_lazy_join *join, int64_t member, int64_t run, int64_t at, int back) {
    const nm_projection *p = &join->own[member], *rows = join->rows;
    const int64_t first = p->run_start[run], n = size_of(p, run);
    if (back)
        memcpy(join->targets[member] + first, rows->target + at, (size_t)n * sizeof *rows->target);
    else
        memcpy(join->rows_target + at, p->target + first, (size_t)n * sizeof *p->target);
    copy_floats(p->weight + first, rows->weight + at, n, back);
    if (rows->state[0] != NULL)
        copy_floats(p->state[0] + first, rows->state[0] + at, n, back);
}

/* Join or part one run. Where a member has no target arrivals are not noted, so that its last update says nothing. */
static int take(const nm_lazy_join *join, int64_t part, int64_t run, int back) {
    nm_visit *visit = join->rows_visits + run * (1 + join->n_traces);
    int64_t at = join->rows->run_start[run];
    int known = 0, equal = 1;
    for (int64_t m = 0; m < join->n; m++) {
        const int64_t own = take_run(join, m, nm_delay_of(join->rows, run));
        if (own < 0)
            continue;
        nm_visit *its = join->visits[m] + own * (1 + join->n_traces);
        const int reached = join->own[m].reached[part];
        copy_run(join, m, own, at, back);
        at += size_of(&join->own[m], own);
        if (back) {
            memcpy(its, visit, visit_bytes(join));
            for (int64_t k = 0; k < join->n_traces && !reached; k++)
                its[1 + k].trace = 0.0;
        } else if (reached && known) {
            equal &= memcmp(its, visit, visit_bytes(join)) == 0;
        } else if (reached || !known) {
            memcpy(visit, its, visit_bytes(join));
            known = reached;
        }
    }
    return equal;
}

static int take_rows(const nm_lazy_join *join, int64_t first, int64_t last, int back) {
    const nm_projection *rows = join->rows;
    int equal = 1;
    for (int64_t row = first; row < last && equal; row++)
        for (int64_t part = rows->before; part < last_part(join); part++) {
            const int64_t bucket = nm_bucket(join->network, rows, row, part);
            begin_bucket(join, row, part);
            for (int64_t run = nm_first_run(rows, bucket); run < nm_first_run(rows, bucket + 1); run++)
                equal &= take(join, part, run, back);
        }
    return equal;
}

int nm_lazy_join_fill(const nm_lazy_join *join, int64_t first, int64_t last) {
    return take_rows(join, first, last, 0);
}

void nm_lazy_join_part(const nm_lazy_join *join, int64_t first, int64_t last) {
    take_rows(join, first, last, 1);
}

/* ---- one member ----------------------------------------------------------------------------------- */

/* The first synapse of a run whose target lies at or behind a slot of its partition. */
static int64_t synapse_from(const nm_projection *p, int64_t delay_run, int64_t target) {
    int64_t low = p->run_start[delay_run], high = p->run_start[delay_run + 1];
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (p->target[middle] < target)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The stretch of a joined run that is a member's. */
static void find_member(const nm_projection *rows, int64_t member, int64_t base, int64_t run, int64_t *first,
                        int64_t *end) {
    const int64_t *ends = rows->members->end;
    *first = member == 0 ? rows->run_start[run] : synapse_from(rows, run, ends[member - 1] - base);
    *end = synapse_from(rows, run, ends[member] - base);
}

void nm_lazy_join_targets(const nm_lazy_join *join, int64_t member, uint16_t *target) {
    const nm_projection *rows = join->rows;
    int64_t n = 0, first, end;
    for (int64_t bucket = 0; bucket < nm_all_buckets(join->network, rows); bucket++) {
        const int64_t base =
            nm_network_partition_first(join->network, nm_partition_of(join->network, rows, bucket));
        for (int64_t run = nm_first_run(rows, bucket); run < nm_first_run(rows, bucket + 1); run++) {
            find_member(rows, member, base, run, &first, &end);
            memcpy(target + n, rows->target + first, (size_t)(end - first) * sizeof *target);
            n += end - first;
        }
    }
}

int64_t nm_lazy_join_read(const nm_lazy_step *step, int64_t member, int64_t first, int64_t last,
                          float *weight, float *eligibility) {
    const nm_projection *p = step->projection;
    int64_t n = 0, low, high;
    for (int64_t bucket = first; bucket < last; bucket++) {
        const int64_t base =
            nm_network_partition_first(step->network, nm_partition_of(step->network, p, bucket));
        for (int64_t run = nm_first_run(p, bucket); run < nm_first_run(p, bucket + 1); run++) {
            find_member(p, member, base, run, &low, &high);
            if (low < high)
                nm_lazy_read_run(step, bucket, run, low, high, weight + n,
                                 eligibility == NULL ? NULL : eligibility + n);
            n += high - low;
        }
    }
    return n;
}
