/* Background drive: every neuron may receive Poisson events of its own (rate in Hz, weight in mV), drawn from
 * (seed, neuron id, step). Events arrive at the excitatory port (the inhibitory one where the weight is < 0).
 * SPDX-License-Identifier: MIT */
#ifndef NM_DRIVE_H
#define NM_DRIVE_H

#include "nm_network.h"

enum {
    NM_DRIVE_TABLE =
        64, /* thresholds of one cumulative table; P(64 or more) at mean 20 is 1e-14, far below 2^-32 */
    NM_DRIVE_MEAN =
        20 /* largest mean (events per step) that a table serves; above it counts are inverted one by one */
};

/* Cumulative Poisson probabilities of `mean`, scaled to 32 bits: the count is the number of entries < word.
 */
void nm_drive_tabulate(double mean, uint32_t table[NM_DRIVE_TABLE]);

/* Poisson count for one word by inversion; exact for any mean (large means use further draws). */
double nm_drive_count(double mean, uint64_t seed, uint32_t id, uint64_t step);

/* Add this step's background events of one piece to the input columns (indexed by slot). */
void nm_drive_add(const nm_network *network, const nm_piece *piece, double dt, uint64_t seed, uint64_t step,
                  double *excitatory, double *inhibitory);

#endif
