/* LD_PRELOAD: the k-th allocation of at least 256 bytes fails, once armed. Built and used by tests/test_memory.py.
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);
static char early[65536]; /* what dlsym itself asks for */
static size_t n_early;
static long armed, seen;

/* Fail the k-th allocation from now on, and none after it; 0: none. Returns how many were counted since. */
long failing_malloc_arm(long k) {
    const long counted = seen;
    armed = k;
    seen = 0;
    return counted;
}

static int fails(size_t bytes) {
    if (bytes < 256 || ++seen != armed)
        return 0;
    errno = ENOMEM;
    return 1;
}

static void find(void) {
    if (next_malloc != NULL)
        return;
    next_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    next_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    next_free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
    next_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
}

void *malloc(size_t bytes) {
    find();
    return fails(bytes) ? NULL : next_malloc(bytes);
}

void *calloc(size_t n, size_t bytes) {
    if (next_calloc == NULL) {
        char *room = early + n_early;
        n_early += (n * bytes + 15) / 16 * 16;
        return n_early <= sizeof early ? room : NULL;
    }
    return fails(n * bytes) ? NULL : next_calloc(n, bytes);
}

void *realloc(void *old, size_t bytes) {
    find();
    return fails(bytes) ? NULL : next_realloc(old, bytes);
}

void free(void *old) {
    find();
    if ((char *)old < early || (char *)old >= early + sizeof early)
        next_free(old);
}
