/* Recorders write into arrays that Python lends. If an array has no room for a step, the run stops before
 * that step with NM_STOP_RECORD_FULL; Python lends a new array and continues the run.
 * SPDX-License-Identifier: MIT */
#ifndef NM_RECORD_H
#define NM_RECORD_H

#include <stddef.h>
#include <stdint.h>

typedef struct nm_spike_record {
    const uint8_t *wanted; /* [slot]; NULL: all */
    int64_t *step;         /* [capacity] number of the step (1: the first) */
    int64_t *id;           /* [capacity] */
    int64_t capacity, n;
} nm_spike_record;

typedef struct nm_sample_record {
    const void *column;
    int64_t is_float32;   /* 1: the column holds floats; */
    int64_t is_int64;     /* 1: whole numbers; else doubles */
    const int64_t *index; /* [width] entries of the column; < 0: an entry that is gone, recorded as NaN */
    int64_t width;
    int64_t every; /* steps; sampled after steps every, 2 every, ... */
    int64_t *step; /* [capacity] */
    double *value; /* [capacity * width] */
    int64_t capacity, n;
} nm_sample_record;

/* The number of further steps with room, if all n_neurons fire in each. An array that is more than half
 * full counts as full: else the intervals of a run would become ever shorter towards the array's end. */
int64_t nm_record_room(const nm_spike_record *record, int64_t n_neurons);
/* The number of steps from `now` up to and including the next sample; 0: there is no room for the sample. */
int64_t nm_record_until(const nm_sample_record *record, int64_t now);
void nm_record_spikes(nm_spike_record *record, int64_t step, const int32_t *slot, int64_t n,
                      const int64_t *id);
void nm_record_sample(nm_sample_record *record, int64_t step);

#endif
