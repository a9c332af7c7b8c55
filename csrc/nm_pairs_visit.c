/* A visit: a segment of synapses, last seen at t0, is brought to the present. See nm_pairs.h for the
 * formulas. Three loops over at most 256 synapses: look up each target's sums, combine, and, where a bound
 * could have been met on the way, go through the events one by one. SPDX-License-Identifier: MIT */
#include "nm_pairs.h"

#include <math.h>
#include <string.h>

enum { RUN = 384 };

/* Traces of eligibility below this are set to 0: what is under 1.2e-38 is denormal in a float, and slow. */
static const double LEAST_TRACE = 1e-30;

/* What the closed form takes from the moments at both ends: k and e at the first, 1 / k and 1 / e at the
 * last, F there and since the first, V since the first per k at the first, and what weight decay has left. */
enum { K0, E0, BY_K1, BY_E1, F1, DF, DV, KEPT, N_SPANS };

/* Some synapses of one segment between two moments. All columns of one width: the loops below make vectors of
 * them. */
typedef struct run {
    const nm_pairs_step *step;
    size_t n, stride;            /* spans are read as [j * stride]: 0 where all targets share a region */
    int64_t first, part_first;   /* synapse; slot */
    int64_t from, count_from;    /* step of the last visit; first step whose spikes count */
    double trace[NM_MAX_TRACES]; /* presynaptic, at `from` */
    double low, high;
    double span[N_SPANS][RUN];
    double s[RUN], h[RUN];
    int64_t check[RUN];              /* more spikes than there are sums, or a bound may have been met */
    double was[RUN], trace_was[RUN]; /* weight (an inhibitory one's strength) and trace of eligibility then */
    double weight[RUN], c[RUN];      /* OUT: and now */
    int32_t hit[RUN], count[RUN];    /* the synapses whose targets have fired, and how often */
    size_t n_crowded;                /* the first of `hit`, in the end: they fired more often than has sums */
} run;

/* ---- what the targets' spikes add ------------------------------------------------------------------------
 */

/* How many of a target's last spikes count, newest first: as many as are not older than `since`. They stand
 * in order, so that the two bits of each that counts are the lowest of the mask. */
#if defined(__GNUC__) && defined(__SSE2__)
typedef int16_t lanes __attribute__((vector_size(16)));
typedef char bytes __attribute__((vector_size(16)));
NM_INLINE int64_t count_since(const int16_t *recent, int16_t since) {
    const lanes *times = (const void *)recent;
    const uint32_t older = ~(uint32_t)__builtin_ia32_pmovmskb128((bytes)(*times >= since));
    return __builtin_ctz(older) / 2; /* bit 16 and those above are set */
}
#else
NM_INLINE int64_t count_since(const int16_t *recent, int16_t since) {
    int64_t n = 0;
    for (int k = 0; k < NM_RECENT; k++)
        n += recent[k] >= since;
    return n;
}
#endif

/* Which targets have fired since. Half of them in the usual case, which no branch could foretell: so hits are
 * listed, and the second loop, which waits for the sums, is over them alone (1.6 times as fast as one loop
 * with a branch). */
NM_CLONES static size_t find_hits(run *a, const int16_t *recent, const uint16_t *target, int16_t since) {
    size_t n_hits = 0;
    for (size_t j = 0; j < a->n; j++) {
        const int64_t n = count_since(recent + (size_t)target[j] * NM_RECENT, since);
        a->hit[n_hits] = (int32_t)j;
        a->count[n_hits] = (int32_t)n;
        n_hits += n > 0;
    }
    return n_hits;
}

NM_CLONES static void look_up(run *a, const nm_pairs *pairs, const uint16_t *target) {
    const int16_t *recent = pairs->recent + a->part_first * NM_RECENT;
    const double *sums = pairs->sums + a->part_first * NM_RECENT * 2, *decay = pairs->decay[0];
    const size_t n_hits = find_hits(a, recent, target, (int16_t)(a->count_from - pairs->epoch));
    const int64_t from = a->from - pairs->epoch;
    const double x = a->trace[0];
    memset(a->s, 0, a->n * sizeof a->s[0]);
    memset(a->h, 0, a->n * sizeof a->h[0]);
    a->n_crowded = 0;
    for (size_t i = 0; i < n_hits; i++) {
        const size_t j = (size_t)a->hit[i], entry = (size_t)target[j] * NM_RECENT + (size_t)a->count[i] - 1;
        const uint64_t age = (uint64_t)(recent[entry] - from);
        const double seen = x * (decay[age % NM_FINE] * decay[NM_FINE + age / NM_FINE]);
        a->s[j] = seen * sums[2 * entry];
        a->h[j] = seen * sums[2 * entry + 1];
        a->hit[a->n_crowded] = (int32_t)j; /* never beyond i */
        a->n_crowded += a->count[i] == NM_RECENT;
    }
}

/* ---- the closed form ----------------------------------------------------------------------------- */

NM_INLINE int combine_by(run *a, const size_t stride) {
    const double low = a->low, high = a->high;
    int64_t any = 0;
    NM_INDEPENDENT
    for (size_t j = 0; j < a->n; j++) {
        const size_t m = j * stride;
        const double w = a->was[j], c = a->trace_was[j] * a->span[E0][m], s = a->s[j];
        const double moved = w * a->span[K0][m] + c * a->span[DF][m] + (s * a->span[F1][m] - a->h[j]);
        const double reach = (fabs(c) + fabs(s)) * a->span[DV][m], kept = w * a->span[KEPT][m];
        const double least = w < kept ? w : kept, most = w < kept ? kept : w;
        a->weight[j] = moved * a->span[BY_K1][m];
        a->c[j] = (c + s) * a->span[BY_E1][m];
        a->check[j] = (int64_t)(least - reach < low) | (int64_t)(most + reach > high);
        any |= a->check[j];
    }
    return any != 0;
}

/* With a trace of eligibility. Whether any synapse is to be checked. */
NM_CLONES static int combine(run *a) {
    return a->stride == 0 ? combine_by(a, 0) : combine_by(a, 1);
}

/* Without: the weight moves one way only (all gains of a rule have one sign), so a look at the end is enough,
 * but under weight decay, which may bring it back from a bound. */
NM_INLINE int combine_direct_by(run *a, int64_t decays, const size_t stride) {
    const double low = a->low, high = a->high;
    int64_t any = 0;
    NM_INDEPENDENT
    for (size_t j = 0; j < a->n; j++) {
        const size_t m = j * stride;
        const double w = a->was[j], h = -a->h[j], reach = fabs(h) * a->span[DV][m],
                     kept = w * a->span[KEPT][m];
        double moved = (w * a->span[K0][m] + h) * a->span[BY_K1][m];
        moved = moved < low ? low : moved;
        moved = moved > high ? high : moved;
        a->weight[j] = (h == 0.0) & !decays ? w : moved;
        a->check[j] = decays & ((int64_t)(w + reach > high) | (int64_t)(kept - reach < low));
        any |= a->check[j];
    }
    return any != 0;
}

NM_CLONES static int combine_direct(run *a, int64_t decays) {
    return a->stride == 0 ? combine_direct_by(a, decays, 0) : combine_direct_by(a, decays, 1);
}

/* ---- event by event --------------------------------------------------------------------------------------
 */

static double scaled(const run *a, double change, double weight) {
    return nm_dependent(change, weight, a->low, a->high, a->step->projection->weight_dependence);
}

/* Without a trace of eligibility a weight that does not change may stay outside its bounds. With one it may
 * have got there between events, unseen, and is always called back. */
static double bounded(const run *a, double weight, double was) {
    const int may_stay = a->step->projection->rule->eligibility == NULL && weight == was;
    return may_stay ? weight : nm_clip(weight, a->low, a->high);
}

/* The number of the first spike of a target that counts. */
static int64_t first_spike(const nm_pairs *pairs, int64_t slot, int64_t count_from) {
    int64_t k = pairs->n_spikes[slot], oldest = k > NM_SPIKES ? k - NM_SPIKES : 0;
    while (k > oldest && pairs->spike[slot * NM_SPIKES + (k - 1) % NM_SPIKES] >= count_from)
        k--;
    return k;
}

static void one_by_one(run *a, size_t j, int64_t slot) {
    const nm_pairs *pairs = a->step->projection->pairs;
    const int direct = a->step->projection->rule->eligibility == NULL;
    const int64_t region = pairs->n_regions > 1 ? a->step->network->region[slot] : 0;
    const double *then = nm_pairs_moment(pairs, region, a->from);
    double w = a->was[j], c = direct ? 0.0 : a->trace_was[j] * then[NM_E];
    for (int64_t q = first_spike(pairs, slot, a->count_from); q < pairs->n_spikes[slot]; q++) {
        const int64_t place = slot * NM_SPIKES + q % NM_SPIKES, at = pairs->spike[place];
        const double *moment = nm_pairs_moment(pairs, region, at);
        const double moved = (w * then[NM_K] + c * (moment[NM_F] - then[NM_F])) / moment[NM_K];
        w = bounded(a, moved, w);
        const double pair =
            a->trace[0] * nm_pairs_decayed(pairs->decay[0], at - a->from) * pairs->gain[place];
        if (direct)
            w = bounded(a, w + scaled(a, pair, w), w);
        else
            c += scaled(a, pair, w) * moment[NM_E];
        then = moment;
    }
    const double *end = nm_pairs_moment(pairs, region, a->step->now);
    const double moved = (w * then[NM_K] + c * (end[NM_F] - then[NM_F])) / end[NM_K];
    a->weight[j] = moved;
    a->c[j] = c / end[NM_E];
}

/* ---- a run is brought to the present ---------------------------------------------------------------------
 */

static void set_spans(run *a, const uint16_t *target) {
    const nm_pairs *pairs = a->step->projection->pairs;
    const int direct = a->step->projection->rule->eligibility == NULL;
    a->stride = pairs->n_regions > 1 ? 1 : 0;
    for (size_t j = 0; j < (a->stride ? a->n : 1); j++) {
        const int64_t region = a->stride ? a->step->network->region[a->part_first + target[j]] : 0;
        const double *then = nm_pairs_moment(pairs, region, a->from);
        const double *now = nm_pairs_moment(pairs, region, a->step->now);
        a->span[K0][j] = then[NM_K];
        a->span[E0][j] = then[NM_E];
        a->span[BY_K1][j] = 1.0 / now[NM_K];
        a->span[BY_E1][j] = 1.0 / now[NM_E];
        a->span[F1][j] = now[NM_F];
        a->span[DF][j] = now[NM_F] - then[NM_F];
        a->span[DV][j] = (direct ? 1.0 : now[NM_V] - then[NM_V]) / then[NM_K];
        a->span[KEPT][j] = then[NM_K] / now[NM_K];
    }
}

NM_CLONES static void widen(double *to, const float *from, size_t n) {
    for (size_t j = 0; j < n; j++)
        to[j] = (double)from[j];
}

NM_CLONES static void widen_strengths(double *to, const float *from, size_t n) {
    for (size_t j = 0; j < n; j++)
        to[j] = fabs((double)from[j]);
}

static void gather(run *a, int eligible) {
    const nm_projection *p = a->step->projection;
    if (p->inhibitory)
        widen_strengths(a->was, p->weight + a->first, a->n);
    else
        widen(a->was, p->weight + a->first, a->n);
    if (eligible)
        widen(a->trace_was, p->state[0] + a->first, a->n);
}

static void bring(run *a) {
    const nm_projection *p = a->step->projection;
    const uint16_t *target = p->target + a->first;
    const int eligible = p->rule->eligibility != NULL, always = p->weight_dependence != 0.0;
    gather(a, eligible);
    set_spans(a, target);
    look_up(a, p->pairs, target);
    const int any = eligible ? combine(a) : combine_direct(a, p->weight_kept < 1.0);
    for (size_t i = 0; i < a->n_crowded; i++)
        a->check[a->hit[i]] = 1;
    if (any || always || a->n_crowded > 0)
        for (size_t j = 0; j < a->n; j++)
            if (a->check[j] || always)
                one_by_one(a, j, a->part_first + target[j]);
}

/* Run by run over a segment; `first` is in it. */
static size_t next_run(run *a, int64_t first, int64_t last) {
    a->first = first;
    a->n = last - first < RUN ? (size_t)(last - first) : RUN;
    return a->n;
}

static void begin(run *a, const nm_pairs_step *step, int64_t part, int64_t segment) {
    const nm_projection *p = step->projection;
    const int64_t since = p->pairs->since[segment];
    a->step = step;
    a->part_first = nm_network_part_first(step->network, part);
    a->from = since / 2;
    a->count_from = (since + 1) / 2;
    a->low = p->inhibitory ? fmax(p->weight_min, 0.0) : p->weight_min;
    a->high = p->inhibitory ? fmax(p->weight_max, 0.0) : p->weight_max;
    for (int k = 0; k < NM_MAX_TRACES && p->pairs->trace[k] != NULL; k++)
        a->trace[k] = p->pairs->trace[k][segment];
}

NM_CLONES static void narrow(float *to, const double *from, size_t n) {
    for (size_t j = 0; j < n; j++)
        to[j] = (float)from[j];
}

NM_CLONES static void narrow_traces(float *to, const double *from, size_t n) {
    for (size_t j = 0; j < n; j++)
        to[j] = (float)(fabs(from[j]) < LEAST_TRACE ? 0.0 : from[j]);
}

static void put_back(const run *a, int eligible) {
    const nm_projection *p = a->step->projection;
    float *weight = p->weight + a->first;
    if (p->inhibitory)
        for (size_t j = 0; j < a->n; j++)
            weight[j] = copysignf((float)a->weight[j], weight[j]);
    else
        narrow(weight, a->weight, a->n);
    if (eligible)
        narrow_traces(p->state[0] + a->first, a->c, a->n);
}

/* ---- an arrival ---------------------------------------------------------------------------------- */

/* The arrival is one of the synapse's own events: bounds act. */
NM_CLONES static void bound_run(run *a, int may_stay) {
    const double low = a->low, high = a->high;
    for (size_t j = 0; j < a->n; j++) {
        double w = a->weight[j];
        w = w < low ? low : w;
        w = w > high ? high : w;
        a->weight[j] = (a->weight[j] == a->was[j]) & may_stay ? a->was[j] : w;
    }
}

static void deliver_run(const run *a) {
    const uint16_t *target = a->step->projection->target + a->first;
    double *input = a->step->input + a->part_first;
    if (a->step->efficacy != 1.0) {
        const double share = a->step->projection->inhibitory ? -a->step->efficacy : a->step->efficacy;
        for (size_t j = 0; j < a->n; j++)
            input[target[j]] += share * a->weight[j];
    } else if (a->step->projection->inhibitory)
        for (size_t j = 0; j < a->n; j++)
            input[target[j]] -= a->weight[j];
    else
        for (size_t j = 0; j < a->n; j++)
            input[target[j]] += a->weight[j];
}

NM_CLONES static void pick(double *to, const double *from, const uint16_t *at, size_t n) {
    for (size_t j = 0; j < n; j++)
        to[j] = from[at[j]];
}

NM_CLONES static void add_changes(double *to, const double *change, double factor, size_t n) {
    for (size_t j = 0; j < n; j++)
        to[j] += change[j] * factor;
}

NM_CLONES static void add_bounded(run *a, const double *change, double factor) {
    const double low = a->low, high = a->high;
    NM_INDEPENDENT
    for (size_t j = 0; j < a->n; j++) {
        double moved = a->weight[j] + change[j] * factor;
        moved = moved < low ? low : moved;
        moved = moved > high ? high : moved;
        a->weight[j] = change[j] * factor == 0.0 ? a->weight[j] : moved;
    }
}

/* What the rule says of an arrival, onto the trace of eligibility or the weight. */
static void change_run(run *a, const double *pre) {
    const nm_projection *p = a->step->projection;
    const uint16_t *target = p->target + a->first;
    double post[NM_MAX_TRACES][RUN], change[RUN];
    nm_synapse_chunk chunk = {
        .n = a->n, .dt = a->step->dt, .params = p->params, .weight = a->weight, .pre = pre, .change = change};
    memset(change, 0, a->n * sizeof change[0]);
    for (int k = 0; k < NM_MAX_TRACES && p->post_trace[k] != NULL; k++) {
        pick(post[k], p->post_trace[k] + a->part_first, target, a->n);
        chunk.post[k] = post[k];
    }
    p->rule->on_pre(&chunk);
    const int direct = p->rule->eligibility == NULL;
    const double *ltd = p->pairs->ltd + nm_pairs_place(p->pairs, 0, a->step->now);
    if (a->stride == 0 && p->weight_dependence == 0.0) {
        if (direct)
            add_bounded(a, change, ltd[0]);
        else
            add_changes(a->c, change, ltd[0], a->n);
        return;
    }
    for (size_t j = 0; j < a->n; j++) {
        const int64_t region = a->stride ? a->step->network->region[a->part_first + target[j]] : 0;
        const double left = scaled(a, change[j] * ltd[region], a->weight[j]);
        if (direct)
            a->weight[j] = bounded(a, a->weight[j] + left, a->weight[j]);
        else
            a->c[j] += left;
    }
}

/* All of a segment to the present; `arrives`: with a spike of the source. */
static void visit(const nm_pairs_step *step, int64_t part, int64_t segment, int arrives, int counted) {
    const nm_projection *p = step->projection;
    nm_pairs *pairs = p->pairs;
    const int eligible = p->rule->eligibility != NULL;
    double pre[NM_MAX_TRACES] = {0.0};
    run a;
    begin(&a, step, part, segment);
    for (int k = 0; k < NM_MAX_TRACES && pairs->trace[k] != NULL; k++)
        pre[k] = a.trace[k] * nm_pairs_decayed(pairs->decay[k], step->now - a.from);
    const int64_t last = p->segment_start[segment + 1];
    for (int64_t first = p->segment_start[segment]; first < last; first += RUN) {
        next_run(&a, first, last);
        bring(&a);
        if (arrives) {
            bound_run(&a, !eligible);
            deliver_run(&a);
            if (p->rule->on_pre != NULL)
                change_run(&a, pre);
        }
        put_back(&a, eligible);
    }
    for (int k = 0; k < NM_MAX_TRACES && pairs->trace[k] != NULL; k++)
        pairs->trace[k][segment] = pre[k] + (arrives ? 1.0 : 0.0);
    pairs->since[segment] = 2 * step->now + counted;
}

void nm_pairs_arrive(const nm_pairs_step *step, int64_t part, int64_t segment) {
    visit(step, part, segment, 1, 0);
}

/* ---- segments of a place, or of many ---------------------------------------------------------------------
 */

static int64_t first_segment(const nm_projection *p, int64_t place) {
    return p->row_segment == NULL ? place : p->row_segment[place];
}

void nm_pairs_sweep_part(const nm_pairs_step *step, int64_t part) {
    const nm_projection *p = step->projection;
    const int64_t sweep = p->pairs->sweep, turn = step->now % sweep, n_parts = step->network->n_parts;
    const int64_t last = p->n_rows * (turn + 1) / sweep;
    for (int64_t row = p->n_rows * turn / sweep; row < last; row++)
        for (int64_t s = first_segment(p, row * n_parts + part);
             s < first_segment(p, row * n_parts + part + 1); s++)
            if (p->pairs->since[s] / 2 < step->now - sweep)
                visit(step, part, s, 0, 0);
}

void nm_pairs_visit_part(const nm_pairs_step *step, int64_t part) {
    const nm_projection *p = step->projection;
    for (int64_t place = part; place < p->n_rows * step->network->n_parts; place += step->network->n_parts)
        for (int64_t s = first_segment(p, place); s < first_segment(p, place + 1); s++)
            visit(step, part, s, 0, 0);
    p->pairs->floor[part] = step->now;
}

void nm_pairs_settle(const nm_pairs_step *step, int64_t first, int64_t last) {
    for (int64_t place = first; place < last; place++)
        for (int64_t s = first_segment(step->projection, place);
             s < first_segment(step->projection, place + 1); s++)
            visit(step, place % step->network->n_parts, s, 0, 1);
}

static void read_segment(const nm_pairs_step *step, int64_t part, int64_t segment, int64_t base,
                         float *weight, float *eligibility) {
    const nm_projection *p = step->projection;
    run a;
    begin(&a, step, part, segment);
    const int64_t last = p->segment_start[segment + 1];
    for (int64_t first = p->segment_start[segment]; first < last; first += RUN) {
        next_run(&a, first, last);
        bring(&a);
        bound_run(&a, p->rule->eligibility == NULL);
        for (size_t j = 0; j < a.n; j++) {
            const int64_t s = first + (int64_t)j;
            weight[s - base] =
                p->inhibitory ? copysignf((float)a.weight[j], p->weight[s]) : (float)a.weight[j];
            if (eligibility != NULL && p->rule->eligibility != NULL)
                eligibility[s - base] = (float)a.c[j];
        }
    }
}

void nm_pairs_read(const nm_pairs_step *step, int64_t first, int64_t last, int64_t base, float *weight,
                   float *eligibility) {
    for (int64_t place = first; place < last; place++)
        for (int64_t s = first_segment(step->projection, place);
             s < first_segment(step->projection, place + 1); s++)
            read_segment(step, place % step->network->n_parts, s, base, weight, eligibility);
}
