/* SPDX-License-Identifier: MIT */
#include "nm_record.h"

#include <math.h>

int64_t nm_record_room(const nm_spike_record *record, int64_t n_neurons) {
    if (2 * record->n > record->capacity)
        return 0;
    return (record->capacity - record->n) / (n_neurons > 0 ? n_neurons : 1);
}

int64_t nm_record_until(const nm_sample_record *record, int64_t now) {
    if (record->n == record->capacity)
        return 0;
    return record->every - (now - 1) % record->every;
}

void nm_record_spikes(nm_spike_record *record, int64_t step, const int32_t *slot, int64_t n,
                      const int64_t *id) {
    int64_t at = record->n;
    for (int64_t i = 0; i < n; i++) {
        if (record->wanted != NULL && !record->wanted[slot[i]])
            continue;
        record->step[at] = step;
        record->id[at] = id[slot[i]];
        at++;
    }
    record->n = at;
}

void nm_record_sample(nm_sample_record *record, int64_t step) {
    if (step % record->every != 0)
        return;
    const float *single = record->column;
    const double *full = record->column;
    const int64_t *whole = record->column;
    double *row = record->value + record->n * record->width;
    for (int64_t i = 0; i < record->width; i++) {
        const int64_t at = record->index[i];
        if (at < 0)
            row[i] = NAN;
        else if (record->is_int64)
            row[i] = (double)whole[at];
        else
            row[i] = record->is_float32 ? (double)single[at] : full[at];
    }
    record->step[record->n] = step;
    record->n++;
}
