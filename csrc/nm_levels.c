/* SPDX-License-Identifier: MIT */
#include "nm_levels.h"

#include <stddef.h>

static const double *params_of(const nm_levels *levels, int64_t m) {
    return levels->params + m * NM_MAX_PARAMS;
}

int nm_levels_check(const nm_levels *levels, nm_error *error) {
    for (int64_t m = 0; m < levels->n_modulators; m++) {
        const nm_field *fields = levels->modulators[m]->params;
        for (int k = 0; k < nm_field_count(fields); k++)
            if (!nm_domain_holds(fields[k].domain, params_of(levels, m)[k]))
                return nm_fail(error, NM_ERR_BAD_VALUE, -1, m * NM_MAX_PARAMS + k, params_of(levels, m)[k]);
        for (int64_t r = 0; r < levels->n_regions; r++)
            if (!nm_domain_holds(NM_UNIT_INTERVAL, levels->level[r * levels->n_modulators + m]))
                return nm_fail(error, NM_ERR_BAD_VALUE, r, -1 - m,
                               levels->level[r * levels->n_modulators + m]);
    }
    return NM_OK;
}

int nm_levels_event(const nm_levels *levels, int64_t m, int64_t region, const double *event,
                    nm_error *error) {
    const nm_modulator *modulator = levels->modulators[m];
    for (int k = 0; k < nm_field_count(modulator->inputs); k++)
        if (!nm_domain_holds(modulator->inputs[k].domain, event[k]))
            return nm_fail(error, NM_ERR_BAD_VALUE, region, k, event[k]);
    double level = nm_clip(modulator->level_after(params_of(levels, m), event), 0.0, 1.0);
    for (int64_t r = 0; r < levels->n_regions; r++)
        if (region < 0 || r == region)
            levels->level[r * levels->n_modulators + m] = level;
    return NM_OK;
}

void nm_levels_step(const nm_levels *levels) {
    for (int64_t r = 0; r < levels->n_regions; r++)
        for (int64_t m = 0; m < levels->n_modulators; m++) {
            double *level = &levels->level[r * levels->n_modulators + m];
            double baseline = params_of(levels, m)[NM_BASELINE];
            *level = baseline + (*level - baseline) * levels->kept[m];
        }
}

nm_factors nm_levels_factors(const nm_levels *levels, int64_t region) {
    nm_factors factors = {1.0, 1.0, 0.0};
    if (levels == NULL)
        return factors;
    const double *level = levels->level + (levels->n_regions == 1 ? 0 : region * levels->n_modulators);
    for (int64_t m = 0; m < levels->n_modulators; m++) {
        double factor = levels->modulators[m]->factor(params_of(levels, m), level[m]);
        switch (levels->modulators[m]->acts_on) {
        case NM_LEARNING:
            factors.learning *= factor;
            break;
        case NM_INPUT:
            factors.gain *= factor;
            break;
        case NM_THRESHOLD:
            factors.rise += factor;
            break;
        }
    }
    return factors;
}
