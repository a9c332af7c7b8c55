/* nm_build: the two calls agree, nothing is written beyond the room, and every bad argument is named. What
 * the draws are is tested in tests/test_build.py.
 * SPDX-License-Identifier: MIT */
#include "nm_build.h"
#include "testlib.h"

enum {
    N = 300,
    DEGREE = 40,
    ROOM = N * N,
    WIDTH = 128, /* three parts: 128, 128 and 44 slots */
    PARTS = 3,
    PLACES = N * PARTS,
    GUARD = -77,
    MARK = 0xABCD
};

static int32_t slots[N], sorting[2 * DEGREE + 1];
static int64_t ids[N], bucket_start[PLACES + 2], counted[PLACES + 2], counters[N + 1];
static uint16_t local[ROOM + 1], drawn[N * DEGREE + 1];
static nm_error error;

static nm_build everyone(void) {
    for (int i = 0; i < N; i++) {
        slots[i] = i;
        ids[i] = 1000 + i;
    }
    memset(local, 0, sizeof local);
    error = (nm_error){.status = NM_OK};
    return (nm_build){.pre = slots,
                      .post = slots,
                      .n_pre = N,
                      .n_post = N,
                      .id = ids,
                      .n_rows = N,
                      .seed = 5,
                      .n_partitions = PARTS,
                      .partition_width = WIDTH};
}

/* Probability only counts where `into` is NULL; the degrees are known and always write. */
static int draw(int rule, const nm_build *build, uint16_t *into) {
    if (rule == 0)
        return nm_build_probability(build, 0.1, bucket_start, into, &error);
    return rule == 1 ? nm_build_in_degree(build, DEGREE, counters, drawn, bucket_start, into, &error)
                     : nm_build_out_degree(build, DEGREE, sorting, bucket_start, into, &error);
}

static int buckets_are_sorted_and_inside(int repeats) {
    int fine = bucket_start[0] == 0;
    for (int bucket = 0; bucket < PLACES; bucket++) {
        const int row = bucket / PARTS, first = bucket % PARTS * WIDTH;
        fine &= bucket_start[bucket] <= bucket_start[bucket + 1];
        for (int64_t s = bucket_start[bucket]; s < bucket_start[bucket + 1]; s++) {
            fine &= local[s] < WIDTH && first + local[s] < N && first + local[s] != row;
            fine &= s == bucket_start[bucket] || local[s] > local[s - 1] - (repeats ? 1 : 0);
        }
    }
    return fine;
}

static void count_and_fill_agree(void) {
    nm_build build = everyone();
    bucket_start[PLACES + 1] = GUARD;
    CHECK(draw(0, &build, NULL) == NM_OK);
    memcpy(counted, bucket_start, sizeof counted);
    CHECK(counted[0] == 0 && counted[PLACES] > N);
    local[counted[PLACES]] = MARK;
    CHECK(draw(0, &build, local) == NM_OK);
    CHECK(memcmp(counted, bucket_start, sizeof counted) == 0);
    CHECK(bucket_start[PLACES + 1] == GUARD);
    CHECK(local[counted[PLACES]] == MARK);
    CHECK(buckets_are_sorted_and_inside(0));
}

static void degrees_fill_what_they_are_lent(void) {
    for (int rule = 1; rule < 3; rule++) {
        nm_build build = everyone();
        counters[N] = bucket_start[PLACES + 1] = GUARD;
        local[N * DEGREE] = drawn[N * DEGREE] = MARK;
        sorting[2 * DEGREE] = GUARD;
        CHECK(draw(rule, &build, local) == NM_OK);
        CHECK(bucket_start[PLACES] == N * DEGREE);
        CHECK(buckets_are_sorted_and_inside(1));
        CHECK(counters[N] == GUARD && bucket_start[PLACES + 1] == GUARD && sorting[2 * DEGREE] == GUARD);
        CHECK(local[N * DEGREE] == MARK && drawn[N * DEGREE] == MARK);
        int64_t arriving[N] = {0};
        for (int bucket = 0; bucket < PLACES; bucket++)
            for (int64_t s = bucket_start[bucket]; s < bucket_start[bucket + 1]; s++)
                arriving[bucket % PARTS * WIDTH + local[s]]++;
        for (int i = 0; i < N; i++)
            CHECK(DEGREE ==
                  (rule == 1 ? arriving[i] : bucket_start[PARTS * (i + 1)] - bucket_start[PARTS * i]));
    }
}

static void room_to_spare_makes_counting_needless(void) {
    nm_build build = everyone();
    CHECK(draw(0, &build, NULL) == NM_OK);
    memcpy(counted, bucket_start, sizeof counted);
    for (int64_t room = counted[PLACES] - 2; room <= counted[PLACES] + 2; room++) {
        memset(local, 0, sizeof local);
        local[room] = MARK;
        bucket_start[PLACES] = room;
        CHECK(draw(0, &build, local) == (room < counted[PLACES] ? NM_ERR_TOO_LARGE : NM_OK));
        CHECK(local[room] == MARK);
        if (room >= counted[PLACES])
            CHECK(memcmp(counted, bucket_start, sizeof counted) == 0);
    }
}

static void too_little_room_for_certainty(void) {
    nm_build build = everyone();
    bucket_start[PLACES] = (int64_t)N * (N - 1) - 1;
    CHECK(nm_build_probability(&build, 1.0, bucket_start, local, &error) == NM_ERR_TOO_LARGE);
    bucket_start[PLACES] = (int64_t)N * (N - 1);
    CHECK(nm_build_probability(&build, 1.0, bucket_start, local, &error) == NM_OK);
    CHECK(buckets_are_sorted_and_inside(0));
}

static int refused(const nm_build *build, int status, int64_t index, int64_t field) {
    int fine = 1;
    for (int rule = 0; rule < 3; rule++) {
        error = (nm_error){.status = NM_OK};
        bucket_start[0] = GUARD;
        fine &= draw(rule, build, local) == status && error.status == status && error.index == index &&
                error.field == field && bucket_start[0] == GUARD;
    }
    return fine;
}

static void bad_slots_and_ids_are_named(void) {
    nm_build build = everyone();
    slots[7] = slots[6];
    CHECK(refused(&build, NM_ERR_BAD_LAYOUT, 7, 0));
    build = everyone();
    slots[0] = -1;
    CHECK(refused(&build, NM_ERR_BAD_INDEX, 0, 0));
    build = everyone();
    ids[9] = 4294967296;
    CHECK(refused(&build, NM_ERR_TOO_LARGE, 9, 2));
    build = everyone();
    ids[9] = -1;
    CHECK(refused(&build, NM_ERR_TOO_LARGE, 9, 2));
    build = everyone();
    build.pre_first = 1;
    CHECK(refused(&build, NM_ERR_BAD_INDEX, 0, 0));
    build = everyone();
    build.n_rows = N - 1;
    CHECK(refused(&build, NM_ERR_BAD_INDEX, N - 1, 0));
    build = everyone();
    build.n_pre = 1, build.pre_first = 1; /* its only source comes before the first row */
    CHECK(refused(&build, NM_ERR_BAD_INDEX, 0, 0));
    build = everyone();
    build.n_partitions = PARTS - 1; /* slots 256 and above in none of them */
    CHECK(refused(&build, NM_ERR_BAD_INDEX, N - 1, 1));
    build.n_post = (PARTS - 1) * WIDTH + 1;
    CHECK(refused(&build, NM_ERR_BAD_INDEX, build.n_post - 1, 1));
}

static void a_neuron_without_candidates_is_named(void) {
    nm_build build = everyone();
    build.n_pre = 1; /* slot 0 alone: no source for itself */
    CHECK(nm_build_in_degree(&build, 1, counters, drawn, bucket_start, local, &error) == NM_ERR_BAD_VALUE);
    CHECK(error.index == 0);
    CHECK(nm_build_in_degree(&build, 0, counters, drawn, bucket_start, local, &error) == NM_OK);
    CHECK(bucket_start[PLACES] == 0);
    build.autapses = 1;
    CHECK(nm_build_in_degree(&build, 1, counters, drawn, bucket_start, local, &error) == NM_OK);
    CHECK(bucket_start[PLACES] == N);
    build = everyone();
    build.n_post = 1; /* and no target */
    CHECK(nm_build_out_degree(&build, 1, sorting, bucket_start, local, &error) == NM_ERR_BAD_VALUE);
    CHECK(error.index == 0);
    CHECK(nm_build_out_degree(&build, 0, sorting, bucket_start, local, &error) == NM_OK);
    CHECK(bucket_start[PLACES] == 0);
    build.autapses = 1;
    CHECK(nm_build_out_degree(&build, 1, sorting, bucket_start, local, &error) == NM_OK);
    CHECK(bucket_start[PLACES] == N);
}

/* Whether the buckets of partitions first .. end - 1 are those that `counted` and `whole` have of all partitions. */
static int are_buckets_of(int first, int end, const uint16_t *whole) {
    const int held = end - first;
    int fine = bucket_start[0] == 0;
    for (int row = 0; row < N; row++)
        for (int k = 0; k < held; k++) {
            const int64_t from = counted[row * PARTS + first + k], at = bucket_start[row * held + k],
                          n = counted[row * PARTS + first + k + 1] - from;
            fine &= bucket_start[row * held + k + 1] - at == n;
            fine &= memcmp(local + at, whole + from, (size_t)n * sizeof *whole) == 0;
        }
    return fine;
}

/* The rows of partitions first .. end - 1, whose neurons alone are targets. `all`: all partitions have buckets. */
static int draw_part(int rule, int first, int end, int all) {
    nm_build build = everyone();
    const int last = end * WIDTH < N ? end * WIDTH : N;
    build.post = slots + first * WIDTH, build.n_post = last - first * WIDTH;
    if (!all)
        build.first_partition = first, build.n_partitions = end - first;
    const int64_t n_buckets = N * build.n_partitions;
    bucket_start[n_buckets] = ROOM, bucket_start[n_buckets + 1] = GUARD;
    const int status = rule == 3 ? nm_build_probability(&build, 1.0, bucket_start, local, &error)
                                 : draw(rule, &build, local);
    return status == NM_OK && bucket_start[n_buckets + 1] == GUARD;
}

static void keep_drawn(uint16_t *whole) {
    memcpy(counted, bucket_start, sizeof counted);
    memcpy(whole, local, sizeof local);
}

/* Each partition or two of them alone. Where targets draw, and where all pairs are connected, the rows are those of the
 * whole network; where sources draw among fewer targets, those that all partitions have buckets for. */
static void a_part_of_the_network_has_its_rows_alone(void) {
    static uint16_t whole[ROOM + 1];
    for (int rule = 0; rule < 4; rule++)
        for (int first = 0; first < PARTS; first++)
            for (int end = first + 1; end <= PARTS; end++) {
                const int whole_is_drawn = rule == 1 || rule == 3;
                CHECK(whole_is_drawn ? draw_part(rule, 0, PARTS, 1) : draw_part(rule, first, end, 1));
                keep_drawn(whole);
                CHECK(draw_part(rule, first, end, 0));
                CHECK(are_buckets_of(first, end, whole));
                CHECK(bucket_start[N * (end - first)] > N);
            }
}

static void targets_outside_a_part_are_named(void) {
    nm_build build = everyone();
    build.first_partition = 1, build.n_partitions = 1;
    build.post = slots + WIDTH - 1, build.n_post = WIDTH; /* one below the part */
    CHECK(refused(&build, NM_ERR_BAD_INDEX, 0, 1));
    build.post = slots + WIDTH, build.n_post = WIDTH + 1; /* one beyond */
    CHECK(refused(&build, NM_ERR_BAD_INDEX, WIDTH, 1));
    build.n_post = WIDTH;
    bucket_start[N] = ROOM;
    CHECK(draw(0, &build, local) == NM_OK);
    build.n_partitions = 0, build.n_post = 0; /* a part without neurons */
    for (int rule = 0; rule < 3; rule++) {
        build.n_pre = rule == 2 ? 0 : N; /* a source has no candidates */
        bucket_start[0] = 0;
        CHECK(draw(rule, &build, local) == NM_OK && bucket_start[0] == 0);
    }
}

/* Every other neuron is a source or a target. */
static void candidates_with_gaps_are_kept_to(void) {
    int32_t even[N];
    nm_build build = everyone();
    build.n_post = 0;
    for (int32_t k = 0; k < N; k += 2)
        even[build.n_post++] = k;
    build.post = even;
    CHECK(draw(2, &build, local) == NM_OK && buckets_are_sorted_and_inside(1));
    long odd = 0;
    for (int64_t s = 0; s < bucket_start[PLACES]; s++)
        odd += local[s] % 2; /* WIDTH is even */
    CHECK(odd == 0 && bucket_start[PLACES] == (int64_t)N * DEGREE);
    build = everyone();
    build.n_pre = (N + 1) / 2, build.pre = even;
    CHECK(draw(1, &build, local) == NM_OK && buckets_are_sorted_and_inside(1));
    for (int64_t row = 1; row < N; row += 2)
        CHECK(bucket_start[row * PARTS] == bucket_start[(row + 1) * PARTS]);
    CHECK(bucket_start[PLACES] == (int64_t)N * DEGREE);
}

static void sources_may_have_no_target(void) {
    nm_build build = everyone();
    int64_t degree[N] = {0};
    degree[3] = 4;
    CHECK(nm_build_out_degrees(&build, degree, sorting, bucket_start, local, &error) == NM_OK);
    CHECK(bucket_start[3 * PARTS] == 0 && bucket_start[4 * PARTS] == 4 && bucket_start[PLACES] == 4);
    CHECK(nm_build_out_degree(&build, -1, sorting, bucket_start, local, &error) == NM_ERR_BAD_VALUE);
    CHECK(error.value == -1.0 && error.index == -1 && error.field == -1);
    degree[5] = -1;
    CHECK(nm_build_out_degrees(&build, degree, sorting, bucket_start, local, &error) == NM_ERR_BAD_VALUE);
    CHECK(error.value == -1.0);
    degree[3] = degree[5] = 0, degree[0] = 1;
    build.n_post = 1; /* which is source 0 itself */
    CHECK(nm_build_out_degrees(&build, degree, sorting, bucket_start, local, &error) == NM_ERR_BAD_VALUE);
    CHECK(error.index == 0 && error.field == -2);
    degree[0] = 0, degree[1] = 1;
    CHECK(nm_build_out_degrees(&build, degree, sorting, bucket_start, local, &error) == NM_OK);
}

static void pairs_outside_are_named(void) {
    const int32_t pre[] = {4, 5, 6}, post[] = {0, 1, 2}, negative[] = {0, -1, 2};
    int64_t row_start[4];
    CHECK(nm_build_pairs(pre, post, 3, 4, 2, row_start, NULL, NULL, &error) == NM_ERR_BAD_INDEX);
    CHECK(error.index == 2 && error.field == 0);
    CHECK(nm_build_pairs(pre, post, 3, 5, 2, row_start, NULL, NULL, &error) == NM_ERR_BAD_INDEX);
    CHECK(error.index == 0 && error.field == 0);
    CHECK(nm_build_pairs(pre, negative, 3, 4, 3, row_start, NULL, NULL, &error) == NM_ERR_BAD_INDEX);
    CHECK(error.index == 1 && error.field == 1);
}

/* The limits themselves, with no arrays of that size: they are looked at before anything is read. */
static void more_than_32_bits_of_synapses_are_refused(void) {
    const int64_t starts[] = {0, 4294967296};
    int64_t start[2];
    CHECK(nm_build_buckets(starts, 1, NULL, 1, 512, start, NULL, &error) == NM_ERR_TOO_LARGE);
    CHECK(error.value == 4294967296.0);
    CHECK(nm_build_pairs(NULL, NULL, 4294967296, 0, 1, NULL, NULL, NULL, &error) == NM_ERR_TOO_LARGE);
    CHECK(nm_build_sort_by_delay(starts, 1, NULL, NULL, NULL, NULL, NULL, NULL, &error) == NM_ERR_TOO_LARGE);
}

static void rows_that_begin_before_the_first_synapse_are_refused(void) {
    const int64_t starts[] = {-1, 2};
    CHECK(nm_build_sort_by_delay(starts, 1, NULL, NULL, NULL, NULL, NULL, NULL, &error) == NM_ERR_BAD_LAYOUT);
    CHECK(error.index == 0 && error.value == -1.0);
}

static void more_than_31_bits_of_neurons_are_refused(void) {
    const int64_t most = 2147483647, many[] = {1, most + 1};
    nm_build build = everyone();
    CHECK(nm_build_out_degree(&build, most + 1, sorting, bucket_start, local, &error) == NM_ERR_TOO_LARGE);
    CHECK(error.value == 2147483648.0 && error.index == -1 && error.field == -1);
    build.n_pre = 2;
    CHECK(nm_build_out_degrees(&build, many, sorting, bucket_start, local, &error) == NM_ERR_TOO_LARGE);
    CHECK(error.value == 2147483648.0);
    build.n_post = most;
    CHECK(refused(&build, NM_ERR_TOO_LARGE, -1, 1));
}

static void buckets_of_bad_rows_are_refused(void) {
    const int64_t falling[] = {0, 2, 1, 3}, late[] = {1, 3}, good[] = {0, 2, 3};
    const int32_t to[] = {0, 1, 2}, negative[] = {0, -1, 2}, back[] = {3, 1, 2};
    int64_t start[8];
    uint16_t to_local[3];
    CHECK(nm_build_buckets(falling, 3, to, 1, 512, start, to_local, &error) == NM_ERR_BAD_LAYOUT);
    CHECK(error.index == 2);
    CHECK(nm_build_buckets(late, 1, to, 1, 512, start, to_local, &error) == NM_ERR_BAD_LAYOUT);
    CHECK(nm_build_buckets(good, 2, to, 1, 2, start, to_local, &error) == NM_ERR_BAD_INDEX);
    CHECK(error.index == 2 && error.value == 2.0);
    CHECK(nm_build_buckets(good, 2, negative, 1, 512, start, to_local, &error) == NM_ERR_BAD_INDEX);
    CHECK(error.index == 1 && error.value == -1.0);
    CHECK(nm_build_buckets(good, 2, back, 2, 2, start, to_local, &error) == NM_ERR_BAD_INDEX);
    CHECK(error.index == 1 && error.value == 1.0);
}

/* Rows {0, 1, 5}, {} and {2, 3}; three parts of two slots. */
static void rows_are_cut_by_partitions(void) {
    const int64_t starts[] = {0, 3, 3, 5}, want[] = {0, 2, 2, 3, 3, 3, 3, 3, 5, 5, GUARD};
    const int32_t to[] = {0, 1, 5, 2, 3};
    const uint16_t at[] = {0, 1, 1, 0, 1, 77};
    int64_t start[11] = {[10] = GUARD};
    uint16_t to_local[6] = {[5] = 77};
    CHECK(nm_build_buckets(starts, 3, to, 3, 2, start, to_local, &error) == NM_OK);
    CHECK(memcmp(start, want, sizeof want) == 0);
    CHECK(memcmp(to_local, at, sizeof at) == 0);
}

static void counted_and_filled_runs_agree(void) {
    const int64_t buckets[] = {0, 3, 3, 4, 8};
    const uint16_t delay[] = {2, 2, 5, 5, 1, 1, 1, 65535}, delays[] = {2, 5, 5, 1, 65535, 77};
    const int64_t rows[] = {0, 2, 2, 3, 5, GUARD}, firsts[] = {0, 2, 3, 4, 7, 8, GUARD};
    int64_t bucket_run[6] = {[5] = GUARD}, run_start[7] = {[6] = GUARD};
    uint16_t run_delay[6] = {[5] = 77};
    CHECK(nm_build_runs(buckets, 4, delay, NULL, NULL, NULL) == 5);
    CHECK(nm_build_runs(buckets, 4, delay, bucket_run, run_start, run_delay) == 5);
    CHECK(memcmp(bucket_run, rows, sizeof rows) == 0);
    CHECK(memcmp(run_start, firsts, sizeof firsts) == 0);
    CHECK(memcmp(run_delay, delays, sizeof delays) == 0);
}

/* Values depend on nothing but their positions: in pieces, with odd borders, they are those of the whole. */
static void values_are_drawn_in_pieces(void) {
    enum { ALL = 5000 };
    static float whole[4][ALL], parts[4][ALL];
    const int64_t border[] = {0, 1, 1000, 1024, 3501, ALL};
    for (int piece = -1; piece < 5; piece++) {
        const int64_t first = piece < 0 ? 0 : border[piece], n = piece < 0 ? ALL : border[piece + 1] - first;
        float *into[4];
        for (int k = 0; k < 4; k++)
            into[k] = piece < 0 ? whole[k] : parts[k] + first;
        nm_build_normal(7, 3, 0.5, 2.0, first, n, into[0]);
        nm_build_lognormal(7, 3, 0.5, 0.5, first, n, into[1]);
        nm_build_uniform(7, 3, -1.0, 2.0, first, n, into[2]);
        memcpy(into[3], into[0], (size_t)n * sizeof(float));
        CHECK(nm_build_redraw(7, 4, 0.5, 2.0, 0, 0.0f, 1.0f, first, n, into[3], &error) == NM_OK);
    }
    for (int k = 0; k < 4; k++)
        CHECK(memcmp(whole[k], parts[k], sizeof whole[k]) == 0);
    CHECK(memcmp(whole[0], whole[3], sizeof whole[0]) != 0);
    int64_t n_equal = 0;
    for (int64_t k = 1; k < ALL; k++)
        n_equal += whole[0][k] == whole[0][k - 1];
    CHECK(n_equal < 10);
    parts[0][0] = 5.0f;
    CHECK(nm_build_redraw(7, 4, 0.5, 0.0, 0, 0.0f, 0.1f, 1234, 1, parts[0], &error) == NM_ERR_BAD_VALUE);
    CHECK(error.index == 1234);
}

static const nm_test tests[] = {TEST(count_and_fill_agree),
                                TEST(values_are_drawn_in_pieces),
                                TEST(degrees_fill_what_they_are_lent),
                                TEST(room_to_spare_makes_counting_needless),
                                TEST(too_little_room_for_certainty),
                                TEST(bad_slots_and_ids_are_named),
                                TEST(a_neuron_without_candidates_is_named),
                                TEST(candidates_with_gaps_are_kept_to),
                                TEST(sources_may_have_no_target),
                                TEST(a_part_of_the_network_has_its_rows_alone),
                                TEST(targets_outside_a_part_are_named),
                                TEST(pairs_outside_are_named),
                                TEST(more_than_32_bits_of_synapses_are_refused),
                                TEST(rows_that_begin_before_the_first_synapse_are_refused),
                                TEST(more_than_31_bits_of_neurons_are_refused),
                                TEST(buckets_of_bad_rows_are_refused),
                                TEST(rows_are_cut_by_partitions),
                                TEST(counted_and_filled_runs_agree),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
