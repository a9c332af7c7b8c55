/* The quantile is approximated by one polynomial of degree 6 for each octave of the probability p below 1/2
 * (2^-33 to 2^-32, 2^-32 to 2^-31, ...): minimax polynomials, fitted to algorithm AS 241 of Wichura
 * (doi:10.2307/2347330). The quantile is smooth over an octave, since its singularity at p = 0 is as far away
 * as the octave is long. No logarithm and no root are needed. AVX-512 selects a coefficient out of 32 with
 * one instruction, AVX2 out of 8.
 * SPDX-License-Identifier: MIT */
#include "nm_quantile.h"

#include <string.h>

enum { DEGREE = 6, OCTAVES = 32 };

/* [power of t][exponent % 32]; t = mantissa - 3/2, in -1/2 .. 1/2. */
static _Alignas(64) const float coefficient[DEGREE + 1][OCTAVES] = {
    {6.05582666f,  5.94326687f,  5.82864475f, 5.71184349f, 5.5927372f,  5.47118568f, 5.34703445f,
     5.2201128f,   5.09023094f,  4.95717478f, 4.82070589f, 4.68055296f, 4.53640795f, 4.387918f,
     4.23467541f,  4.07620621f,  3.91195297f, 3.74125242f, 3.56330776f, 3.37714577f, 3.18155956f,
     2.97502065f,  2.75554872f,  2.52050209f, 2.26622677f, 1.98742783f, 1.67593956f, 1.31801081f,
     0.887146413f, 0.318639219f, 6.27517271f, 6.16642952f},
    {-0.107304804f, -0.10923633f,  -0.111274332f, -0.113428861f, -0.115711346f, -0.118134849f, -0.120714359f,
     -0.123467162f, -0.12641336f,  -0.12957643f,  -0.132983997f, -0.136668876f, -0.1406703f,   -0.145035654f,
     -0.149822831f, -0.155103296f, -0.16096656f,  -0.167526335f, -0.174929589f, -0.183370113f, -0.193109438f,
     -0.204510078f, -0.218091473f, -0.234628201f, -0.255334616f, -0.282241791f, -0.319054633f, -0.373417616f,
     -0.464415938f, -0.659298122f, -0.103726581f, -0.105470851f},
    {0.0348682739f, 0.0354632139f, 0.0360891111f, 0.0367486998f, 0.0374450833f, 0.0381817594f, 0.0389627144f,
     0.0397924967f, 0.0406763218f, 0.0416202247f, 0.0426311977f, 0.0437174104f, 0.0448884703f, 0.0461557545f,
     0.0475328416f, 0.0490360893f, 0.0506853461f, 0.0525049716f, 0.0545251593f, 0.0567837246f, 0.0593285523f,
     0.0622208416f, 0.065539293f,  0.0693846643f, 0.0738819763f, 0.079167977f,  0.0853108093f, 0.0919020027f,
     0.0956819206f, 0.0692652836f, 0.0337617248f, 0.034301836f},
    {-0.0152276224f, -0.015481201f,  -0.0157476421f, -0.0160280578f, -0.0163236968f, -0.0166359656f,
     -0.0169664621f, -0.0173170008f, -0.0176896583f, -0.0180868208f, -0.0185112432f, -0.0189661253f,
     -0.0194552131f, -0.0199829135f, -0.0205544494f, -0.0211760644f, -0.0218552854f, -0.0226012655f,
     -0.0234252475f, -0.0243411828f, -0.0253665857f, -0.0265236776f, -0.0278409738f, -0.0293554049f,
     -0.0311151482f, -0.0331833214f, -0.0356446728f, -0.0386404134f, -0.0427689254f, -0.0572351031f,
     -0.0147551866f, -0.0149859134f},
    {0.00750370882f, 0.0076267249f,  0.00775588118f, 0.00789169967f, 0.00803476479f, 0.0081857359f,
     0.00834535714f, 0.00851447508f, 0.0086940527f,  0.00888519548f, 0.00908917561f, 0.00930746831f,
     0.00954179093f, 0.00979415793f, 0.0100669498f,  0.0103629977f,  0.0106857f,     0.0110391676f,
     0.0114284251f,  0.0118596703f,  0.0123406388f,  0.0128810843f,  0.0134934532f,  0.0141937938f,
     0.015002979f,   0.0159482658f,  0.0170649588f,  0.018395653f,   0.0199326202f,  0.0188486297f,
     0.00727427937f, 0.00738636684f},
    {-0.00465002051f, -0.00472515495f, -0.00480398489f, -0.00488681952f, -0.00497400435f, -0.00506592961f,
     -0.00516303349f, -0.00526581425f, -0.0053748372f,  -0.00549075007f, -0.00561429653f, -0.00574633572f,
     -0.00588786555f, -0.00604005344f, -0.00620427309f, -0.00638215384f, -0.00657564169f, -0.00678708265f,
     -0.00701932982f, -0.00727588544f, -0.00756109832f, -0.00788042136f, -0.008240778f,   -0.00865104981f,
     -0.00912274607f, -0.00967089366f, -0.0103151156f,  -0.0110808816f,  -0.0120077198f,  -0.0141081056f,
     -0.00450975727f, -0.00457830448f},
    {0.00270649604f, 0.00274981325f, 0.00279524014f, 0.00284295157f, 0.00289314333f, 0.00294603454f,
     0.00300187292f, 0.00306093832f, 0.00312354835f, 0.00319006667f, 0.00326090911f, 0.00333655672f,
     0.00341756572f, 0.00350458687f, 0.00359838293f, 0.00369985751f, 0.00381008652f, 0.00393036334f,
     0.00406225678f, 0.00420768652f, 0.00436902652f, 0.00454924488f, 0.00475209532f, 0.00498237554f,
     0.00524628814f, 0.00555191515f, 0.00590982568f, 0.00633374602f, 0.0068400586f,  0.00712320628f,
     0.00262558018f, 0.00266513228f},
};

/* p is a float in units of 2^-32, from 1/2 to 2^31. Its exponent, 126 to 157, is the number of the octave.
 * Rounding may give 2^31, whose quantile is 0; the preceding float is used instead. */
static const float LARGEST = 2147483520.0f;
enum { LARGEST_BITS = 0x4EFFFFFF, SIGN = INT32_MIN, EXPONENT = 23, MANTISSA = 0x007FFFFF, ONE = 0x3F800000 };

/* Estrin's scheme in place of Horner's: half the depth. Latency binds a loop of few vectors. */
#define POLYNOMIAL(c, t, t2)                                                                                 \
    (((c)[0] + (c)[1] * (t)) + ((c)[2] + (c)[3] * (t)) * (t2) +                                              \
     (((c)[4] + (c)[5] * (t)) + (c)[6] * (t2)) * ((t2) * (t2)))

static inline float quantile(uint32_t word) {
    float p = (float)(int32_t)(word & 0x7FFFFFFFu) + 0.5f, m;
    uint32_t bits, octave;
    p = p < LARGEST ? p : LARGEST;
    memcpy(&bits, &p, sizeof bits);
    octave = (bits >> EXPONENT) % OCTAVES;
    bits = (bits & MANTISSA) | ONE;
    memcpy(&m, &bits, sizeof m);
    const float t = m - 1.5f, t2 = t * t;
    float c[DEGREE + 1];
    for (int k = 0; k <= DEGREE; k++)
        c[k] = coefficient[k][octave];
    const float z = POLYNOMIAL(c, t, t2);
    return word & 0x80000000u ? z : -z;
}

#if defined(__GNUC__)
/* The same operations for vectors of words. PICK(c, octave) is c[octave % OCTAVES] of each lane, LESSER the lesser of
 * two floats. With AVX2, one instruction knows only 8 octaves: the last ones below 1/2, which hold all but 2^-8 of the
 * words. The others are computed one at a time: bit i of UNKNOWN is set where the octave of lane i is among them. */
#if defined(__AVX512F__)
#include <immintrin.h>
enum { LANES = 16 };
#define PICK(c, octave)                                                                                      \
    _mm512_permutex2var_ps(_mm512_load_ps(c), (__m512i)(octave), _mm512_load_ps((c) + LANES))
#define LESSER(a, b) _mm512_min_ps((__m512)(a), (__m512)(b))
#define UNKNOWN(p)   0
#elif defined(__AVX2__)
#include <immintrin.h>
enum { LANES = 8, FIRST = 150 };
#define PICK(c, octave)                                                                                      \
    _mm256_permutevar8x32_ps(_mm256_loadu_ps((c) + FIRST % OCTAVES), (__m256i)((octave)-FIRST))
#define LESSER(a, b) _mm256_min_ps((__m256)(a), (__m256)(b))
#define UNKNOWN(p)                                                                                           \
    _mm256_movemask_ps((__m256)_mm256_cmpgt_epi32(_mm256_set1_epi32(FIRST << EXPONENT), (__m256i)(p)))
#else
enum { LANES = 4 };
#define AT(c, octave)   (c)[(octave) % OCTAVES]
#define PICK(c, octave) ((floats){AT(c, octave[0]), AT(c, octave[1]), AT(c, octave[2]), AT(c, octave[3])})
#define LESSER(a, b)    (((ints)(a) & ((a) < (b))) | ((ints)(b) & ~((a) < (b))))
#define UNKNOWN(p)      0
#endif

typedef float floats __attribute__((vector_size(4 * LANES)));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));

/* Vectors at a time, all in one stage before the next: the operations of one vector wait for each other. */
enum { VECTORS = 4, GROUP = VECTORS * LANES, PIECE = 512 };

/* GROUP deviates; the result has the bits of UNKNOWN, those of the first vector lowest. */
static inline uint32_t fill_group(const uint32_t *word, float *deviate) {
    const floats zero = {0};
    ints w[VECTORS], octave[VECTORS];
    floats t[VECTORS];
    uint32_t unknown = 0;
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) {
        memcpy(&w[v], word + v * LANES, sizeof w[v]);
        const floats any = __builtin_convertvector(w[v] & ~SIGN, floats) + 0.5f,
                     p = (floats)LESSER(any, zero + LARGEST);
        octave[v] = (ints)p >> EXPONENT;
        t[v] = (floats)(((ints)p & MANTISSA) | ONE) - 1.5f;
        unknown |= (uint32_t)UNKNOWN(p) << (v * LANES % 32);
    }
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) {
        const floats t2 = t[v] * t[v];
        floats c[DEGREE + 1];
#pragma GCC unroll 7
        for (int k = 0; k <= DEGREE; k++)
            c[k] = (floats)PICK(coefficient[k], octave[v]);
        const floats z = (floats)((ints)(POLYNOMIAL(c, t[v], t2)) ^ (~w[v] & SIGN));
        memcpy(deviate + v * LANES, &z, sizeof z);
    }
    return unknown;
}

static void fill_unknown(uint32_t unknown, const uint32_t *word, float *deviate) {
    for (; unknown != 0; unknown &= unknown - 1) {
        const int i = __builtin_ctz(unknown);
        deviate[i] = quantile(word[i]);
    }
}

/* n < GROUP deviates. */
static void fill_rest(const uint32_t *word, size_t n, float *deviate) {
    uint32_t words[GROUP] = {0};
    float deviates[GROUP];
    memcpy(words, word, n * sizeof *word);
    const uint32_t unknown = fill_group(words, deviates);
    fill_unknown(unknown & (uint32_t)(((uint64_t)1 << n) - 1), words, deviates);
    memcpy(deviate, deviates, n * sizeof *deviate);
}

/* The unknown ones of a piece come after the others, so that the processor does not have to guess in between whether
 * there are any. */
static void fill(const uint32_t *word, size_t n, float *deviate) {
    uint32_t unknown[PIECE / GROUP];
    while (n >= GROUP) {
        const size_t groups = n < PIECE ? n / GROUP : PIECE / GROUP;
        for (size_t g = 0; g < groups; g++)
            unknown[g] = fill_group(word + g * GROUP, deviate + g * GROUP);
        for (size_t g = 0; g < groups; g++)
            fill_unknown(unknown[g], word + g * GROUP, deviate + g * GROUP);
        word += groups * GROUP, deviate += groups * GROUP, n -= groups * GROUP;
    }
    if (n > 0)
        fill_rest(word, n, deviate);
}
#else
static void fill(const uint32_t *word, size_t n, float *deviate) {
    for (size_t i = 0; i < n; i++)
        deviate[i] = quantile(word[i]);
}
#endif

void nm_quantile_fill(const uint32_t *word, size_t n, float *deviate) {
    fill(word, n, deviate);
}
