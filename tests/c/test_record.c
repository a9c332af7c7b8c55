/* nm_record: what is written, where, and when there is room.
 * SPDX-License-Identifier: MIT */
#include "nm_record.h"
#include "testlib.h"

static void room_is_for_a_step_in_which_all_fire(void) {
    nm_spike_record record = {.capacity = 10, .n = 2};
    CHECK(nm_record_room(&record, 4) == 2);
    CHECK(nm_record_room(&record, 5) == 1);
    CHECK(nm_record_room(&record, 9) == 0);
    record.n = 6; /* more than half full */
    CHECK(nm_record_room(&record, 1) == 0);
}

static void spikes_are_appended_with_step_and_id(void) {
    const int64_t id[] = {10, 11, 15, 20};
    const int32_t first[] = {0, 3}, second[] = {2};
    int64_t step[4] = {0}, spike[4] = {0};
    nm_spike_record record = {.step = step, .id = spike, .capacity = 4};
    nm_record_spikes(&record, 7, first, 2, id);
    nm_record_spikes(&record, 8, second, 1, id);
    nm_record_spikes(&record, 9, second, 0, id);
    CHECK(record.n == 3);
    CHECK(step[0] == 7 && step[1] == 7 && step[2] == 8 && step[3] == 0);
    CHECK(spike[0] == 10 && spike[1] == 20 && spike[2] == 15 && spike[3] == 0);
}

static void unwanted_neurons_leave_no_entry(void) {
    const uint8_t wanted[] = {0, 1, 0, 1};
    const int64_t id[] = {10, 11, 15, 20};
    const int32_t fired[] = {0, 1, 2, 3};
    int64_t step[4] = {0}, spike[4] = {0};
    nm_spike_record record = {.wanted = wanted, .step = step, .id = spike, .capacity = 4};
    nm_record_spikes(&record, 1, fired, 4, id);
    CHECK(record.n == 2);
    CHECK(spike[0] == 11 && spike[1] == 20 && spike[2] == 0);
}

static void samples_are_taken_every_so_many_steps(void) {
    const double column[] = {0.5, 1.5, 2.5};
    const int64_t index[] = {2, 0};
    int64_t step[2];
    double value[4];
    nm_sample_record record = {.column = column,
                               .index = index,
                               .width = 2,
                               .every = 3,
                               .step = step,
                               .value = value,
                               .capacity = 2};
    for (int64_t now = 1; now <= 8; now++)
        nm_record_sample(&record, now);
    CHECK(record.n == 2);
    CHECK(step[0] == 3 && step[1] == 6);
    CHECK(value[0] == 2.5 && value[1] == 0.5 && value[2] == 2.5 && value[3] == 0.5);
}

static void float_columns_are_widened(void) {
    const float column[] = {0.1f, 0.2f};
    const int64_t index[] = {1};
    int64_t step[1];
    double value[1];
    nm_sample_record record = {.column = column,
                               .is_float32 = 1,
                               .index = index,
                               .width = 1,
                               .every = 1,
                               .step = step,
                               .value = value,
                               .capacity = 1};
    nm_record_sample(&record, 1);
    CHECK(value[0] == (double)0.2f);
}

static void whole_numbers_are_widened(void) {
    const int64_t column[] = {7, -3};
    const int64_t index[] = {1, -1};
    int64_t step[1];
    double value[2];
    nm_sample_record record = {.column = column,
                               .is_int64 = 1,
                               .index = index,
                               .width = 2,
                               .every = 1,
                               .step = step,
                               .value = value,
                               .capacity = 1};
    nm_record_sample(&record, 1);
    CHECK(value[0] == -3.0 && value[1] != value[1]);
}

static const nm_test tests[] = {TEST(room_is_for_a_step_in_which_all_fire),
                                TEST(spikes_are_appended_with_step_and_id),
                                TEST(unwanted_neurons_leave_no_entry),
                                TEST(samples_are_taken_every_so_many_steps),
                                TEST(float_columns_are_widened),
                                TEST(whole_numbers_are_widened),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
