/* Current sources: external currents that are functions of time, or random, added to chosen neurons in every step.
 * Times are in steps, as real numbers: step k lasts from k - 1 to k. What a source adds in a step is the mean of its
 * current over the step, so that the charge does not depend on dt; of an Ornstein-Uhlenbeck process, whose state is
 * exact at any dt, it is the value at the start of the step.
 * SPDX-License-Identifier: MIT */
#ifndef NM_CURRENT_H
#define NM_CURRENT_H

#include "nm_network.h"

typedef enum nm_current_kind {
    NM_CURRENT_LINES, /* straight segments: steps and ramps */
    NM_CURRENT_SINE,  /* offset + amplitude sin(2 pi (frequency t + phase)) */
    NM_CURRENT_OU     /* Ornstein-Uhlenbeck process, one for each neuron */
} nm_current_kind;

typedef struct nm_current {
    int64_t kind;
    int64_t n;
    const int32_t *slot;  /* [n] ascending */
    const double *factor; /* [n] of the current, for each neuron */
    double start, stop;   /* steps: the current is 0 outside */
    /* LINES: from begin[k] on value[k] + slope[k] (t - begin[k]), up to begin[k + 1] or `stop` */
    const double *begin, *value, *slope; /* [n_lines] steps; unit of the current; unit per step */
    int64_t n_lines;
    double amplitude, offset, frequency, phase; /* SINE; turns per step, turns */
    double mean, sd, tau;                       /* OU; tau in steps */
    double *state;                              /* [n] OU: the value in the last step, NaN before the first */
    uint32_t number;                            /* salt of its random words */
} nm_current;

/* Mean of a source's current over step `now`, without the neurons' factors; of an OU process its mean. */
double nm_current_mean(const nm_current *current, int64_t now);

/* Whether one of the sources adds to a neuron of the block in step `now`. */
int nm_current_reaches(const nm_current *currents, int64_t n_currents, const nm_block *block, int64_t now);

/* Add the sources' currents in step `now` to current[0 .. block->n - 1]; advances the states of OU processes of the
 * block's neurons. Must be called once for each step in which nm_current_reaches. */
void nm_current_add(const nm_current *currents, int64_t n_currents, const nm_network *network,
                    const nm_block *block, uint64_t seed, int64_t now, double *current);

#endif
