/* nm_status: what each status is called and said to be, its number, and what a failure leaves behind.
 * SPDX-License-Identifier: MIT */
#include "nm_status.h"
#include "testlib.h"

#include <limits.h>
#include <stdint.h>

/* The list again, by hand. Numbers are part of the contract with Python: a status keeps its own. */
static const struct {
    int status, number;
    const char *name, *sentence;
} expected[] = {
    {NM_OK, 0, "NM_OK", "fine"},
    {NM_STOP_RECORD_FULL, 1, "NM_STOP_RECORD_FULL", "a recorder has no room for another step"},
    {NM_STOP_INTERRUPTED, 2, "NM_STOP_INTERRUPTED", "it was interrupted"},
    {NM_ERR_BAD_VALUE, -1, "NM_ERR_BAD_VALUE", "a value lies outside its domain"},
    {NM_ERR_BAD_ORDER, -2, "NM_ERR_BAD_ORDER", "two parameters stand in the wrong order"},
    {NM_ERR_BAD_INDEX, -3, "NM_ERR_BAD_INDEX", "an index points outside its array"},
    {NM_ERR_BAD_LAYOUT, -4, "NM_ERR_BAD_LAYOUT", "the buffers do not fit each other"},
    {NM_ERR_NOT_FINITE, -5, "NM_ERR_NOT_FINITE", "a state variable is no longer finite"},
    {NM_ERR_TOO_LARGE, -6, "NM_ERR_TOO_LARGE", "a count exceeds what its index can hold"},
    {NM_ERR_STEP, -7, "NM_ERR_STEP", "the step is too long"},
    {NM_ERR_SYNAPSE, -8, "NM_ERR_SYNAPSE", "a synapse's value is no longer finite"},
    {NM_ERR_NO_INPUT, -9, "NM_ERR_NO_INPUT", "a source has no input"},
};
enum { N_EXPECTED = sizeof expected / sizeof *expected };

static void every_status_has_its_number_name_and_sentence(void) {
    for (int k = 0; k < N_EXPECTED; k++) {
        CHECK(expected[k].status == expected[k].number);
        CHECK(strcmp(nm_status_name(expected[k].status), expected[k].name) == 0);
        CHECK(strcmp(nm_status_sentence(expected[k].status), expected[k].sentence) == 0);
    }
}

/* A status that is added to NM_STATUS_LIST is to be added above, too. */
static void the_list_holds_no_other_status(void) {
    int n = 0;
#define COUNT(name, value, sentence) n++;
    NM_STATUS_LIST(COUNT)
#undef COUNT
    CHECK(n == N_EXPECTED);
}

static void other_numbers_have_no_name(void) {
    const int others[] = {3, -10, 100, INT_MAX, INT_MIN};
    for (int k = 0; k < (int)(sizeof others / sizeof *others); k++) {
        CHECK(strcmp(nm_status_name(others[k]), "NM_UNKNOWN") == 0);
        CHECK(strcmp(nm_status_sentence(others[k]), "unknown status") == 0);
    }
}

static void a_failure_fills_every_field_and_gives_back_its_status(void) {
    nm_error error = {.status = 77, .index = 77, .field = 77, .value = 77.0};
    CHECK(nm_fail(&error, NM_ERR_BAD_INDEX, INT64_MAX - 1, INT64_MIN + 2, -0.125) == NM_ERR_BAD_INDEX);
    CHECK(error.status == NM_ERR_BAD_INDEX);
    CHECK(error.index == INT64_MAX - 1);
    CHECK(error.field == INT64_MIN + 2);
    CHECK(error.value == -0.125);
    CHECK(nm_fail(&error, NM_ERR_NOT_FINITE, 0, -1, 2.5) == NM_ERR_NOT_FINITE);
    CHECK(error.status == NM_ERR_NOT_FINITE && error.index == 0 && error.field == -1 && error.value == 2.5);
}

static const nm_test tests[] = {TEST(every_status_has_its_number_name_and_sentence),
                                TEST(the_list_holds_no_other_status),
                                TEST(other_numbers_have_no_name),
                                TEST(a_failure_fills_every_field_and_gives_back_its_status),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
