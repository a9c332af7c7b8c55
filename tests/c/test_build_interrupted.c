/* nm_build: the ways of drawing end where their caller says so, and else draw what they draw without it.
 * SPDX-License-Identifier: MIT */
#include "nm_build.h"
#include "testlib.h"

enum { N = 600, DEGREE = 1000, ROOM = N * DEGREE, WIDTH = 256, PARTS = 3, PLACES = N * PARTS, RULES = 5 };

static int32_t slots[N], sorting[2 * DEGREE], chosen[ROOM];
static int64_t ids[N], degrees[N], bucket_start[PLACES + 1], counters[N];
static uint16_t local[ROOM], drawn[ROOM];
static uint64_t mark[N / 64 + 1];
static nm_error error;

/* How often it was asked, and the time at which it says yes. */
typedef struct asked {
    int times, last;
} asked;

static int ask(void *context) {
    asked *of = context;
    return ++of->times == of->last;
}

static nm_build everyone(asked *context) {
    for (int i = 0; i < N; i++) {
        slots[i] = i;
        ids[i] = 1000 + i;
        degrees[i] = DEGREE;
    }
    return (nm_build){.pre = slots,
                      .post = slots,
                      .n_pre = N,
                      .n_post = N,
                      .id = ids,
                      .n_rows = N,
                      .autapses = 1,
                      .seed = 5,
                      .n_partitions = PARTS,
                      .partition_width = WIDTH,
                      .interrupted = context == NULL ? NULL : ask,
                      .context = context};
}

static int draw(int rule, asked *context) {
    const nm_build build = everyone(context);
    switch (rule) {
    case 0:
        bucket_start[PLACES] = ROOM;
        return nm_build_probability(&build, 1.0, bucket_start, local, &error);
    case 1:
        return nm_build_in_degree(&build, DEGREE, counters, drawn, bucket_start, local, &error);
    case 2:
        return nm_build_out_degree(&build, DEGREE, sorting, bucket_start, local, &error);
    case 3:
        return nm_build_out_degrees(&build, degrees, sorting, bucket_start, local, &error);
    default:
        return nm_build_chosen(&build, 1, degrees, 0, mark, chosen, &error);
    }
}

/* Of the results, in their order. */
static uint64_t sum(int rule) {
    uint64_t found = 0;
    for (int64_t k = 0; rule < 4 && k < bucket_start[PLACES]; k++)
        found = 31 * found + local[k];
    for (int64_t k = 0; rule == 4 && k < ROOM; k++)
        found = 31 * found + (uint64_t)chosen[k];
    return found;
}

static void a_call_ends_at_each_time_at_which_its_caller_says_so(void) {
    for (int rule = 0; rule < RULES; rule++) {
        CHECK(draw(rule, NULL) == NM_OK);
        const uint64_t whole = sum(rule);
        asked each = {.times = 0, .last = 1};
        for (; draw(rule, &each) == NM_STOP_INTERRUPTED; each.last++, each.times = 0)
            CHECK(each.times == each.last);
        CHECK(each.last > 1 && each.times == each.last - 1);
        CHECK(sum(rule) == whole);
    }
}

/* Draws of 600,000 synapses, some of them in two passes. */
static void it_is_not_asked_often(void) {
    for (int rule = 0; rule < RULES; rule++) {
        asked each = {.times = 0, .last = -1};
        CHECK(draw(rule, &each) == NM_OK);
        CHECK(each.times >= 1 && each.times <= 2 * ROOM / NM_BUILD_SHARE + 1);
    }
}

/* One synapse of so many sources: the rows of a partition take longer than its draws. */
static void a_call_ends_between_partitions(void) {
    static int32_t sources[NM_BUILD_SHARE], target[1];
    static int64_t all[NM_BUILD_SHARE], scratch[NM_BUILD_SHARE], starts[NM_BUILD_SHARE + 1];
    uint32_t source[1];
    uint16_t own[1];
    for (int32_t i = 0; i < NM_BUILD_SHARE; i++) {
        sources[i] = i;
        all[i] = i;
    }
    asked each = {.times = 0, .last = 1};
    const nm_build build = {.pre = sources,
                            .post = target,
                            .n_pre = NM_BUILD_SHARE,
                            .n_post = 1,
                            .id = all,
                            .n_rows = NM_BUILD_SHARE,
                            .autapses = 1,
                            .seed = 5,
                            .n_partitions = 1,
                            .partition_width = WIDTH,
                            .interrupted = ask,
                            .context = &each};
    for (; each.last <= 2; each.last++, each.times = 0) {
        CHECK(nm_build_in_degree(&build, 1, scratch, source, starts, own, &error) == NM_STOP_INTERRUPTED);
        CHECK(each.times == each.last);
    }
    CHECK(nm_build_in_degree(&build, 1, scratch, source, starts, own, &error) == NM_OK);
    CHECK(each.times == 2 && starts[NM_BUILD_SHARE] == 1 && own[0] == 0);
}

static const nm_test tests[] = {TEST(a_call_ends_at_each_time_at_which_its_caller_says_so),
                                TEST(it_is_not_asked_often),
                                TEST(a_call_ends_between_partitions),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
