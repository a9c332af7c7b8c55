/* Hebbian plasticity at the arrival of a spike: the weight grows by `learning_rate` where the target fires in
 * the same step and shrinks by half of that where it does not, so a source that predicts nothing loses its
 * say.
 *   dw = +eta        a spike of the source arrives and the target fires
 *   dw = -eta / 2    it arrives alone
 *   dw = 0           else: the target's spikes alone change nothing, so no trace is kept
 * SPDX-License-Identifier: MIT */
#include "nm_loop.h"
#include "nm_model.h"

enum { LEARNING_RATE };
static const nm_field params[] = {
    [LEARNING_RATE] =
        {"learning_rate", "1", 0.01, NM_NON_NEGATIVE,
         "Weight gained where source and target fire together; half of it is lost where the source "
         "fires alone."},
    NM_END,
};
static const nm_field state[] = {NM_END};

static void on_pre(const nm_synapse_chunk *c) {
    const double together = c->params[LEARNING_RATE], alone = -0.5 * together;
    NM_INDEPENDENT
    for (size_t j = 0; j < c->n; j++)
        c->change[j] = c->post_fired[j] > 0.0 ? together : alone;
}

const nm_plasticity_rule nm_plasticity_hebbian = {
    .name = "hebbian",
    .title = "Hebbian plasticity",
    .reference = "Hebb (1949), The Organization of Behavior, Wiley",
    .params = params,
    .state = state,
    .on_pre = on_pre,
};
