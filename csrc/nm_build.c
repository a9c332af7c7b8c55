/* Who is connected to whom. Draws are keyed by ids, never by slots, so adding neurons elsewhere moves
 * nothing: word k of a source (probability, out-degree) or of a target (in-degree) is word k of its own
 * sequence. SPDX-License-Identifier: MIT */
#include "nm_build.h"
#include "nm_clones.h"
#include "nm_math.h"
#include "nm_rng.h"

#include <string.h>

enum {
    BATCH = 512,      /* draws at a time: words, gaps and a row's targets stay in L1 */
    NARROW = 1 << 16, /* bounded draws below this use 32 bits, above 64 */
    INSERTION = 24,   /* below this length insertion sort beats another radix pass */
    RADIX = 256
};

/* ---- the door ------------------------------------------------------------------------------------ */

/* Slots ascending without repeats, ids in range. field: 0 pre, 1 post, 2 id. */
static int check_slots(const int32_t *slot, int64_t n, const int64_t *id, int64_t field, nm_error *error) {
    for (int64_t i = 0; i < n; i++) {
        if (slot[i] < 0)
            return nm_fail(error, NM_ERR_BAD_INDEX, i, field, (double)slot[i]);
        if (i > 0 && slot[i] <= slot[i - 1])
            return nm_fail(error, NM_ERR_BAD_LAYOUT, i, field, (double)slot[i]);
        if (id[slot[i]] < 0 || id[slot[i]] > UINT32_MAX) /* an id is one word of the counter */
            return nm_fail(error, NM_ERR_TOO_LARGE, slot[i], 2, (double)id[slot[i]]);
    }
    return NM_OK;
}

static int check_build(const nm_build *build, nm_error *error) {
    int status = check_slots(build->pre, build->n_pre, build->id, 0, error);
    if (status == NM_OK)
        status = check_slots(build->post, build->n_post, build->id, 1, error);
    if (status != NM_OK || build->n_pre == 0)
        return status;
    if (build->n_post >= INT32_MAX)
        return nm_fail(error, NM_ERR_TOO_LARGE, -1, 1, (double)build->n_post);
    if (build->pre[0] < build->pre_first)
        return nm_fail(error, NM_ERR_BAD_INDEX, 0, 0, (double)build->pre[0]);
    if (build->pre[build->n_pre - 1] >= build->pre_first + build->n_rows)
        return nm_fail(error, NM_ERR_BAD_INDEX, build->n_pre - 1, 0, (double)build->pre[build->n_pre - 1]);
    return NM_OK;
}

/* ---- the neuron itself, left out ----------------------------------------------------------------- */

/* The candidates of one neuron: a list of `n` slots less, where autapses are not wanted, its own. Candidate c
 * is list[c + (c >= hole)], so leaving one out costs no redraw and favours nobody. */
typedef struct candidates {
    const int32_t *list;
    int64_t n;    /* how many are left */
    int64_t hole; /* position of the one left out; n where none is */
} candidates;

/* For slots asked in ascending order; *at is the caller's place in the list, 0 at first. */
static candidates candidates_of(int32_t slot, const int32_t *list, int64_t n, int64_t autapses, int64_t *at) {
    while (*at < n && list[*at] < slot)
        ++*at;
    if (autapses || *at == n || list[*at] != slot)
        return (candidates){.list = list, .n = n, .hole = n};
    return (candidates){.list = list, .n = n - 1, .hole = *at};
}

static inline int32_t candidate(const candidates *from, int64_t c) {
    return from->list[c + (c >= from->hole)];
}

/* ---- probability: the gaps between a row's targets are geometric --------------------------------- */

typedef struct gap_law {
    double per_log; /* 1 / log(1 - p) */
    int wide;       /* 1: 52-bit uniforms, two words a draw */
} gap_law;

static gap_law law_of(double p) {
    if (p >= 1e-3)
        /* 32-bit uniforms: the longest gap is 22 / p, which a row passes by once in 4e9 draws */
        return (gap_law){.per_log = 1.0 / nm_log(1.0 - p), .wide = 0};
    /* log(1 - p) without the cancellation of 1 - p; the next term is 1e-18 of the first */
    double log_rest = -p * (1.0 + p * (1.0 / 2.0 + p * (1.0 / 3.0 + p * (1.0 / 4.0 + p * (1.0 / 5.0)))));
    return (gap_law){.per_log = 1.0 / log_rest, .wide = 1};
}

/* step[k] = 1 + floor(log(u) / log(1 - p)), at most `limit`: distance from one target to the next. */
NM_CLONES static void narrow_steps(const uint32_t *restrict word, int64_t n, double per_log, double limit,
                                   int32_t *restrict step) {
    for (int64_t k = 0; k < n; k++) {
        double gap = nm_log(nm_uniform(word[k])) * per_log + 1.0;
        step[k] = (int32_t)(gap < limit ? gap : limit);
    }
}

NM_CLONES static void wide_steps(const uint32_t *restrict word, int64_t n, double per_log, double limit,
                                 int32_t *restrict step) {
    for (int64_t k = 0; k < n; k++) {
        uint64_t bits = ((uint64_t)word[2 * k] << 20) | (word[2 * k + 1] >> 12);
        /* (bits + 1/2) / 2^52, exactly, by way of [1, 2) */
        double uniform = nm_from_bits(0x3FF0000000000000u | bits) - (1.0 - 1.0 / 9007199254740992.0);
        double gap = nm_log(uniform) * per_log + 1.0;
        step[k] = (int32_t)(gap < limit ? gap : limit);
    }
}

/* Steps first .. first + n - 1 of a source's sequence; first and n are multiples of 4. */
static void draw_steps(const nm_build *build, uint32_t id, gap_law law, int64_t first, int64_t n,
                       double limit, int32_t *step) {
    uint32_t word[2 * BATCH], stream = nm_stream(NM_STREAM_CONNECT, build->salt);
    if (law.wide) {
        nm_rng_sequence(build->seed, stream, id, (uint64_t)first / 2, (size_t)n / 2, word);
        wide_steps(word, n, law.per_log, limit, step);
    } else {
        nm_rng_sequence(build->seed, stream, id, (uint64_t)first / 4, (size_t)n / 4, word);
        narrow_steps(word, n, law.per_log, limit, step);
    }
}

NM_CLONES static int64_t total(const int32_t *step, int64_t n) {
    int64_t sum = 0;
    for (int64_t k = 0; k < n; k++)
        sum += step[k];
    return sum;
}

/* Draws that the rest of a row will take, and a few more: 0.1 of a batch is wasted, not half of one. */
static int64_t draws_ahead(double left, double p) {
    double n = left * p + 16.0;
    return n < (double)BATCH ? (int64_t)n & ~(int64_t)3 : BATCH;
}

/* One row into out[0 .. room - 1] (NULL: only count). Its length, or -1 if there is no room. */
static int64_t draw_row(const nm_build *build, const candidates *from, uint32_t id, double p, gap_law law,
                        int32_t *out, int64_t room) {
    int32_t step[BATCH];
    int64_t at = -1, length = 0, first = 0;
    while (at < from->n) {
        int64_t n = draws_ahead((double)(from->n - 1 - at), p), k = 0;
        draw_steps(build, id, law, first, n, (double)from->n + 1.0, step);
        first += n;
        if (out == NULL) {
            int64_t sum = total(step, n);
            if (at + sum < from->n) { /* the whole batch fits */
                at += sum;
                length += n;
                continue;
            }
            for (; k < n && (at += step[k]) < from->n; k++)
                length++;
        } else {
            int64_t fits = n < room - length ? n : room - length;
            for (; k < fits && (at += step[k]) < from->n; k++)
                out[length++] = candidate(from, at);
            /* No room left: right if the row is over with the next step. */
            if (k == fits && fits < n && at < from->n && (at += step[k]) < from->n)
                return -1;
        }
    }
    return length;
}

/* p = 1, where log(1 - p) is not: every candidate. */
static int64_t whole_row(const candidates *from, int32_t *out, int64_t room) {
    if (out == NULL)
        return from->n;
    if (from->n > room)
        return -1;
    for (int64_t c = 0; c < from->n; c++)
        out[c] = candidate(from, c);
    return from->n;
}

int nm_build_probability(const nm_build *build, double p, int64_t *row_start, int32_t *targets,
                         nm_error *error) {
    if (!(p >= 0.0 && p <= 1.0))
        return nm_fail(error, NM_ERR_BAD_VALUE, -1, -1, p);
    int status = check_build(build, error);
    if (status != NM_OK)
        return status;
    gap_law law = law_of(p);
    int64_t room = targets == NULL ? 0 : row_start[build->n_rows], n = 0, row = 0, at = 0;
    for (int64_t i = 0; i < build->n_pre && p > 0.0; i++) {
        int32_t slot = build->pre[i];
        candidates from = candidates_of(slot, build->post, build->n_post, build->autapses, &at);
        for (; row <= slot - build->pre_first; row++)
            row_start[row] = n;
        int32_t *out = targets == NULL ? NULL : targets + n;
        int64_t length = p == 1.0 ? whole_row(&from, out, room - n)
                                  : draw_row(build, &from, (uint32_t)build->id[slot], p, law, out, room - n);
        if (length < 0)
            return nm_fail(error, NM_ERR_TOO_LARGE, slot, -1, (double)room);
        n += length;
    }
    for (; row <= build->n_rows; row++)
        row_start[row] = n;
    return NM_OK;
}

/* ---- fixed degrees ------------------------------------------------------------------------------- */

/* Integers in [0, bound) by multiplying high: no redraws. Each value's probability is off by less than
 * bound / 2^32 of itself, and 2^-16 = 1.5e-5 is allowed: above, 64 bits are used and it is below 2^-33. */
NM_CLONES static void narrow_bounded(const uint32_t *restrict word, int64_t n, uint32_t bound,
                                     int32_t *restrict out) {
    for (int64_t k = 0; k < n; k++)
        out[k] = (int32_t)(((uint64_t)word[k] * bound) >> 32);
}

NM_CLONES static void wide_bounded(const uint32_t *restrict word, int64_t n, uint32_t bound,
                                   int32_t *restrict out) {
    for (int64_t k = 0; k < n; k++) {
        uint64_t low = ((uint64_t)word[2 * k + 1] * bound) >> 32;
        out[k] = (int32_t)(((uint64_t)word[2 * k] * bound + low) >> 32);
    }
}

/* Draws first .. first + n - 1 of one neuron; first is a multiple of 4, n <= BATCH. */
static void draw_bounded(const nm_build *build, uint32_t id, int64_t bound, int64_t first, int64_t n,
                         int32_t *out) {
    uint32_t word[2 * BATCH], stream = nm_stream(NM_STREAM_CONNECT, build->salt);
    if (bound > NARROW) {
        nm_rng_sequence(build->seed, stream, id, (uint64_t)first / 2, (size_t)(n + 1) / 2, word);
        wide_bounded(word, n, (uint32_t)bound, out);
    } else {
        nm_rng_sequence(build->seed, stream, id, (uint64_t)first / 4, (size_t)(n + 3) / 4, word);
        narrow_bounded(word, n, (uint32_t)bound, out);
    }
}

static int check_degree(const nm_build *build, int64_t degree, nm_error *error) {
    if (degree < 0)
        return nm_fail(error, NM_ERR_BAD_VALUE, -1, -1, (double)degree);
    return check_build(build, error);
}

/* Each neuron of `of` needs a candidate in `list`. */
static int check_candidates(const int32_t *of, int64_t n_of, const int32_t *list, int64_t n_list,
                            int64_t autapses, nm_error *error) {
    if (n_list > 1 || (n_list == 1 && autapses))
        return NM_OK;
    int64_t at = 0;
    for (int64_t i = 0; i < n_of; i++)
        if (candidates_of(of[i], list, n_list, autapses, &at).n == 0)
            return nm_fail(error, NM_ERR_BAD_VALUE, of[i], -2, 0.0);
    return NM_OK;
}

/* All sources of one target: counted into next[row], or the target's slot written at targets[next[row]++]. */
static void draw_sources(const nm_build *build, const candidates *from, int32_t target, int64_t degree,
                         int64_t *next, int32_t *targets) {
    int32_t drawn[BATCH];
    for (int64_t first = 0; first < degree; first += BATCH) {
        int64_t n = degree - first < BATCH ? degree - first : BATCH;
        draw_bounded(build, (uint32_t)build->id[target], from->n, first, n, drawn);
        if (targets == NULL)
            for (int64_t k = 0; k < n; k++)
                next[candidate(from, drawn[k]) - build->pre_first]++;
        else
            for (int64_t k = 0; k < n; k++)
                targets[next[candidate(from, drawn[k]) - build->pre_first]++] = target;
    }
}

int nm_build_in_degree(const nm_build *build, int64_t degree, int64_t *row_start, int32_t *targets,
                       nm_error *error) {
    int status = check_degree(build, degree, error);
    if (status == NM_OK && degree > 0)
        status =
            check_candidates(build->post, build->n_post, build->pre, build->n_pre, build->autapses, error);
    if (status != NM_OK)
        return status;
    /* Counting sort by source; targets come in ascending order, so rows are sorted. To fill, row_start[r]
     * serves as the place of row r's next synapse and ends as the start of row r + 1. */
    int64_t *next = targets == NULL ? row_start + 1 : row_start;
    int64_t at = 0;
    if (targets == NULL)
        memset(row_start, 0, (size_t)(build->n_rows + 1) * sizeof *row_start);
    for (int64_t i = 0; i < build->n_post && degree > 0; i++) {
        candidates from = candidates_of(build->post[i], build->pre, build->n_pre, build->autapses, &at);
        draw_sources(build, &from, build->post[i], degree, next, targets);
    }
    if (targets == NULL)
        for (int64_t row = 0; row < build->n_rows; row++)
            row_start[row + 1] += row_start[row];
    else {
        memmove(row_start + 1, row_start, (size_t)build->n_rows * sizeof *row_start);
        row_start[0] = 0;
    }
    return NM_OK;
}

static void insertion_sort(int32_t *value, int64_t n) {
    for (int64_t i = 1; i < n; i++) {
        int32_t moved = value[i];
        int64_t k = i;
        for (; k > 0 && value[k - 1] > moved; k--)
            value[k] = value[k - 1];
        value[k] = moved;
    }
}

/* Ascending, in place: one pass over the 8 bits above `shift` that puts each value into its bucket (McIlroy,
 * Bostic & McIlroy 1993), then the buckets by themselves. Values are >= 0 and below 2^(shift + 8). */
static void radix_sort(int32_t *value, int64_t n, int shift) {
    int64_t next[RADIX], end[RADIX], start = 0;
    memset(end, 0, sizeof end);
    for (int64_t i = 0; i < n; i++)
        end[value[i] >> shift & (RADIX - 1)]++;
    for (int b = 0; b < RADIX; b++) {
        next[b] = start;
        start = end[b] += start;
    }
    for (int b = 0; b < RADIX; b++)
        while (next[b] < end[b]) {
            int32_t moved = value[next[b]];
            int home = moved >> shift & (RADIX - 1);
            while (home != b) { /* swap along the cycle until one comes that belongs here */
                int32_t displaced = value[next[home]];
                value[next[home]++] = moved;
                moved = displaced;
                home = moved >> shift & (RADIX - 1);
            }
            value[next[b]++] = moved;
        }
    start = 0;
    for (int b = 0; b < RADIX && shift > 0; b++) {
        int64_t length = end[b] - start;
        if (length > INSERTION)
            radix_sort(value + start, length, shift > 8 ? shift - 8 : 0);
        else
            insertion_sort(value + start, length);
        start = end[b];
    }
}

static void sort_row(int32_t *value, int64_t n, int64_t bound) {
    int shift = 0;
    while ((bound - 1) >> shift >= RADIX)
        shift++;
    if (n > INSERTION)
        radix_sort(value, n, shift);
    else
        insertion_sort(value, n);
}

static void draw_targets(const nm_build *build, const candidates *from, int32_t source, int64_t degree,
                         int32_t *out) {
    for (int64_t first = 0; first < degree; first += BATCH) {
        int64_t n = degree - first < BATCH ? degree - first : BATCH;
        draw_bounded(build, (uint32_t)build->id[source], from->n, first, n, out + first);
    }
    sort_row(out, degree, from->n);
    for (int64_t k = 0; k < degree; k++)
        out[k] = candidate(from, out[k]);
}

int nm_build_out_degree(const nm_build *build, int64_t degree, int64_t *row_start, int32_t *targets,
                        nm_error *error) {
    int status = check_degree(build, degree, error);
    if (status == NM_OK && degree > 0)
        status =
            check_candidates(build->pre, build->n_pre, build->post, build->n_post, build->autapses, error);
    if (status != NM_OK)
        return status;
    int64_t n = 0, row = 0, at = 0;
    for (int64_t i = 0; i < build->n_pre && degree > 0; i++) {
        int32_t slot = build->pre[i];
        candidates from = candidates_of(slot, build->post, build->n_post, build->autapses, &at);
        for (; row <= slot - build->pre_first; row++)
            row_start[row] = n;
        if (targets != NULL)
            draw_targets(build, &from, slot, degree, targets + n);
        n += degree;
    }
    for (; row <= build->n_rows; row++)
        row_start[row] = n;
    return NM_OK;
}
