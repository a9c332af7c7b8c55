/* Pairs of neurons by distance. The cells within reach of a source are runs along the last axis; each run is a range of
 * the sorted targets, which is examined in batches.
 * SPDX-License-Identifier: MIT */
#include "nm_build_distance.h"
#include "nm_build_row.h"
#include "nm_math.h"
#include "nm_rng.h"

#include <math.h>

enum { BATCH = NM_BUILD_BATCH };

/* Cells first .. first + n - 1 along an axis, modulo their number where the axis is wrapped. */
typedef struct span {
    int64_t first, n;
} span;

/* The pairs written so far, and the source that is being connected. */
typedef struct near_pairs {
    const nm_build *build;
    const nm_cells *cells;
    const nm_law *law;
    int32_t slot;
    double at[NM_MAX_AXES]; /* position of the source */
    int32_t *pre, *post;
    int64_t n;
} near_pairs;

static span span_of(const nm_cells *cells, int64_t axis, double x) {
    const double width = cells->width[axis], from = x - cells->corner[axis];
    const double n_cells = (double)cells->count[axis];
    double low = floor((from - cells->reach) / width), high = floor((from + cells->reach) / width);
    if (cells->period[axis] > 0.0) {
        if (!(high - low + 1.0 < n_cells))
            return (span){.first = 0, .n = cells->count[axis]};
        return (span){.first = (int64_t)(low - n_cells * floor(low / n_cells)),
                      .n = (int64_t)(high - low) + 1};
    }
    low = low > 0.0 ? low : 0.0;
    high = high < n_cells - 1.0 ? high : n_cells - 1.0;
    return (span){.first = (int64_t)low, .n = high >= low ? (int64_t)(high - low) + 1 : 0};
}

/* Add the square of the distance along one axis. */
static void add_square(const double *restrict position, int64_t n, double at, double period,
                       double *restrict square) {
    if (period > 0.0) {
        for (int64_t k = 0; k < n; k++) {
            const double d = fabs(position[k] - at), around = period - d, least = d < around ? d : around;
            square[k] += least * least;
        }
    } else {
        for (int64_t k = 0; k < n; k++)
            square[k] += (position[k] - at) * (position[k] - at);
    }
}

static void gaussian(const double *restrict square, int64_t n, double p, double per_square,
                     double *restrict probability) {
    for (int64_t k = 0; k < n; k++)
        probability[k] = p * nm_exp(-square[k] * per_square);
}

static void exponential(const double *restrict square, int64_t n, double p, double per_distance,
                        double *restrict probability) {
    for (int64_t k = 0; k < n; k++)
        probability[k] = p * nm_exp(-sqrt(square[k]) * per_distance);
}

static void probabilities(const nm_law *law, const double *square, int64_t n, double *probability) {
    if (law->kind == NM_LAW_GAUSSIAN)
        gaussian(square, n, law->p_center, 0.5 / (law->scale * law->scale), probability);
    else if (law->kind == NM_LAW_EXPONENTIAL)
        exponential(square, n, law->p_center, 1.0 / law->scale, probability);
    else
        for (int64_t k = 0; k < n; k++)
            probability[k] = law->p_center;
}

/* Keep those of the n targets that a draw connects. target: slots. */
static void thin(near_pairs *pairs, const double *square, const int32_t *target, int64_t n) {
    double probability[BATCH];
    int64_t source_id[BATCH] = {0}, target_id[BATCH] = {0};
    uint32_t word[BATCH];
    const nm_build *build = pairs->build;
    if (n <= 0)
        return;
    probabilities(pairs->law, square, n, probability);
    for (int64_t k = 0; k < n; k++) {
        source_id[k] = build->id[pairs->slot];
        target_id[k] = build->id[target[k]];
    }
    nm_rng_each(build->seed, nm_stream(NM_STREAM_CONNECT, build->salt), source_id, target_id, (size_t)n, 1,
                word);
    for (int64_t k = 0; k < n; k++) {
        pairs->pre[pairs->n] = pairs->slot;
        pairs->post[pairs->n] = target[k];
        pairs->n += nm_uniform(word[k]) < probability[k];
    }
}

static void keep_all(near_pairs *pairs, const int32_t *target, int64_t n) {
    for (int64_t k = 0; k < n; k++) {
        pairs->pre[pairs->n + k] = pairs->slot;
        pairs->post[pairs->n + k] = target[k];
    }
    pairs->n += n;
}

/* At most BATCH sorted targets from k on. */
static void connect_batch(near_pairs *pairs, int64_t k, int64_t n) {
    const nm_build *build = pairs->build;
    const nm_cells *cells = pairs->cells;
    const nm_law *law = pairs->law;
    const double least = law->inner * law->inner, most = law->radius * law->radius;
    double square[BATCH];
    int32_t target[BATCH];
    for (int64_t i = 0; i < n; i++)
        square[i] = 0.0;
    for (int64_t axis = 0; axis < cells->n_axes; axis++)
        add_square(cells->post_position + axis * build->n_post + k, n, pairs->at[axis], cells->period[axis],
                   square);
    int64_t inside = 0;
    for (int64_t i = 0; i < n; i++) {
        const int32_t slot = cells->post[k + i];
        const double d2 = square[i];
        square[inside] = d2;
        target[inside] = slot;
        inside += (d2 >= least) & (d2 <= most) & (build->autapses | (slot != pairs->slot));
    }
    if (law->kind == NM_LAW_CONSTANT && law->p_center >= 1.0)
        keep_all(pairs, target, inside);
    else
        thin(pairs, square, target, inside);
}

/* The targets in n cells from `cell` on, which are neighbours along the last axis. */
static void connect_cells(near_pairs *pairs, int64_t cell, int64_t n) {
    const int64_t end = pairs->cells->start[cell + n];
    for (int64_t k = pairs->cells->start[cell]; k < end; k += BATCH)
        connect_batch(pairs, k, end - k < BATCH ? end - k : BATCH);
}

/* The last axis: one run of cells, or two where it goes over the edge. */
static void connect_line(near_pairs *pairs, int64_t line, span last, int64_t count) {
    const int64_t before = last.first + last.n <= count ? last.n : count - last.first;
    connect_cells(pairs, line * count + last.first, before);
    if (before < last.n)
        connect_cells(pairs, line * count, last.n - before);
}

static void connect_source(near_pairs *pairs, int64_t source) {
    const nm_cells *cells = pairs->cells;
    const int64_t last = cells->n_axes - 1;
    span within[NM_MAX_AXES];
    int64_t step[NM_MAX_AXES] = {0};
    for (int64_t axis = 0; axis < cells->n_axes; axis++) {
        pairs->at[axis] = cells->pre_position[axis * pairs->build->n_pre + source];
        within[axis] = span_of(cells, axis, pairs->at[axis]);
        if (within[axis].n == 0)
            return;
    }
    for (int64_t axis = last; axis >= 0;) { /* an odometer over all axes but the last */
        int64_t line = 0;
        for (int64_t i = 0; i < last; i++)
            line = line * cells->count[i] + (within[i].first + step[i]) % cells->count[i];
        connect_line(pairs, line, within[last], cells->count[last]);
        for (axis = last - 1; axis >= 0 && ++step[axis] == within[axis].n; axis--)
            step[axis] = 0;
    }
}

int64_t nm_build_near(const nm_build *build, const nm_cells *cells, const nm_law *law, int64_t *source,
                      int64_t room, int32_t *pre, int32_t *post) {
    near_pairs pairs = {.build = build, .cells = cells, .law = law, .pre = pre, .post = post};
    for (; *source < build->n_pre && room - pairs.n > build->n_post; ++*source) {
        pairs.slot = build->pre[*source];
        connect_source(&pairs, *source);
    }
    return pairs.n;
}
