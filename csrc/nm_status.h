/* Status of every C function that can fail: 0 success; > 0 a stop from which the caller may resume; < 0 an
 * error. The list below makes the enum, the sentences and Python's table of exceptions.
 * SPDX-License-Identifier: MIT */
#ifndef NM_STATUS_H
#define NM_STATUS_H

#include <stdint.h>

/*        name                    value  sentence */
#define NM_STATUS_LIST(X)                                                                                    \
    X(NM_OK, 0, "fine")                                                                                      \
    X(NM_STOP_RECORD_FULL, 1, "a recorder has no room for another step")                                     \
    X(NM_STOP_INTERRUPTED, 2, "it was interrupted")                                                          \
    X(NM_ERR_BAD_VALUE, -1, "a value lies outside its domain")                                               \
    X(NM_ERR_BAD_ORDER, -2, "two parameters stand in the wrong order")                                       \
    X(NM_ERR_BAD_INDEX, -3, "an index points outside its array")                                             \
    X(NM_ERR_BAD_LAYOUT, -4, "the buffers do not fit each other")                                            \
    X(NM_ERR_NOT_FINITE, -5, "a state variable is no longer finite")                                         \
    X(NM_ERR_TOO_LARGE, -6, "a count exceeds what its index can hold")                                       \
    X(NM_ERR_STEP, -7, "the step is too long")                                                               \
    X(NM_ERR_SYNAPSE, -8, "a synapse's value is no longer finite")                                           \
    X(NM_ERR_NO_INPUT, -9, "a source has no input")

typedef enum nm_status {
#define NM_STATUS_ENUM(name, value, sentence) name = (value),
    NM_STATUS_LIST(NM_STATUS_ENUM)
#undef NM_STATUS_ENUM
} nm_status;

/* The first failure: index (slot) of the object, its field, and the value found. -1 where one does not
 * apply. */
typedef struct nm_error {
    int status;
    int64_t index;
    int64_t field;
    double value;
} nm_error;

#define NM_MUST_CHECK __attribute__((warn_unused_result))

const char *nm_status_name(int status);
const char *nm_status_sentence(int status);

/* Fill `error` and return `status`, so that a check reads `return nm_fail(error, ...)`. */
int nm_fail(nm_error *error, int status, int64_t index, int64_t field, double value);

#endif
