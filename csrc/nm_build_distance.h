/* Connection by distance: cell lists of the targets, and laws of the probability. The cost is per pair within the
 * radius, not per pair. Draws are keyed by (seed, stream, id of the source, id of the target).
 * SPDX-License-Identifier: MIT */
#ifndef NM_BUILD_DISTANCE_H
#define NM_BUILD_DISTANCE_H

#include "nm_build.h"

enum { NM_MAX_AXES = 4 };

/* How the probability falls with the distance d. */
enum {
    NM_LAW_CONSTANT,   /* p_center */
    NM_LAW_GAUSSIAN,   /* p_center exp(-d^2 / (2 scale^2)) */
    NM_LAW_EXPONENTIAL /* p_center exp(-d / scale) */
};

typedef struct nm_law {
    int64_t kind;
    double p_center, scale;
    double inner, radius; /* only pairs with inner <= d <= radius are connected */
} nm_law;

/* The targets, sorted by the cell of a grid that they lie in. On a wrapped axis all positions lie in
 * [corner, corner + period], and the cells cover the period. */
typedef struct nm_cells {
    int64_t n_axes;
    const double *pre_position;  /* [axis * n_pre + source] */
    const double *post_position; /* [axis * n_post + k], in the order of the cells */
    const int32_t *post;         /* [k] slots, in the order of the cells */
    const double *period;        /* [axis]; 0: not wrapped */
    const double *corner;        /* [axis] least coordinate of the grid */
    const double *width;         /* [axis] of a cell */
    const int64_t *count;        /* [axis] number of cells */
    const int64_t *start;        /* [cell] first k; one entry more than there are cells; the last axis is the
                                    fastest */
    double reach;                /* the radius and the rounding of positions */
} nm_cells;

/* Connect the sources build->pre[*source ..]. Writes pairs of slots, the sources ascending, the targets of a source
 * in the order of the cells. Stops before a source that might not fit into `room`, which must be n_post or more; *source
 * is then the next one. Returns the number of pairs. */
int64_t nm_build_near(const nm_build *build, const nm_cells *cells, const nm_law *law, int64_t *source,
                      int64_t room, int32_t *pre, int32_t *post);

#endif
