/* Short-term plasticity: depression and facilitation of all synapses of a source alike (Tsodyks & Markram
 * 1997, doi:10.1073/pnas.94.2.719; Tsodyks, Pawelzik & Markram 1998, doi:10.1162/089976698300017502). At the
 * n-th spike of a source, t ms after the one before,
 *   u_n = U + (1 - U) u_(n-1) exp(-t / tau_facil)              the share that is released; u_1 = U
 *   R_n = 1 - (1 - R_(n-1) (1 - u_(n-1))) exp(-t / tau_rec)    the resources there are; R_1 = 1
 * and the spike arrives with u_n R_n times the weight, whatever its delay. Both are functions of the source's
 * spikes alone. So a projection keeps one pair for each of its rows, and touches the pair only when the
 * source fires: two exponentials a spike, none a synapse, and exact for any dt. A time constant of 0 means
 * "at once".
 * SPDX-License-Identifier: MIT */
#ifndef NM_SHORT_TERM_H
#define NM_SHORT_TERM_H

#include "nm_delay.h"
#include "nm_network.h"

/* All arrays are Python's. */
struct nm_short_term {
    double U;                  /* 0 < U <= 1 */
    double tau_rec, tau_facil; /* ms, >= 0 */
    int64_t length;            /* steps that efficacies are kept for, as in nm_delay */
    double *u, *left;          /* [row] u and R (1 - u) right after the last spike */
    int64_t *last;             /* [row] step of that spike; < 0: there was none */
    double *efficacy;          /* [step % length * n_rows + row] u R of the spike of that step */
};

/* A spike of row's source, `elapsed` ms after the one before (< 0: it is the first): what of the weight
 * arrives. */
double nm_short_term_release(const nm_short_term *s, int64_t row, double elapsed);

/* The neurons of one part that have fired in this step: the efficacies of their spikes. */
void nm_short_term_step(const nm_network *network, const nm_delay *ring, double dt, int64_t now,
                        int64_t partition);

static inline double nm_short_term_efficacy(const nm_projection *p, int64_t row, int64_t step) {
    const nm_short_term *s = p->short_term;
    return s->efficacy[(step % s->length + s->length) % s->length * p->n_rows + row];
}

#endif
