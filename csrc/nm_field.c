/* SPDX-License-Identifier: MIT */
#include "nm_field.h"

#include <math.h>
#include <stddef.h>

int nm_domain_holds(nm_domain domain, double value) {
    if (!isfinite(value))
        return 0;
    switch (domain) {
    case NM_POSITIVE:
        return value > 0.0;
    case NM_NON_NEGATIVE:
        return value >= 0.0;
    case NM_UNIT_INTERVAL:
        return value >= 0.0 && value <= 1.0;
    case NM_WORD:
        return value >= 0.0 && value == floor(value);
    case NM_ANY:
        return 1;
    }
    return 0;
}

static int count_words(const char *words) {
    int n = 1;
    for (const char *c = words; *c != '\0'; c++)
        n += *c == ' ';
    return n;
}

int nm_field_holds(const nm_field *field, double value) {
    return nm_domain_holds(field->domain, value) &&
           (field->domain != NM_WORD || value < count_words(field->unit));
}

const char *nm_domain_phrase(nm_domain domain) {
    switch (domain) {
#define NM_DOMAIN_PHRASE(name, value, phrase)                                                                \
    case name:                                                                                               \
        return phrase;
        NM_DOMAIN_LIST(NM_DOMAIN_PHRASE)
#undef NM_DOMAIN_PHRASE
    }
    return "unknown";
}

int nm_field_count(const nm_field *fields) {
    int n = 0;
    while (fields != NULL && fields[n].name != NULL)
        n++;
    return n;
}

static int any_outside(const float *values, int64_t n, float low, float high) {
    int any = 0;
    for (int64_t i = 0; i < n; i++)
        any |= !(values[i] >= low) | !(values[i] <= high);
    return any;
}

int64_t nm_first_outside(const float *values, int64_t n, float low, float high) {
    if (!any_outside(values, n, low, high))
        return -1;
    int64_t i = 0;
    while (values[i] >= low && values[i] <= high)
        i++;
    return i;
}
