/* Background drive: independent Poisson events for each neuron (rate in Hz, weight in mV), keyed by (seed,
 * neuron id, step). Events arrive at the excitatory port, or at the inhibitory port if the weight is
 * negative.
 * SPDX-License-Identifier: MIT */
#ifndef NM_DRIVE_H
#define NM_DRIVE_H

#include "nm_network.h"

/* The Poisson count of one neuron in one step; large means use further draws. */
double nm_drive_count(double mean, uint64_t seed, uint32_t id, uint64_t step);

/* Add the background events of one block in this step, times `factor`, to the input columns [slot]. */
void nm_drive_add(const nm_network *network, const nm_block *block, double dt, uint64_t seed, uint64_t step,
                  double factor, double *excitatory, double *inhibitory);

/* This step's background noise of one block, times `factor`, onto `current` [neuron of the block]; `fresh`: in
 * place of what stands there. The current is constant for the step. White noise of size s per sqrt(ms) has the
 * size s / sqrt(dt) in a step: so its mean over any time T has the size s / sqrt(T), at any dt. */
void nm_drive_noise(const nm_network *network, const nm_block *block, double dt, uint64_t seed, uint64_t step,
                    double factor, double *current, int fresh);

/* One random word for each neuron of a block, keyed by its id. */
void nm_drive_words(const nm_network *network, const nm_block *block, uint64_t seed, uint32_t stream,
                    uint64_t step, uint32_t *word);

#endif
