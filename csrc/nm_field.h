/* What is known about one parameter or state variable: stands once, here, as data of its model. Checks,
 * help, the JSON Schema and the README's tables are computed from it.
 * SPDX-License-Identifier: MIT */
#ifndef NM_FIELD_H
#define NM_FIELD_H

#include <stdint.h>

/*        name                value  phrase in messages: "must be ..." */
#define NM_DOMAIN_LIST(X)                                                                                    \
    X(NM_ANY, 0, "finite")                                                                                   \
    X(NM_POSITIVE, 1, "> 0")                                                                                 \
    X(NM_NON_NEGATIVE, 2, ">= 0")                                                                            \
    X(NM_UNIT_INTERVAL, 3, "between 0 and 1")

typedef enum nm_domain {
#define NM_DOMAIN_ENUM(name, value, phrase) name = (value),
    NM_DOMAIN_LIST(NM_DOMAIN_ENUM)
#undef NM_DOMAIN_ENUM
} nm_domain;

typedef struct nm_field {
    const char *name; /* the same in C, Python and JSON */
    const char *unit; /* "mV", "ms", "Hz", "1" */
    double fallback;  /* the default */
    nm_domain domain;
    const char *doc; /* one sentence */
} nm_field;

#define NM_END                                                                                               \
    { 0, 0, 0.0, NM_ANY, 0 }

/* Whether `value` lies in `domain`. NaN and the infinities lie in none. */
int nm_domain_holds(nm_domain domain, double value);
const char *nm_domain_phrase(nm_domain domain);

/* Position of the first value outside low .. high, NaN among them; -1: none. */
int64_t nm_first_outside(const float *values, int64_t n, float low, float high);

/* Entries of a table up to its NM_END; 0 for NULL. */
int nm_field_count(const nm_field *fields);

#endif
