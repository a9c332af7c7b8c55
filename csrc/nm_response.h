/* Dose-response curves, and modulators that a configuration declares: no C file, no word in the register.
 * SPDX-License-Identifier: MIT */
#ifndef NM_RESPONSE_H
#define NM_RESPONSE_H

#include "nm_model.h"

/* What declared modulators are made of, one for each response: its parameters (none with a name of its own),
 * one input `amount`, offset 1. Targets are the user's. */
extern const nm_modulator nm_declared[NM_N_RESPONSES];

/* strength * shape(level), for a level in [0, 1] and the parameters of a modulator with that response. */
double nm_response_value(nm_response response, const double *params, double level);

/* The words of NM_RESPONSE_LIST and NM_TARGET_LIST. */
const char *nm_response_name(nm_response response);
const char *nm_target_name(nm_target target);

#endif
