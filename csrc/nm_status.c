/* SPDX-License-Identifier: MIT */
#include "nm_status.h"

const char *nm_status_name(int status) {
    switch (status) {
#define NM_STATUS_NAME(name, value, sentence)                                                                \
    case value:                                                                                              \
        return #name;
        NM_STATUS_LIST(NM_STATUS_NAME)
#undef NM_STATUS_NAME
    default:
        return "NM_UNKNOWN";
    }
}

const char *nm_status_sentence(int status) {
    switch (status) {
#define NM_STATUS_SENTENCE(name, value, sentence)                                                            \
    case value:                                                                                              \
        return sentence;
        NM_STATUS_LIST(NM_STATUS_SENTENCE)
#undef NM_STATUS_SENTENCE
    default:
        return "unknown status";
    }
}

int nm_fail(nm_error *error, int status, int64_t index, int64_t field, double value) {
    error->status = status;
    error->index = index;
    error->field = field;
    error->value = value;
    return status;
}
