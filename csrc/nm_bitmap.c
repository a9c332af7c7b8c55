/* SPDX-License-Identifier: MIT */
#include "nm_bitmap.h"
#include "nm_loop.h"

#include <math.h>
#include <string.h>

/* Bitmaps are added seven at a time, since the sum of seven bits has three bits. The sums accumulate in
 * PLANES bit planes, so one pass adds up to 63 bitmaps. A cache line has 8 words. */
enum {
    SEVEN = 7,
    PLANES = 6,
    FIELDS = 8, /* the power of two above PLANES */
    PASS = 63,
    WIDEST = 65536 / 64,
    LINE_WORDS = 8,
    AHEAD = 14,
    LANES = 16,
    MOST = 65535
};

/* At a density of one neuron in 24, delivery over the list takes as long as over the bits, and the list
 * twice the memory of the bits. */
enum { THINNEST = 24 };

static const uint64_t no_row[WIDEST];

/* ---- building -------------------------------------------------------------------------------------- */

int64_t nm_bitmap_words(int64_t partition_width) {
    const int64_t line = 64 * LINE_WORDS;
    return (partition_width + line - 1) / line * LINE_WORDS;
}

int64_t nm_bitmap_counts(int64_t partition_width) {
    return nm_bitmap_words(partition_width) * LANES;
}

/* Position of the lane's lowest bit in its word. Lanes are read from memory as 16-bit numbers, hence the
 * two byte orders. */
static int lane_shift(int64_t lane) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return (int)(48 - 16 * (lane % 4));
#else
    return (int)(16 * (lane % 4));
#endif
}

int nm_bitmap_pays(int64_t n_synapses, int64_t n_rows, int64_t n_neurons, int64_t extras) {
    return n_synapses > 0 && n_synapses * THINNEST >= n_rows * n_neurons && extras * 4 <= n_synapses;
}

int64_t nm_bitmap_worth(const nm_projection *p, int64_t n_neurons, int64_t n_buckets, int part,
                        int64_t *extra_start) {
    const int64_t n = p->run_start[p->n_runs];
    int64_t most = 1, extras = 0;
    if (p->bucket_run != NULL || p->rule != NULL || p->short_term != NULL || n < 1 ||
        (!part && !nm_bitmap_pays(n, p->n_rows, n_neurons, 0)))
        return 0;
    for (int64_t bucket = 0; bucket < n_buckets; bucket++) {
        extra_start[bucket] = extras;
        int64_t met = 1;
        for (int64_t s = p->run_start[bucket] + 1; s < p->run_start[bucket + 1]; s++) {
            if (p->target[s] < p->target[s - 1])
                return 0;
            met = p->target[s] == p->target[s - 1] ? met + 1 : 1;
            extras += met > 1;
            most = met > most ? met : most;
        }
    }
    extra_start[n_buckets] = extras;
    return part || nm_bitmap_pays(n, p->n_rows, n_neurons, extras) ? MOST / most : 0;
}

void nm_bitmap_fill(const nm_projection *p, int64_t n_buckets, int64_t words, uint64_t *bits,
                    uint16_t *extra) {
    const int64_t lanes = 4 * words;
    for (int64_t bucket = 0; bucket < n_buckets; bucket++) {
        uint64_t *row = bits + bucket * words;
        for (int64_t s = p->run_start[bucket]; s < p->run_start[bucket + 1]; s++) {
            const int64_t target = p->target[s], lane = target % lanes;
            const uint64_t bit = (uint64_t)1 << (lane_shift(lane) + target / lanes);
            uint64_t *word = &row[lane / 4];
            if (*word & bit)
                *extra++ = (uint16_t)target;
            *word |= bit;
        }
    }
}

/* ---- adding bitmaps -------------------------------------------------------------------------------- */

/* The bitmaps of a pass, padded with empty ones to a multiple of seven, and the lists of further synapses. */
typedef struct pass {
    const uint64_t *row[PASS + SEVEN];
    const uint16_t *extra[PASS];
    int64_t bucket[PASS], n_extra[PASS];
    int n;
} pass;

/* Full adder of three bits, for 64 positions. */
NM_INLINE void add_bits(uint64_t a, uint64_t b, uint64_t c, uint64_t *sum, uint64_t *carry) {
    *sum = a ^ b ^ c;
    *carry = (a & b) | (c & (a ^ b));
}

/* Four full adders turn the bits of seven bitmaps into a number of three bits, which is added to the
 * planes with ripple carry. */
NM_INLINE void add_seven(const uint64_t *const *row, int64_t words, const int n_planes,
                         uint64_t (*restrict plane)[WIDEST]) {
    const uint64_t *a = row[0], *b = row[1], *c = row[2], *d = row[3], *e = row[4], *f = row[5], *g = row[6];
    NM_INDEPENDENT
    for (int64_t w = 0; w < words; w++) {
        uint64_t one, two, four, x, y, p, q, r, carry;
        add_bits(a[w], b[w], c[w], &x, &p);
        add_bits(d[w], e[w], f[w], &y, &q);
        add_bits(x, y, g[w], &one, &r);
        add_bits(p, q, r, &two, &four);
        carry = plane[0][w] & one;
        plane[0][w] ^= one;
        add_bits(plane[1][w], two, carry, &plane[1][w], &carry);
        add_bits(plane[2][w], four, carry, &plane[2][w], &carry);
        for (int k = 3; k < n_planes; k++) {
            const uint64_t both = plane[k][w] & carry;
            plane[k][w] ^= carry;
            carry = both;
        }
    }
}

/* Bits of the sum of n bits. */
static int bits_of(int n) {
    return n < 8 ? 3 : n < 16 ? 4 : n < 32 ? 5 : 6;
}

NM_INLINE void fetch_row(const uint64_t *row, int64_t words) {
    for (int64_t w = 0; w < words; w += LINE_WORDS)
        NM_FETCH(row + w);
}

static void add_rows(const pass *rows, int64_t words, uint64_t (*restrict plane)[WIDEST]) {
    for (int k = 0; k < AHEAD && k < rows->n; k++)
        fetch_row(rows->row[k], words);
    for (int k = 0; k < bits_of(rows->n); k++)
        memset(plane[k], 0, (size_t)words * sizeof **plane);
    for (int k = 0; k < rows->n; k += SEVEN) {
        for (int ahead = k + AHEAD; ahead < k + AHEAD + SEVEN && ahead < rows->n; ahead++)
            fetch_row(rows->row[ahead], words);
        switch (bits_of(k + SEVEN)) {
        case 3:
            add_seven(&rows->row[k], words, 3, plane);
            break;
        case 4:
            add_seven(&rows->row[k], words, 4, plane);
            break;
        case 5:
            add_seven(&rows->row[k], words, 5, plane);
            break;
        default:
            add_seven(&rows->row[k], words, 6, plane);
        }
    }
}

/* ---- from bits to counts --------------------------------------------------------------------------- */

/* Fields of `shift` bits: the even ones of both planes go to the first, as pairs, and the odd ones to the second. */
NM_INLINE void pair_fields(uint64_t *restrict first, uint64_t *restrict second, int64_t words,
                           const int shift, const uint64_t even) {
    for (int64_t w = 0; w < words; w++) {
        const uint64_t a = first[w], b = second[w];
        first[w] = (a & even) | (b & even) << shift;
        second[w] = (a >> shift & even) | (b & ~even);
    }
}

/* Transpose: plane k had bit k of every count; it then has, in fields of n_planes (a power of two) bits, the counts of
 * positions k, k + n_planes, ... of a lane. */
NM_INLINE void transpose(uint64_t (*restrict plane)[WIDEST], int64_t words, const int n_planes) {
    static const uint64_t even[] = {0x5555555555555555u, 0x3333333333333333u, 0x0F0F0F0F0F0F0F0Fu};
    for (int stage = 0; 1 << stage < n_planes; stage++)
        for (int k = 0; k < n_planes; k++)
            if ((k >> stage & 1) == 0)
                pair_fields(plane[k], plane[k + (1 << stage)], words, 1 << stage, even[stage]);
}

/* One field of each lane after the other. */
NM_INLINE void spread_fields(uint64_t (*restrict plane)[WIDEST], int64_t words, const int n_planes, int add,
                             uint64_t *restrict count) {
    const uint64_t field = (((uint64_t)1 << n_planes) - 1) * 0x0001000100010001u,
                   kept = add ? ~(uint64_t)0 : 0;
    transpose(plane, words, n_planes);
    for (int b = 0; b < LANES; b++)
        for (int64_t w = 0; w < words; w++)
            count[b * words + w] =
                (count[b * words + w] & kept) + (plane[b % n_planes][w] >> (b - b % n_planes) & field);
}

/* Empty planes are skipped: high counts are rare. */
static void spread(uint64_t (*restrict plane)[WIDEST], int64_t words, int n_planes, int add,
                   uint64_t *restrict count) {
    for (uint64_t any = 0; n_planes > 1 && any == 0; n_planes -= any == 0)
        for (int64_t w = 0; w < words; w++)
            any |= plane[n_planes - 1][w];
    const int n_fields = n_planes <= 2 ? n_planes : n_planes <= 4 ? 4 : 8;
    for (int k = n_planes; k < n_fields; k++)
        memset(plane[k], 0, (size_t)words * sizeof **plane);
    switch (n_fields) {
    case 1:
        spread_fields(plane, words, 1, add, count);
        break;
    case 2:
        spread_fields(plane, words, 2, add, count);
        break;
    case 4:
        spread_fields(plane, words, 4, add, count);
        break;
    default:
        spread_fields(plane, words, 8, add, count);
    }
}

/* Look up and prefetch the further synapses of a pass; the bits are added meanwhile. */
static void find_extras(const nm_bitmap *bitmap, pass *rows) {
    for (int k = 0; k < rows->n; k++) {
        const int64_t first = bitmap->extra_start[rows->bucket[k]];
        rows->extra[k] = bitmap->extra + first;
        rows->n_extra[k] = bitmap->extra_start[rows->bucket[k] + 1] - first;
        for (int64_t e = 0; e < rows->n_extra[k]; e += NM_BITMAP_READ)
            NM_FETCH(rows->extra[k] + e);
    }
}

static void add_list(const uint16_t *extra, int64_t n, uint64_t *count) {
    NM_UNROLL
    for (int64_t e = 0; e < n; e++) {
        char *at = (char *)count + (int64_t)sizeof(uint16_t) * extra[e];
        uint16_t more; /* one of the four counts of a word, in memory order */
        memcpy(&more, at, sizeof more);
        more++;
        memcpy(at, &more, sizeof more);
    }
}

/* Short lists are joined first, by copies of one size: where each of them ends, a loop over it would cost more than all
 * its additions, since the processor cannot foresee that end. */
static void add_extras(const pass *rows, uint64_t *count) {
    uint16_t joined[PASS * NM_BITMAP_READ];
    int64_t n = 0;
    for (int k = 0; k < rows->n; k++)
        if (rows->n_extra[k] <= NM_BITMAP_READ) {
            memcpy(joined + n, rows->extra[k], NM_BITMAP_READ * sizeof *joined);
            n += rows->n_extra[k];
        } else
            add_list(rows->extra[k], rows->n_extra[k], count);
    add_list(joined, n, count);
}

static void add_pass(const nm_bitmap *bitmap, pass *rows, int add, uint64_t *count) {
    uint64_t plane[FIELDS][WIDEST];
    for (int k = rows->n; k < rows->n + SEVEN; k++)
        rows->row[k] = no_row;
    find_extras(bitmap, rows);
    add_rows(rows, bitmap->words, plane);
    spread(plane, bitmap->words, bits_of(rows->n), add, count);
    add_extras(rows, count);
    rows->n = 0;
}

/* ---- one partition --------------------------------------------------------------------------------- */

/* One of the four counts of a word, in memory order. */
NM_INLINE uint16_t count_at(const uint64_t *count, int64_t i) {
    uint16_t lane;
    memcpy(&lane, (const char *)count + i * (int64_t)sizeof lane, sizeof lane);
    return lane;
}

static void add_counts(const uint64_t *restrict count, int64_t n, double weight, double *restrict input) {
    for (int64_t i = 0; i < n; i++)
        input[i] += weight * (double)(int32_t)count_at(count, i);
}

void nm_bitmap_add(nm_bitmap_arrivals arrivals, int64_t n, uint64_t *count, double *input) {
    const nm_projection *p = arrivals.projection;
    const nm_bitmap *bitmap = p->bitmap;
    pass rows;
    int added = 0;
    rows.n = 0;
    for (int64_t bucket = nm_bitmap_next(&arrivals); bucket >= 0; bucket = nm_bitmap_next(&arrivals)) {
        if (rows.n == PASS) {
            add_pass(bitmap, &rows, added, count);
            added = 1;
        }
        NM_FETCH(bitmap->extra_start + bucket);
        rows.bucket[rows.n] = bucket;
        rows.row[rows.n++] = bitmap->bits + bucket * bitmap->words;
    }
    add_pass(bitmap, &rows, added, count);
    add_counts(count, n, p->inhibitory ? -fabs(p->constant_weight) : p->constant_weight, input);
}
