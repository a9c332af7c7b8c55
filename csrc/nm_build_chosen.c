/* Degrees that differ between neurons, and distinct partners: for each neuron, so many of the others.
 * SPDX-License-Identifier: MIT */
#include "nm_build.h"
#include "nm_build_row.h"
#include "nm_rng.h"

enum { BATCH = NM_BUILD_BATCH, NARROW = 1 << 16 }; /* bounds above NARROW take 64-bit draws */

/* The draws of one neuron, in order. */
typedef struct draws {
    uint64_t seed;
    uint32_t stream, id;
    int64_t words; /* of a draw: 1 or 2 */
    int64_t block; /* the next to be computed */
    int64_t at;    /* the next word of the batch */
    uint32_t word[4 * (BATCH / 4)];
} draws;

/* An integer in [0, bound), by multiply-high. */
static int64_t draw(draws *from, int64_t bound) {
    if (from->at == BATCH) {
        nm_rng_sequence(from->seed, from->stream, from->id, (uint64_t)from->block, BATCH / 4, from->word);
        from->block += BATCH / 4;
        from->at = 0;
    }
    const uint64_t high = (uint64_t)from->word[from->at] * (uint64_t)bound;
    const uint64_t low = from->words == 2 ? (uint64_t)from->word[from->at + 1] * (uint64_t)bound >> 32 : 0;
    from->at += from->words;
    return (int64_t)((high + low) >> 32);
}

static int is_marked(const uint64_t *mark, int64_t c) {
    return mark[c / 64] >> (c % 64) & 1;
}

/* Floyd's sample of `count` distinct candidates (Bentley & Floyd 1987, doi:10.1145/30401.315746): one draw each.
 * mark: all 0, before and after. */
static void choose_distinct(draws *from, int64_t n, int64_t count, uint64_t *mark, int32_t *out) {
    for (int64_t k = 0, top = n - count; k < count; k++, top++) {
        int64_t c = draw(from, top + 1);
        if (is_marked(mark, c))
            c = top;
        mark[c / 64] |= (uint64_t)1 << (c % 64);
        out[k] = (int32_t)c;
    }
    for (int64_t k = 0; k < count; k++)
        mark[out[k] / 64] = 0;
}

int nm_build_chosen(const nm_build *build, int of_sources, const int64_t *count, int distinct, uint64_t *mark,
                    int32_t *chosen, nm_error *error) {
    int status = nm_build_check(build, error);
    if (status != NM_OK)
        return status;
    const int32_t *of = of_sources ? build->pre : build->post, *list = of_sources ? build->post : build->pre;
    const int64_t n_of = of_sources ? build->n_pre : build->n_post,
                  n_list = of_sources ? build->n_post : build->n_pre;
    int64_t at = 0, since = 0;
    for (int64_t i = 0; i < n_of; chosen += count[i++]) {
        nm_candidates from = nm_candidates_of(of[i], list, n_list, build->autapses, &at);
        if (count[i] < 0 || (count[i] > 0 && from.n == 0) || (distinct && count[i] > from.n))
            return nm_fail(error, NM_ERR_BAD_VALUE, of[i], -2, (double)count[i]);
        draws own = {.seed = build->seed,
                     .stream = nm_stream(NM_STREAM_CONNECT, build->salt),
                     .id = (uint32_t)build->id[of[i]],
                     .words = from.n > NARROW ? 2 : 1,
                     .at = BATCH};
        if (distinct)
            choose_distinct(&own, from.n, count[i], mark, chosen);
        else
            for (int64_t k = 0; k < count[i]; k++)
                chosen[k] = (int32_t)draw(&own, from.n);
        for (int64_t k = 0; k < count[i]; k++)
            chosen[k] = nm_candidate(&from, chosen[k]);
        if (nm_build_is_interrupted(build, count[i], &since))
            return NM_STOP_INTERRUPTED;
    }
    return NM_OK;
}
