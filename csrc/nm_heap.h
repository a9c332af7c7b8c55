/* The heap that NumPy's arrays come from. No result depends on it.
 * SPDX-License-Identifier: MIT */
#ifndef NM_HEAP_H
#define NM_HEAP_H

#include <stddef.h>

/* Give free memory back to the system, where the C library can: it keeps what lies between arrays in use. */
void nm_heap_trim(void);

/* Give the whole pages among `bytes` bytes back to the system, where it can take them: nobody reads them again. The
 * array stays, and is freed as any other. */
void nm_heap_forget(void *memory, size_t bytes);

#endif
