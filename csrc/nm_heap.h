/* The heap that NumPy's arrays come from. No result depends on it.
 * SPDX-License-Identifier: MIT */
#ifndef NM_HEAP_H
#define NM_HEAP_H

/* Give free memory back to the system, where the C library can: it keeps what lies between arrays in use. */
void nm_heap_trim(void);

#endif
