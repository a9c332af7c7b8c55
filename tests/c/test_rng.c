/* nm_rng: the authors' known answers, and that the three ways to ask for words give the same ones.
 * SPDX-License-Identifier: MIT */
#include "nm_rng.h"
#include "testlib.h"

/* philox4x32 10 of kat_vectors in the Random123 distribution */
static const struct {
    uint32_t counter[4], key[2], answer[4];
} known[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}},
    {{0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu},
     {0xffffffffu, 0xffffffffu},
     {0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}},
    {{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u},
     {0xa4093822u, 0x299f31d0u},
     {0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}},
};

static void known_answers(void) {
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        uint32_t out[4];
        nm_rng_philox(known[k].counter, known[k].key, out);
        CHECK(memcmp(out, known[k].answer, sizeof out) == 0);
    }
}

static void a_block_is_philox_of_step_id_stream_under_the_seed(void) {
    uint32_t out[4];
    nm_rng_block(0x299f31d0a4093822u, 0x03707344u, 0x13198a2eu, 0x85a308d3243f6a88u, out);
    CHECK(memcmp(out, known[2].answer, sizeof out) == 0);
}

enum { MOST = 70, GUARD = 8 };

static void fill_gives_the_words_and_nothing_else(void) {
    const uint32_t firsts[] = {0, 1, 2, 3, 4, 1001, 0xfffffff0u}; /* the last one wraps around */
    for (size_t f = 0; f < sizeof firsts / sizeof firsts[0]; f++)
        for (size_t n = 0; n <= MOST; n++) {
            uint32_t out[MOST + GUARD];
            memset(out, 0xAB, sizeof out);
            nm_rng_fill(99, 5, firsts[f], 12, n, out);
            int same = 1;
            for (size_t i = 0; i < n; i++)
                same &= out[i] == nm_rng_word(99, 5, firsts[f] + (uint32_t)i, 12);
            for (size_t i = n; i < MOST + GUARD; i++)
                same &= out[i] == 0xABABABABu;
            CHECK(same);
        }
}

static void sequence_gives_the_blocks_of_one_id(void) {
    const uint64_t firsts[] = {0, 7, 0xfffffffeu}; /* the last one carries into the step's high word */
    for (size_t f = 0; f < sizeof firsts / sizeof firsts[0]; f++) {
        uint32_t out[4 * MOST + GUARD], expected[4];
        memset(out, 0xAB, sizeof out);
        nm_rng_sequence(99, 5, 17, firsts[f], MOST, out);
        int same = 1;
        for (size_t k = 0; k < MOST; k++) {
            nm_rng_block(99, 5, 17, firsts[f] + k, expected);
            same &= memcmp(out + 4 * k, expected, sizeof expected) == 0;
        }
        for (size_t k = 4 * MOST; k < 4 * MOST + GUARD; k++)
            same &= out[k] == 0xABABABABu;
        CHECK(same);
    }
}

/* Ids and steps that differ from word to word; ids have 40 bits. */
static void each_gives_the_block_of_its_id_and_step(void) {
    int64_t id[MOST], step[MOST];
    for (int64_t i = 0; i < MOST; i++)
        id[i] = (1000 + 17 * i) << (i % 3 * 13), step[i] = 5 + (i * 37) % 11;
    for (int n_words = 1; n_words <= 4; n_words++) {
        uint32_t out[4 * MOST + GUARD], expected[4];
        memset(out, 0xAB, sizeof out);
        nm_rng_each(99, 5, id, step, MOST, n_words, out);
        for (size_t i = 0; i < MOST; i++) {
            const uint64_t high = (uint64_t)id[i] >> 32;
            nm_rng_block(99, 5, (uint32_t)id[i], (uint64_t)step[i] | high << 56, expected);
            for (size_t k = 0; k < (size_t)n_words; k++)
                CHECK(out[k * MOST + i] == expected[k]);
        }
        for (size_t k = (size_t)n_words * MOST; k < 4 * MOST + GUARD; k++)
            CHECK(out[k] == 0xABABABABu);
    }
}

static void uniforms_are_inside_the_open_interval(void) {
    CHECK(nm_uniform(0) > 0.0);
    CHECK(nm_uniform(UINT32_MAX) < 1.0);
    CHECK(nm_uniform(0x80000000u) == 0.5 + 0.5 / 4294967296.0);
}

static void streams_of_different_salts_differ(void) {
    CHECK(nm_stream(NM_STREAM_CONNECT, 0) == NM_STREAM_CONNECT);
    CHECK(nm_stream(NM_STREAM_CONNECT, 1) != nm_stream(NM_STREAM_CONNECT, 2));
    CHECK(nm_stream(NM_STREAM_CONNECT, 1) != nm_stream(NM_STREAM_WEIGHT, 1));
}

static const nm_test tests[] = {TEST(known_answers),
                                TEST(a_block_is_philox_of_step_id_stream_under_the_seed),
                                TEST(fill_gives_the_words_and_nothing_else),
                                TEST(sequence_gives_the_blocks_of_one_id),
                                TEST(each_gives_the_block_of_its_id_and_step),
                                TEST(uniforms_are_inside_the_open_interval),
                                TEST(streams_of_different_salts_differ),
                                {NULL, NULL}};

int main(int argc, char **argv) {
    return nm_test_main(tests, argc, argv);
}
