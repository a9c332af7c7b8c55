/* Description of one parameter or state variable: the single source of its name, unit, default, domain and
 * meaning. Checks, help, the JSON Schema and the README's tables are computed from it.
 * SPDX-License-Identifier: MIT */
#ifndef NM_FIELD_H
#define NM_FIELD_H

#include <stdint.h>

/*        name                value  phrase in messages: "must be ..." */
#define NM_DOMAIN_LIST(X)                                                                                    \
    X(NM_ANY, 0, "finite")                                                                                   \
    X(NM_POSITIVE, 1, "> 0")                                                                                 \
    X(NM_NON_NEGATIVE, 2, ">= 0")                                                                            \
    X(NM_UNIT_INTERVAL, 3, "between 0 and 1")                                                                \
    X(NM_WORD, 4, "one of its words")

typedef enum nm_domain {
#define NM_DOMAIN_ENUM(name, value, phrase) name = (value),
    NM_DOMAIN_LIST(NM_DOMAIN_ENUM)
#undef NM_DOMAIN_ENUM
} nm_domain;

/* A parameter of the domain NM_WORD is one of several words. `unit` lists them, with a space between two:
 *     {"scheme", "symmetric centred reduced", SYMMETRIC, NM_WORD, "Which spikes make pairs."}
 * Python, JSON and saved states have the word. C has the word's position as a double, so that an enum in the
 * order of the words names the values. State variables and inputs of events are no words. */
typedef struct nm_field {
    const char *name; /* the same in C, Python and JSON */
    const char *unit; /* "mV", "ms", "Hz", "1"; of NM_WORD the words */
    double fallback;  /* the default */
    nm_domain domain;
    const char *doc; /* one sentence */
} nm_field;

#define NM_END                                                                                               \
    { 0, 0, 0.0, NM_ANY, 0 }

/* 1 if `value` lies in `domain`, else 0. NaN and the infinities lie in no domain; NM_WORD holds 0, 1, 2, ... */
int nm_domain_holds(nm_domain domain, double value);

/* 1 if `value` lies in the field's domain and, for NM_WORD, is the position of one of its words; else 0. */
int nm_field_holds(const nm_field *field, double value);
const char *nm_domain_phrase(nm_domain domain);

/* Position of the first value outside low .. high, NaN among them; -1: none. */
int64_t nm_first_outside(const float *values, int64_t n, float low, float high);

/* Entries of a table up to its NM_END; 0 for NULL. */
int nm_field_count(const nm_field *fields);

#endif
