/* Which targets of a segment have fired since its last visit: half of them in the usual case, which no branch
 * could foretell. So they are listed first, without one. SPDX-License-Identifier: MIT */
#ifndef NM_HITS_H
#define NM_HITS_H

#include <stddef.h>
#include <stdint.h>

enum { NM_HITS_MORE = 16 }; /* entries behind the list's end that may be written, too */

/* The j, 0 <= j < n, with newest[target[j]] >= since, ascending, into `hit`, which has room for n +
 * NM_HITS_MORE; returns how many. */
size_t nm_hits_find(const int32_t *newest, const uint16_t *target, size_t n, int32_t since, int32_t *hit);

#endif
