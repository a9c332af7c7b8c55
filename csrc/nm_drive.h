/* Background drive: every neuron may receive Poisson events of its own (rate in Hz, weight in mV), drawn from
 * (seed, neuron id, step). Events arrive at the excitatory port (the inhibitory one where the weight is < 0).
 * SPDX-License-Identifier: MIT */
#ifndef NM_DRIVE_H
#define NM_DRIVE_H

#include "nm_network.h"

/* Poisson count for one word by inversion; exact for any mean (large means use further draws). */
double nm_drive_count(double mean, uint64_t seed, uint32_t id, uint64_t step);

/* Add this step's background events of one piece, times `factor`, to the input columns (indexed by slot). */
void nm_drive_add(const nm_network *network, const nm_block *block, double dt, uint64_t seed, uint64_t step,
                  double factor, double *excitatory, double *inhibitory);

/* This step's background noise of one block, times `factor`, onto `current` [neuron of the block]; `fresh`: in
 * place of what stands there. The current is constant for the step. White noise of size s per sqrt(ms) has the
 * size s / sqrt(dt) in a step: so its mean over any time T has the size s / sqrt(T), at any dt. */
void nm_drive_noise(const nm_network *network, const nm_block *block, double dt, uint64_t seed, uint64_t step,
                    double factor, double *current, int fresh);

/* One word for each neuron of a piece, by its id. */
void nm_drive_words(const nm_network *network, const nm_block *block, uint64_t seed, uint32_t stream,
                    uint64_t step, uint32_t *word);

#endif
