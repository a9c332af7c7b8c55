/* nm_compact: both lists against a plain loop, of every length to 200, and what may be written behind them.
 * SPDX-License-Identifier: MIT */
#include "draw.h"
#include "nm_compact.h"
#include "testlib.h"

enum {
    LONGEST = 200,
    N_SLOTS = 1000,
    BEFORE = 4, /* entries before the list, and before the input's first */
    ROOM = BEFORE + LONGEST + 40,
    UNTOUCHED = -77
};

static int32_t newest[N_SLOTS], hit[ROOM], list[ROOM], expected[LONGEST];
static uint16_t target[LONGEST + BEFORE];
static int64_t fired[LONGEST + BEFORE];

static int untouched(const int32_t *entries, int64_t first, int64_t end) {
    for (int64_t i = first; i < end; i++)
        if (entries[i] != UNTOUCHED)
            return 0;
    return 1;
}

static void clear(int32_t *entries) {
    for (int i = 0; i < ROOM; i++)
        entries[i] = UNTOUCHED;
}

/* ---- nm_compact_find ------------------------------------------------------------------------------------- */

static size_t find_in_a_loop(const uint16_t *among, size_t n, int32_t since) {
    size_t found = 0;
    for (size_t j = 0; j < n; j++)
        if (newest[among[j]] >= since)
            expected[found++] = (int32_t)j;
    return found;
}

/* The list is that of the loop, nothing stands before it or behind its n entries. */
static int finds(const uint16_t *among, size_t n, int32_t since) {
    const size_t wanted = find_in_a_loop(among, n, since);
    clear(hit);
    const size_t found = nm_compact_find(newest, among, n, since, hit + BEFORE);
    return found == wanted && memcmp(hit + BEFORE, expected, wanted * sizeof *hit) == 0 &&
           untouched(hit, 0, BEFORE) && untouched(hit, BEFORE + (int64_t)n, ROOM);
}

/* Times of -50 .. 49, of which about `share` are >= 0. */
static void draw_times(double share) {
    for (int slot = 0; slot < N_SLOTS; slot++)
        newest[slot] = (int32_t)(uniform() < share ? below(50) : -1 - below(50));
}

static void draw_targets(void) {
    for (int j = 0; j < LONGEST + BEFORE; j++)
        target[j] = (uint16_t)below(N_SLOTS);
}

static void targets_of_every_length_and_alignment(void) {
    const double shares[] = {0.0, 0.02, 0.5, 0.98, 1.0};
    sequence = 1;
    for (int k = 0; k < 5; k++)
        for (size_t n = 0; n <= LONGEST; n++)
            for (int shift = 0; shift < BEFORE; shift++) {
                draw_times(shares[k]);
                draw_targets();
                CHECK(finds(target + shift, n, 0));
            }
}

/* One hit alone, in each place of a list: a vector's first and last lane, and what is left over. */
static void a_single_target_in_every_bucket(void) {
    draw_times(0.0);
    newest[N_SLOTS - 1] = 0;
    for (size_t n = 1; n <= 70; n++)
        for (size_t bucket = 0; bucket < n; bucket++) {
            for (size_t j = 0; j < n; j++)
                target[j] = (uint16_t)(j == bucket ? N_SLOTS - 1 : j);
            CHECK(nm_compact_find(newest, target, n, 0, hit) == 1 && hit[0] == (int32_t)bucket);
        }
}

/* `since` itself counts, and the extremes of an int32. */
static void borders_of_time(void) {
    const int32_t times[] = {INT32_MIN, INT32_MIN + 1, -32768, -1, 0, 1, INT32_MAX - 1, INT32_MAX};
    enum { N_TIMES = sizeof times / sizeof *times };
    for (int slot = 0; slot < N_SLOTS; slot++)
        newest[slot] = times[slot % N_TIMES];
    for (int j = 0; j < LONGEST; j++)
        target[j] = (uint16_t)(j * 7 % N_TIMES);
    for (int k = 0; k < N_TIMES; k++) {
        CHECK(finds(target, LONGEST, times[k]));
        CHECK(finds(target, 8, times[k]));
        CHECK(nm_compact_find(newest, target, N_TIMES, times[k], hit) == (size_t)(N_TIMES - k));
    }
}

/* Targets are 16-bit numbers without a sign. */
static void the_last_slot_that_a_target_can_name(void) {
    static int32_t of_all[65536];
    const uint16_t some[] = {0, 32767, 32768, 65535, 65535};
    of_all[65535] = 5, of_all[32768] = 4;
    CHECK(nm_compact_find(of_all, some, 5, 5, hit) == 2 && hit[0] == 3 && hit[1] == 4);
    CHECK(nm_compact_find(of_all, some, 5, 4, hit) == 3 && hit[0] == 2 && hit[1] == 3 && hit[2] == 4);
    CHECK(nm_compact_find(of_all, some, 5, 6, hit) == 0);
}

/* ---- nm_compact_fired ------------------------------------------------------------------------------------ */

/* The list is that of the loop, and nothing stands before it or behind its n entries. */
static int lists(const int64_t *column, int64_t n, int32_t first) {
    int64_t wanted = 0;
    for (int64_t i = 0; i < n; i++)
        if (column[i] != 0)
            expected[wanted++] = first + (int32_t)i;
    clear(list);
    const int64_t found = nm_compact_fired(column, n, first, list + BEFORE);
    return found == wanted && memcmp(list + BEFORE, expected, (size_t)wanted * sizeof *list) == 0 &&
           untouched(list, 0, BEFORE) && untouched(list, BEFORE + n, ROOM);
}

static void fired_of_every_length_and_alignment(void) {
    const double shares[] = {0.0, 0.01, 0.5, 0.99, 1.0};
    sequence = 2;
    for (int k = 0; k < 5; k++)
        for (int64_t n = 0; n <= LONGEST; n++)
            for (int shift = 0; shift < BEFORE; shift++) {
                for (int i = 0; i < LONGEST + BEFORE; i++)
                    fired[i] = uniform() < shares[k];
                CHECK(lists(fired + shift, n, (int32_t)(1000 * shift)));
            }
}

static void a_single_one_fired_in_every_bucket(void) {
    for (int64_t n = 1; n <= 70; n++)
        for (int64_t bucket = 0; bucket < n; bucket++) {
            memset(fired, 0, sizeof fired);
            fired[bucket] = 1;
            fired[n] = 1; /* beyond */
            CHECK(nm_compact_fired(fired, n, 3, list) == 1 && list[0] == 3 + (int32_t)bucket);
        }
}

/* Whatever is not 0 counts, also where its low bits are. */
static void any_number_but_zero_is_a_spike(void) {
    const int64_t numbers[] = {1, -1, INT64_MIN, (int64_t)1 << 32, (int64_t)1 << 62, 2};
    for (int k = 0; k < (int)(sizeof numbers / sizeof *numbers); k++)
        for (int64_t bucket = 0; bucket < 40; bucket++) {
            memset(fired, 0, sizeof fired);
            fired[bucket] = numbers[k];
            CHECK(lists(fired, 40, 0));
        }
    memset(fired, 0, sizeof fired);
    fired[5] = 1, fired[9] = -1; /* that come to 0 together */
    CHECK(lists(fired, 40, 0) && expected[0] == 5 && expected[1] == 9);
}

static void slots_up_to_the_largest(void) {
    memset(fired, 0, sizeof fired);
    fired[0] = fired[39] = 1;
    CHECK(nm_compact_fired(fired, 40, INT32_MAX - 39, list) == 2);
    CHECK(list[0] == INT32_MAX - 39 && list[1] == INT32_MAX);
}

static const nm_test tests[] = {TEST(targets_of_every_length_and_alignment),
                                TEST(a_single_target_in_every_bucket),
                                TEST(borders_of_time),
                                TEST(the_last_slot_that_a_target_can_name),
                                TEST(fired_of_every_length_and_alignment),
                                TEST(a_single_one_fired_in_every_bucket),
                                TEST(any_number_but_zero_is_a_spike),
                                TEST(slots_up_to_the_largest),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
