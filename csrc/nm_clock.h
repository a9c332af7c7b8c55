/* The time, for runs that end after a while. No result depends on it.
 * SPDX-License-Identifier: MIT */
#ifndef NM_CLOCK_H
#define NM_CLOCK_H

/* Seconds since some moment. Resolution: some milliseconds. Cost: some 10 ns. */
double nm_clock(void);

#endif
