/* Short-term plasticity: depression and facilitation, shared by all synapses of a source (Tsodyks & Markram
 * 1997, doi:10.1073/pnas.94.2.719; Tsodyks, Pawelzik & Markram 1998, doi:10.1162/089976698300017502). At the
 * n-th spike of a source, t ms after the previous one,
 *   u_n = U + (1 - U) u_(n-1) exp(-t / tau_facil)              utilisation of the resources; u_1 = U
 *   R_n = 1 - (1 - R_(n-1) (1 - u_(n-1))) exp(-t / tau_rec)    available resources; R_1 = 1
 * and the spike transmits the weight times the efficacy u_n R_n, for any delay. u and R depend on the
 * source's spikes alone. Hence a projection keeps one pair (u, R) per row and updates the pair when the
 * source fires: two exponentials per spike, none per synapse, and exact for any dt. A time constant of 0
 * stands for immediate decay.
 * SPDX-License-Identifier: MIT */
#ifndef NM_SHORT_TERM_H
#define NM_SHORT_TERM_H

#include "nm_delay.h"
#include "nm_network.h"

/* Python owns all arrays. */
struct nm_short_term {
    /* [row * stride]: 0 where all sources have equal parameters, else 1 */
    const double *U;                   /* 0 < U <= 1 */
    const double *tau_rec, *tau_facil; /* ms, >= 0 */
    int64_t stride;
    int64_t length;   /* number of steps whose efficacies are kept, as in nm_delay */
    double *u, *left; /* [row] u and R (1 - u) right after the last spike */
    int64_t *last;    /* [row] step of the last spike; < 0: there was none */
    double *efficacy; /* [step % length * n_rows + row] u R of the row's spike in that step */
};

/* Take a spike of the row's source into account, `elapsed` ms after the previous one (< 0: the first
 * spike). Returns the efficacy of the spike. */
double nm_short_term_release(const nm_short_term *s, int64_t row, double elapsed);

/* Compute the efficacies of this step's spikes, for the neurons of one partition. */
void nm_short_term_step(const nm_network *network, const nm_delay *ring, double dt, int64_t now,
                        int64_t partition);

static inline double nm_short_term_efficacy(const nm_projection *p, int64_t row, int64_t step) {
    const nm_short_term *s = p->short_term;
    return s->efficacy[(step % s->length + s->length) % s->length * p->n_rows + row];
}

#endif
