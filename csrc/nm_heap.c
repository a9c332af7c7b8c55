/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* madvise */
#include "nm_heap.h"

#include <stdint.h>
#include <stdlib.h> /* defines __GLIBC__, where that is the C library */

#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

#ifdef __GLIBC__
#include <malloc.h>
#endif

void nm_heap_trim(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void nm_heap_forget(void *memory, size_t bytes) {
#ifdef __linux__
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)memory;
    const uintptr_t first = (begin + page - 1) / page * page, end = (begin + bytes) / page * page;
    if (end > first)
        (void)madvise((void *)first, end - first, MADV_DONTNEED);
#else
    (void)memory, (void)bytes;
#endif
}
