/* Joined rows of a lazy rule: making them, taking them apart, and the look at one member.
 * SPDX-License-Identifier: MIT */
#include "nm_lazy_join.h"

#include <string.h>

static int64_t size_of(const nm_projection *p, int64_t delay_run) {
    return p->run_start[delay_run + 1] - p->run_start[delay_run];
}

/* The delay run of a member in one row and partition; -1: it has none there. */
static int64_t own_run(const nm_lazy_join *join, int64_t member, int64_t row, int64_t partition) {
    const nm_projection *p = &join->own[member];
    return nm_has_bucket(join->network, p, partition) ? nm_bucket(join->network, p, row, partition) : -1;
}

void nm_lazy_join_span(const nm_network *network, const nm_projection *p, int64_t *first, int64_t *end) {
    int64_t least = network->n_neurons, most = -1;
    for (int64_t run = 0; run < nm_all_buckets(network, p); run++) {
        if (size_of(p, run) == 0)
            continue;
        const int64_t base = nm_network_partition_first(network, nm_partition_of(network, p, run));
        const int64_t low = base + p->target[p->run_start[run]],
                      high = base + p->target[p->run_start[run + 1] - 1];
        least = low < least ? low : least;
        most = high > most ? high : most;
    }
    *first = most < 0 ? 0 : least;
    *end = most + 1;
}

void nm_lazy_join_measure(const nm_lazy_join *join, int64_t *run_start) {
    const nm_projection *rows = join->rows;
    int64_t synapse = 0, run = 0;
    for (int64_t row = 0; row < rows->n_rows; row++)
        for (int64_t part = rows->before; part < join->network->n_partitions - rows->behind; part++, run++) {
            run_start[run] = synapse;
            for (int64_t m = 0; m < join->n; m++) {
                const int64_t own = own_run(join, m, row, part);
                synapse += own < 0 ? 0 : size_of(&join->own[m], own);
            }
        }
    run_start[run] = synapse;
}

static size_t visit_bytes(const nm_lazy_join *join) {
    return (size_t)(1 + join->n_traces) * sizeof(nm_visit);
}

static nm_visit *own_visit(const nm_lazy_join *join, int64_t member, int64_t run) {
    return join->visits[member] + run * (1 + join->n_traces);
}

static void copy_floats(float *to, const float *from, int64_t n) {
    memcpy(to, from, (size_t)n * sizeof *to);
}

/* The columns of one run of a member, into the joined rows from synapse `at` on, or back. */
static void copy_run(const nm_lazy_join *join, int64_t member, int64_t run, int64_t at, int back) {
    const nm_projection *p = &join->own[member];
    nm_projection *rows = join->rows;
    const int64_t first = p->run_start[run], n = size_of(p, run);
    uint16_t *own_target = (uint16_t *)p->target + first, *target = (uint16_t *)rows->target + at;
    copy_floats(back ? p->weight + first : rows->weight + at, back ? rows->weight + at : p->weight + first,
                n);
    if (rows->state[0] != NULL)
        copy_floats(back ? p->state[0] + first : rows->state[0] + at,
                    back ? rows->state[0] + at : p->state[0] + first, n);
    memcpy(back ? own_target : target, back ? target : own_target, (size_t)n * sizeof *target);
}

/* Join or part one row in one partition. Where a member has no target arrivals are not noted, so that its last update
 * says nothing. */
static int take_bucket(const nm_lazy_join *join, int64_t row, int64_t part, int back) {
    const int64_t run = nm_bucket(join->network, join->rows, row, part);
    nm_visit *visit = join->rows_visits + run * (1 + join->n_traces);
    int64_t at = join->rows->run_start[run];
    int known = 0, equal = 1;
    for (int64_t m = 0; m < join->n; m++) {
        const int64_t own = own_run(join, m, row, part);
        if (own < 0)
            continue;
        nm_visit *its = own_visit(join, m, own);
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
        for (int64_t part = rows->before; part < join->network->n_partitions - rows->behind; part++)
            equal &= take_bucket(join, row, part, back);
    return equal;
}

int nm_lazy_join_fill(const nm_lazy_join *join, int64_t first, int64_t last) {
    return take_rows(join, first, last, 0);
}

void nm_lazy_join_part(const nm_lazy_join *join, int64_t first, int64_t last) {
    take_rows(join, first, last, 1);
}

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

void nm_lazy_join_targets(const nm_lazy_join *join, int64_t member, uint16_t *target) {
    const nm_projection *rows = join->rows, *p = &join->own[member];
    for (int64_t run = 0; run < nm_all_buckets(join->network, p); run++) {
        const int64_t part = nm_partition_of(join->network, p, run),
                      joined = nm_bucket(join->network, rows, nm_row_of(join->network, p, run), part);
        const int64_t base = nm_network_partition_first(join->network, part),
                      end = rows->members->end[member] - base;
        const int64_t first = synapse_from(rows, joined, end) - size_of(p, run);
        memcpy(target + p->run_start[run], rows->target + first, (size_t)size_of(p, run) * sizeof *target);
    }
}

int64_t nm_lazy_join_read(const nm_lazy_step *step, int64_t member, int64_t first, int64_t last,
                          float *weight, float *eligibility) {
    const nm_projection *p = step->projection;
    const nm_members *members = p->members;
    int64_t n = 0;
    for (int64_t run = first; run < last; run++) {
        const int64_t base =
            nm_network_partition_first(step->network, nm_partition_of(step->network, p, run));
        const int64_t low = member == 0 ? p->run_start[run]
                                        : synapse_from(p, run, members->end[member - 1] - base),
                      high = synapse_from(p, run, members->end[member] - base);
        if (low == high)
            continue;
        nm_lazy_read_run(step, run, run, low, high, weight + n, eligibility == NULL ? NULL : eligibility + n);
        n += high - low;
    }
    return n;
}
