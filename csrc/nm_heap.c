/* SPDX-License-Identifier: MIT */
#include "nm_heap.h"

#include <stdlib.h> /* defines __GLIBC__, where that is the C library */

#ifdef __GLIBC__
#include <malloc.h>
#endif

void nm_heap_trim(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
