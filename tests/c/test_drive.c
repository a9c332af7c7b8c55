/* nm_drive: tables that end before the largest word, and one count by either path.
 * SPDX-License-Identifier: MIT */
#include "nm_drive.h"
#include "nm_poisson.h"
#include "nm_quantile.h"
#include "nm_rng.h"
#include "testlib.h"

#include <math.h>

enum { N = 100, FIRST = 3, LENGTH = N + 2 * FIRST };

static int64_t id[LENGTH];
static double rate[LENGTH], weight[LENGTH], excitatory[LENGTH], inhibitory[LENGTH];
static uint32_t table[2 * NM_POISSON_TABLE];
/* the second of two pieces, so that a table or column of the wrong piece shows */
static nm_block blocks[2];
static const nm_network network = {.n_neurons = LENGTH,
                                   .blocks = blocks,
                                   .n_blocks = 2,
                                   .id = id,
                                   .drive_rate = rate,
                                   .drive_weight = weight,
                                   .drive_table = table};

static void set_up(double mean, double each_weight, int64_t driven) {
    for (int64_t slot = 0; slot < LENGTH; slot++) {
        id[slot] = 50 + slot;
        rate[slot] = mean * 1000.0;
        weight[slot] = each_weight;
        excitatory[slot] = inhibitory[slot] = 0.0;
    }
    blocks[1] = (nm_block){.first = FIRST, .n = N, .driven = driven};
    memset(table, 0, sizeof table);
    if (mean <= NM_POISSON_MEAN)
        nm_poisson_tabulate(mean, table + NM_POISSON_TABLE);
}

static void tables_rise_and_no_word_passes_their_end(void) {
    const double means[] = {0.0, 1e-12, 0.02, 1.0, NM_POISSON_MEAN};
    for (size_t m = 0; m < sizeof means / sizeof means[0]; m++) {
        uint32_t entry[NM_POISSON_TABLE];
        nm_poisson_tabulate(means[m], entry);
        int rises = 1;
        for (int k = 1; k < NM_POISSON_TABLE; k++)
            rises &= entry[k] >= entry[k - 1];
        CHECK(rises);
        CHECK(entry[NM_POISSON_TABLE - 1] == UINT32_MAX);
    }
}

static void silence_has_no_events(void) {
    uint32_t entry[NM_POISSON_TABLE];
    nm_poisson_tabulate(0.0, entry);
    CHECK(entry[0] == UINT32_MAX);
    CHECK(nm_drive_count(0.0, 1, 2, 3) == 0.0);
}

/* The count is the number of entries < word, and inversion finds the same. */
static void count_agrees_with_the_table(void) {
    const double means[] = {0.02, 0.2, 2.0, NM_POISSON_MEAN};
    for (size_t m = 0; m < sizeof means / sizeof means[0]; m++) {
        uint32_t entry[NM_POISSON_TABLE];
        nm_poisson_tabulate(means[m], entry);
        int same = 1;
        double events = 0.0;
        for (uint32_t neuron = 0; neuron < 2000; neuron++) {
            uint32_t word = nm_rng_word(4, NM_STREAM_DRIVE, neuron, 9);
            int count = 0;
            for (int k = 0; k < NM_POISSON_TABLE; k++)
                count += entry[k] < word;
            same &= nm_drive_count(means[m], 4, neuron, 9) == (double)count;
            events += count;
        }
        CHECK(same);
        CHECK(events > 0.0);
    }
}

static void both_paths_add_the_same_to_their_block_only(void) {
    const double means[] = {0.02, 2.0, NM_POISSON_MEAN};
    for (size_t m = 0; m < sizeof means / sizeof means[0]; m++) {
        double by_table[LENGTH], sum = 0.0;
        set_up(means[m], 0.25, 1);
        nm_drive_add(&network, &blocks[1], 1.0, 8, 5, 1.0, excitatory, inhibitory);
        memcpy(by_table, excitatory, sizeof by_table);
        set_up(means[m], 0.25, 2);
        nm_drive_add(&network, &blocks[1], 1.0, 8, 5, 1.0, excitatory, inhibitory);
        CHECK(memcmp(by_table, excitatory, sizeof by_table) == 0);
        for (int64_t slot = 0; slot < LENGTH; slot++) {
            int outside = slot < FIRST || slot >= FIRST + N;
            double count = outside ? 0.0 : nm_drive_count(means[m], 8, (uint32_t)id[slot], 5);
            CHECK(excitatory[slot] == 0.25 * count);
            CHECK(inhibitory[slot] == 0.0);
            sum += count;
        }
        CHECK(sum > 0.0);
    }
}

static void negative_weights_arrive_at_the_inhibitory_port(void) {
    for (int64_t driven = 1; driven <= 2; driven++) {
        set_up(2.0, -0.5, driven);
        weight[FIRST + 1] = 0.5;
        nm_drive_add(&network, &blocks[1], 1.0, 8, 5, 1.0, excitatory, inhibitory);
        for (int64_t slot = FIRST; slot < FIRST + N; slot++) {
            double events = 0.5 * nm_drive_count(2.0, 8, (uint32_t)id[slot], 5);
            CHECK(excitatory[slot] == (slot == FIRST + 1 ? events : 0.0));
            CHECK(inhibitory[slot] == (slot == FIRST + 1 ? 0.0 : -events));
        }
    }
}

/* Uniform noise alone is added to the current that is there, or is the whole of a current that is not. */
static void uniform_noise_is_added_to_what_is_there(void) {
    static double wide[LENGTH], plain[N], added[N];
    nm_network noisy = network;
    for (int64_t slot = 0; slot < LENGTH; slot++)
        wide[slot] = 2.0;
    noisy.drive_uniform = wide;
    set_up(0.0, 0.0, 0);
    blocks[1].noisy = 2;
    int differs = 0;
    for (int i = 0; i < N; i++)
        plain[i] = 7.0, added[i] = 3.0;
    nm_drive_noise(&noisy, &blocks[1], 1.0, 8, 5, 1.0, plain, 1);
    nm_drive_noise(&noisy, &blocks[1], 1.0, 8, 5, 1.0, added, 0);
    for (int i = 0; i < N; i++) {
        CHECK(fabs(added[i] - 3.0 - plain[i]) < 1e-12);
        differs |= plain[i] != plain[0];
    }
    CHECK(differs);
}

static void undriven_blocks_get_nothing(void) {
    set_up(2.0, 0.5, 0);
    nm_drive_add(&network, &blocks[1], 1.0, 8, 5, 1.0, excitatory, inhibitory);
    for (int64_t slot = 0; slot < LENGTH; slot++)
        CHECK(excitatory[slot] == 0.0 && inhibitory[slot] == 0.0);
}

/* Ids with a gap (a neuron was removed) draw what they drew before. */
static void a_gap_in_the_ids_changes_no_draw(void) {
    set_up(2.0, 1.0, 1);
    for (int64_t slot = FIRST + 10; slot < LENGTH; slot++)
        id[slot]++;
    nm_drive_add(&network, &blocks[1], 1.0, 8, 5, 1.0, excitatory, inhibitory);
    for (int64_t slot = FIRST; slot < FIRST + N; slot++)
        CHECK(excitatory[slot] == nm_drive_count(2.0, 8, (uint32_t)id[slot], 5));
}

static void large_means_have_mean_and_variance(void) {
    const double means[] = {20.5, 130.0, 1000.0, 65537.0, 1e9}; /* by parts, then by the normal deviate */
    const int n = 20000;
    for (size_t m = 0; m < sizeof means / sizeof means[0]; m++) {
        double mean = means[m], sum = 0.0, square = 0.0;
        for (int k = 0; k < n; k++) {
            double off = nm_drive_count(mean, 3, (uint32_t)(k % 100), (uint64_t)(k / 100)) - mean;
            sum += off;
            square += off * off;
        }
        /* standard errors: sqrt(mean / n), and of the variance mean * sqrt(2 / n) nearly; 4.5 of them */
        CHECK(fabs(sum / n) < 4.5 * sqrt(mean / n));
        CHECK(fabs(square / n / mean - 1.0) < 4.5 * sqrt((2.0 + 1.0 / mean) / n));
    }
}

/* Of each neuron: white noise of size s is s / sqrt(dt) in a step, and that of a step adds its variance. */
static void noise_is_drawn_from_the_words(void) {
    static double white[LENGTH], per_step[LENGTH];
    const double dt = 0.25, factor = 1.5;
    nm_network noisy = network;
    noisy.drive_noise = noisy.drive_uniform = white;
    noisy.drive_noise_per_step = noisy.drive_uniform_per_step = per_step;
    set_up(0.0, 1.0, 0);
    for (int64_t slot = 0; slot < LENGTH; slot++)
        white[slot] = 0.3 + 0.01 * (double)slot, per_step[slot] = 0.7;
    for (int flat = 0; flat <= 1; flat++)
        for (int both = 0; both <= 1; both++) {
            double current[N];
            uint32_t word[N];
            float deviate[N];
            blocks[1].noisy = (flat ? 2 : 1) | (both ? (flat ? 8 : 4) : 0);
            nm_drive_noise(&noisy, &blocks[1], dt, 8, 5, factor, current, 1);
            nm_drive_words(&noisy, &blocks[1], 8, flat ? NM_STREAM_NOISE_FLAT : NM_STREAM_NOISE, 5, word);
            nm_quantile_fill(word, N, deviate);
            for (int i = 0; i < N; i++) {
                const double size = sqrt(white[FIRST + i] * white[FIRST + i] / dt + (both ? 0.49 : 0.0));
                const double drawn = flat ? 2.0 * nm_uniform(word[i]) - 1.0 : (double)deviate[i];
                CHECK(fabs(current[i] - factor * size * drawn) < 1e-12);
            }
        }
}

static const nm_test tests[] = {TEST(tables_rise_and_no_word_passes_their_end),
                                TEST(silence_has_no_events),
                                TEST(count_agrees_with_the_table),
                                TEST(both_paths_add_the_same_to_their_block_only),
                                TEST(negative_weights_arrive_at_the_inhibitory_port),
                                TEST(undriven_blocks_get_nothing),
                                TEST(a_gap_in_the_ids_changes_no_draw),
                                TEST(large_means_have_mean_and_variance),
                                TEST(noise_is_drawn_from_the_words),
                                TEST(uniform_noise_is_added_to_what_is_there),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
