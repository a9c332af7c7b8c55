/* nm_build_distance and nm_build_chosen: nothing is written beyond the room, pairs are those that all distances give,
 * and bad counts are named. What the draws are is tested in tests/test_connect_distance.py and
 * tests/test_connect_degree.py.
 * SPDX-License-Identifier: MIT */
#include "nm_build_distance.h"
#include "testlib.h"

enum { SIDE = 20, N = SIDE * SIDE, CELLS = 7, GUARD = -77, ROOM = N * 30 };

static int32_t slots[N], in_cells[N], pre[ROOM + 1], post[ROOM + 1], chosen[N * 5 + 1];
static int64_t ids[N], start[CELLS * CELLS + 1], count[2] = {CELLS, CELLS}, degree[N];
static uint64_t mark[N / 64 + 2];
static double at[2 * N], sorted[2 * N], period[2], corner[2], width[2];
static nm_error error;

static nm_build everyone(void) {
    for (int i = 0; i < N; i++) {
        slots[i] = i;
        ids[i] = 1000 + i;
        at[i] = i / SIDE;
        at[N + i] = i % SIDE;
    }
    return (nm_build){.pre = slots,
                      .post = slots,
                      .n_pre = N,
                      .n_post = N,
                      .id = ids,
                      .n_rows = N,
                      .seed = 5,
                      .n_partitions = 1,
                      .partition_width = N};
}

static nm_cells grid(double around, double reach) {
    int64_t n = 0;
    for (int axis = 0; axis < 2; axis++) {
        period[axis] = around;
        width[axis] = around > 0.0 ? around / CELLS : 3.0;
    }
    for (int cell = 0; cell < CELLS * CELLS; cell++) {
        start[cell] = n;
        for (int i = 0; i < N; i++)
            if ((int)(at[i] / width[0]) == cell / CELLS && (int)(at[N + i] / width[1]) == cell % CELLS)
                in_cells[n++] = i;
    }
    start[CELLS * CELLS] = n;
    for (int k = 0; k < N; k++) {
        sorted[k] = at[in_cells[k]];
        sorted[N + k] = at[N + in_cells[k]];
    }
    return (nm_cells){.n_axes = 2,
                      .pre_position = at,
                      .post_position = sorted,
                      .post = in_cells,
                      .period = period,
                      .corner = corner,
                      .width = width,
                      .count = count,
                      .start = start,
                      .reach = reach};
}

static double apart(double a, double b, double around) {
    const double d = a > b ? a - b : b - a;
    return around > 0.0 && around - d < d ? around - d : d;
}

static int expected(double around, double radius) {
    int n = 0;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            const double x = apart(at[i], at[k], around), y = apart(at[N + i], at[N + k], around);
            n += i != k && x * x + y * y <= radius * radius;
        }
    return n;
}

static int sources_ascend_and_pairs_are_near(int64_t n, double around, double radius) {
    int fine = 1;
    for (int64_t s = 0; s < n; s++) {
        const double x = apart(at[pre[s]], at[post[s]], around),
                     y = apart(at[N + pre[s]], at[N + post[s]], around);
        fine &= pre[s] != post[s] && x * x + y * y <= radius * radius && (s == 0 || pre[s] >= pre[s - 1]);
    }
    return fine;
}

static void all_pairs_within_the_radius(void) {
    const double arounds[] = {0.0, SIDE}, radii[] = {0.5, 1.0, 2.5, 3.0};
    for (int w = 0; w < 2; w++)
        for (int r = 0; r < 4; r++) {
            nm_build build = everyone();
            nm_cells cells = grid(arounds[w], radii[r] + 1e-9);
            const nm_law law = {.kind = NM_LAW_CONSTANT, .p_center = 1.0, .radius = radii[r]};
            int64_t source = 0, n = nm_build_near(&build, &cells, &law, &source, ROOM, pre, post);
            CHECK(source == N && n == expected(arounds[w], radii[r]));
            CHECK(sources_ascend_and_pairs_are_near(n, arounds[w], radii[r]));
        }
}

static void a_source_beyond_all_cells_has_no_pair(void) {
    const double outside[] = {1000.0, -1000.0};
    for (int k = 0; k < 4; k++) {
        nm_build build = everyone();
        const nm_cells cells = grid(0.0, 2.0);
        const nm_law law = {.kind = NM_LAW_CONSTANT, .p_center = 1.0, .radius = 2.0};
        int64_t source = 0;
        at[N * (k / 2)] = outside[k % 2];
        const int64_t n = nm_build_near(&build, &cells, &law, &source, ROOM, pre, post);
        CHECK(source == N && n > N && pre[0] == 1);
    }
}

static void little_room_takes_more_calls(void) {
    nm_build build = everyone();
    nm_cells cells = grid(SIDE, 3.1);
    const nm_law law = {.kind = NM_LAW_GAUSSIAN, .p_center = 0.9, .scale = 2.0, .radius = 3.0};
    int64_t source = 0;
    const int64_t whole = nm_build_near(&build, &cells, &law, &source, ROOM, pre, post);
    int64_t total = 0, calls = 0;
    for (source = 0; source < N; calls++) {
        const int64_t room = N + 40;
        pre[room] = post[room] = GUARD;
        const int64_t n = nm_build_near(&build, &cells, &law, &source, room, pre, post);
        CHECK(n <= room && pre[room] == GUARD && post[room] == GUARD);
        total += n;
    }
    CHECK(calls > 20 && total == whole && whole > N && whole < expected(SIDE, 3.0));
}

static void chosen_partners_are_distinct_and_counted(void) {
    nm_build build = everyone();
    int64_t n = 0;
    for (int i = 0; i < N; i++)
        n += degree[i] = i % 6;
    for (int distinct = 0; distinct < 2; distinct++)
        for (int of_sources = 0; of_sources < 2; of_sources++) {
            chosen[n] = GUARD;
            mark[N / 64 + 1] = 0xABCD;
            CHECK(nm_build_chosen(&build, of_sources, degree, distinct, mark, chosen, &error) == NM_OK);
            CHECK(chosen[n] == GUARD && mark[N / 64 + 1] == 0xABCD);
            int fine = 1;
            for (int64_t i = 0, first = 0; i < N; first += degree[i++])
                for (int64_t k = first; k < first + degree[i]; k++) {
                    fine &= chosen[k] >= 0 && chosen[k] < N && chosen[k] != i;
                    for (int64_t other = first; distinct && other < k; other++)
                        fine &= chosen[other] != chosen[k];
                }
            for (int k = 0; k < N / 64 + 1; k++)
                fine &= mark[k] == 0;
            CHECK(fine);
        }
}

static void too_few_partners_are_named(void) {
    nm_build build = everyone();
    build.n_post = 4;
    for (int i = 0; i < N; i++)
        degree[i] = 4;
    degree[0] = 3; /* without itself */
    CHECK(nm_build_chosen(&build, 1, degree, 1, mark, chosen, &error) == NM_ERR_BAD_VALUE);
    CHECK(error.index == 1 && error.field == -2);
    degree[0] = -1;
    CHECK(nm_build_chosen(&build, 1, degree, 0, mark, chosen, &error) == NM_ERR_BAD_VALUE &&
          error.index == 0);
    degree[0] = 1, build.n_post = 1; /* which is source 0 itself */
    CHECK(nm_build_chosen(&build, 1, degree, 0, mark, chosen, &error) == NM_ERR_BAD_VALUE &&
          error.index == 0 && error.value == 1.0);
    slots[7] = slots[6];
    CHECK(nm_build_chosen(&build, 1, degree, 0, mark, chosen, &error) == NM_ERR_BAD_LAYOUT);
}

static const nm_test tests[] = {
    TEST(all_pairs_within_the_radius),  TEST(a_source_beyond_all_cells_has_no_pair),
    TEST(little_room_takes_more_calls), TEST(chosen_partners_are_distinct_and_counted),
    TEST(too_few_partners_are_named),   {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
