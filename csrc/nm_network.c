/* Checks of the structure and of the parameters, and the values derived from the parameters.
 * SPDX-License-Identifier: MIT */
#include "nm_network.h"
#include "nm_loop.h"
#include "nm_poisson.h"
#include "nm_round.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { WIDEST = 65536, LINE = 64, VECTOR = 16 }; /* neurons */
/* Least number of neurons with equal parameters that get a block of their own. The parameters of such a
 * block are loaded once and not from columns, which must outweigh the cost of one more block. */
enum { WORTH_A_PIECE = 128 };

int64_t nm_network_partition_width(int64_t n_neurons) {
    int64_t partitions = n_neurons < 4096 ? 1 : n_neurons < 32768 ? 4 : n_neurons < 131072 ? 8 : 16;
    int64_t width = (n_neurons + partitions - 1) / partitions;
    width = (width + LINE - 1) / LINE *
            LINE; /* partitions of equal size, so that their threads finish together */
    width = width < NM_CHUNK ? NM_CHUNK : width;
    return width < WIDEST ? width : WIDEST;
}

int64_t nm_network_count_partitions(int64_t n_neurons) {
    const int64_t width = nm_network_partition_width(n_neurons), partitions = (n_neurons + width - 1) / width;
    return partitions > 1 ? partitions : 1;
}

/* One past the last neuron from `first` on, up to `end`, with the same parameters and drive as `first`. */
static int64_t equal_end(const nm_group *group, const double *drive_rate, int64_t first, int64_t end) {
    for (int64_t slot = first; drive_rate != NULL && slot < end; slot++)
        if (drive_rate[slot] != drive_rate[first])
            end = slot;
    for (int k = 0; k < NM_MAX_PARAMS && group->params[k] != NULL; k++) {
        int64_t slot = first + 1;
        while (slot < end && group->params[k][slot] == group->params[k][first])
            slot++;
        end = slot < end ? slot : end;
    }
    return end;
}

/* One past the last of equal neurons, if they are worth a piece; of unequal ones otherwise, up to the next that are. */
static int64_t piece_end(const nm_group *group, const double *drive_rate, int64_t first, int64_t end) {
    int64_t equal = equal_end(group, drive_rate, first, end);
    if (equal - first >= WORTH_A_PIECE)
        return equal;
    for (int64_t from = equal; from < end; from = equal) {
        equal = equal_end(group, drive_rate, from, end);
        if (equal - from >= WORTH_A_PIECE)
            return from;
    }
    return end;
}

/* One past the last slot of the block that begins at slot `first` of a group. The parameters at binding
 * only affect speed: a block's stride is recomputed when its parameters change. */
static int64_t block_end(const nm_group *group, const double *drive_rate, int64_t first,
                         int64_t partition_width) {
    const int64_t partition_end = (first / partition_width + 1) * partition_width,
                  group_end = group->first + group->n;
    const int64_t left = (partition_end < group_end ? partition_end : group_end) - first;
    const int64_t blocks = (left + NM_CHUNK - 1) / NM_CHUNK; /* of equal size: no short block at the end */
    const int64_t n = ((left + blocks - 1) / blocks + VECTOR - 1) / VECTOR * VECTOR;
    return piece_end(group, drive_rate, first, first + (n < left ? n : left));
}

int64_t nm_network_cut(const nm_group *groups, int64_t n_groups, const double *drive_rate,
                       int64_t partition_width, nm_block *blocks, int64_t *partition_block) {
    int64_t n_blocks = 0, partition = 0;
    for (int64_t g = 0; g < n_groups; g++)
        for (int64_t first = groups[g].first, end; first < groups[g].first + groups[g].n; first = end) {
            end = block_end(&groups[g], drive_rate, first, partition_width);
            if (blocks != NULL) {
                blocks[n_blocks] = (nm_block){.group = g, .first = first, .n = end - first, .stride = 1};
                for (; partition <= first / partition_width; partition++)
                    partition_block[partition] = n_blocks;
            }
            n_blocks++;
        }
    if (blocks != NULL)
        partition_block[partition] = n_blocks;
    return n_blocks;
}

/* ---- structure, once per binding ----------------------------------------------------------------- */

static int check_run(const nm_projection *p, int64_t delay_run, int64_t room, nm_error *error) {
    int64_t first = p->run_start[delay_run], last = p->run_start[delay_run + 1];
    if (last < first || last > p->n_synapses)
        return nm_fail(error, NM_ERR_BAD_LAYOUT, delay_run, -3, (double)last);
    for (int64_t s = first; s < last; s++) {
        if (p->target[s] >= room)
            return nm_fail(error, NM_ERR_BAD_INDEX, s, -1, (double)p->target[s]);
        if (p->weight != NULL && !isfinite(p->weight[s]))
            return nm_fail(error, NM_ERR_BAD_VALUE, s, -1, (double)p->weight[s]);
    }
    return NM_OK;
}

/* The delay runs of one bucket: in order, with ascending delays, and targets within its partitions. */
static int check_bucket(const nm_network *network, const nm_projection *p, int64_t bucket, nm_error *error) {
    const int64_t partition = nm_partition_of(network, p, bucket);
    const int64_t room = nm_network_partition_end(network, partition + nm_parts(p) - 1) -
                         nm_network_partition_first(network, partition);
    int64_t first = p->bucket_run == NULL ? bucket : p->bucket_run[bucket];
    int64_t end = p->bucket_run == NULL ? bucket + 1 : p->bucket_run[bucket + 1];
    if (end < first ||
        end > p->n_runs) /* the first bucket begins at 0, every other one where the last ends */
        return nm_fail(error, NM_ERR_BAD_LAYOUT, bucket, -3, (double)end);
    for (int64_t delay_run = first; delay_run < end; delay_run++) {
        int64_t delay = p->run_delay == NULL ? p->constant_delay : p->run_delay[delay_run];
        if (delay < p->min_delay || delay > p->max_delay)
            return nm_fail(error, NM_ERR_BAD_VALUE, delay_run, -2, (double)delay);
        if (delay_run > first && p->run_delay[delay_run - 1] >= delay)
            return nm_fail(error, NM_ERR_BAD_LAYOUT, delay_run, -2, (double)delay);
        int status = check_run(p, delay_run, room, error);
        if (status != NM_OK)
            return status;
    }
    return NM_OK;
}

static const nm_group *group_of(const nm_network *network, int64_t slot) {
    int64_t low = 0, high = network->n_groups - 1;
    while (low < high) { /* the last group that begins at or before the slot */
        const int64_t middle = low + (high - low + 1) / 2;
        if (network->groups[middle].first <= slot)
            low = middle;
        else
            high = middle - 1;
    }
    return &network->groups[low];
}

static int has_port(const nm_group *group, int64_t port) {
    for (int64_t k = 0; k < group->n_ports; k++)
        if (group->port[k] == port)
            return 1;
    return 0;
}

/* Every target must have the projection's port. The check searches a group for each synapse, so the two
 * ports that every model has are not checked. */
static int check_port(const nm_network *network, const nm_projection *p, nm_error *error) {
    for (int64_t bucket = 0; bucket < nm_all_buckets(network, p) && p->port >= NM_FIRST_OWN_PORT; bucket++) {
        const int64_t partition_first =
            nm_network_partition_first(network, nm_partition_of(network, p, bucket));
        const int64_t first = p->bucket_run == NULL ? bucket : p->bucket_run[bucket],
                      end = p->bucket_run == NULL ? bucket + 1 : p->bucket_run[bucket + 1];
        for (int64_t s = p->run_start[first]; s < p->run_start[end]; s++)
            if (!has_port(group_of(network, partition_first + p->target[s]), p->port))
                return nm_fail(error, NM_ERR_BAD_INDEX, s, -5, (double)p->port);
    }
    return NM_OK;
}

static int check_projection(const nm_network *network, const nm_projection *p, nm_error *error) {
    const int64_t buckets = nm_all_buckets(network, p);
    if (p->before < 0 || p->behind < 0 || p->before + p->behind > network->n_partitions)
        return nm_fail(error, NM_ERR_BAD_LAYOUT, p->before, -3, (double)p->behind);
    if (p->pre_first < 0 || p->n_rows < 0 || p->pre_first + p->n_rows > network->n_neurons)
        return nm_fail(error, NM_ERR_BAD_LAYOUT, p->pre_first, -3, (double)p->n_rows);
    if (p->min_delay < 1 || p->max_delay > network->max_delay || p->min_delay > p->max_delay)
        return nm_fail(error, NM_ERR_BAD_VALUE, -1, -2, (double)p->min_delay);
    if (p->n_runs < 0 || p->run_start[0] != 0 || p->run_start[p->n_runs] != p->n_synapses ||
        (p->bucket_run == NULL && p->n_runs != buckets) ||
        (p->bucket_run == NULL) != (p->run_delay == NULL) ||
        (p->bucket_run != NULL && (p->bucket_run[0] != 0 || p->bucket_run[buckets] != p->n_runs)))
        return nm_fail(error, NM_ERR_BAD_LAYOUT, 0, -3, (double)p->n_runs);
    if (p->weight == NULL && !isfinite(p->constant_weight))
        return nm_fail(error, NM_ERR_BAD_VALUE, 0, -1, p->constant_weight);
    for (int64_t bucket = 0; bucket < buckets; bucket++) {
        int status = check_bucket(network, p, bucket, error);
        if (status != NM_OK)
            return status;
    }
    return check_port(network, p, error);
}

int nm_network_check(const nm_network *network, nm_error *error) {
    int64_t next = 0;
    for (int64_t g = 0; g < network->n_groups; g++) {
        if (network->groups[g].first != next)
            return nm_fail(error, NM_ERR_BAD_LAYOUT, g, -4, (double)network->groups[g].first);
        next += network->groups[g].n;
    }
    if (next != network->n_neurons)
        return nm_fail(error, NM_ERR_BAD_LAYOUT, network->n_groups, -4, (double)next);
    for (int64_t k = 0; k < network->n_projections + network->n_joined; k++) {
        const nm_projection *p = &network->projections[k];
        const int status = p->joined ? NM_OK : check_projection(network, p, error);
        if (status != NM_OK)
            return status;
    }
    return NM_OK;
}

/* ---- parameters, before every run ---------------------------------------------------------------- */

/* Python writes parameters through plain NumPy views without notice, so they are compared with the values
 * that were used last. Bytes are compared, since NaN (not used yet) must differ from every value. */
static int differs(const double *now, const double *seen, const nm_block *block) {
    return memcmp(now + block->first, seen + block->first, (size_t)block->n * sizeof *now) != 0;
}

static int all_are(const double *column, int64_t n, double value) {
    uint64_t wanted, other = 0;
    memcpy(&wanted, &value, sizeof wanted);
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &column[i], sizeof bits);
        other |= bits ^ wanted;
    }
    return other == 0;
}

/* For a block of stride 0, one value represents the column of values used last: the comparison then reads
 * half the memory. */
static int block_changed(const nm_group *group, const nm_block *block, int n_params) {
    int changed = 0;
    for (int k = 0; k < n_params && !changed; k++)
        changed = block->stride == 0
                      ? !all_are(group->params[k] + block->first, block->n, group->seen[k][block->first])
                      : differs(group->params[k], group->seen[k], block);
    return changed;
}

/* Rates up to which a neuron has at most one event a step; a rounding of rate dt is no excess. */
static int check_rate(const nm_group *group, const nm_block *block, double dt, nm_error *error) {
    const int k = group->model->bounded_rate - 1;
    for (int64_t slot = block->first; k >= 0 && slot < block->first + block->n; slot++)
        if (group->params[k][slot] * (dt / 1000.0) > 1.0 + 1e-12)
            return nm_fail(error, NM_ERR_STEP, slot, k, group->params[k][slot]);
    if (group->model->longest_step > 0.0 && dt > group->model->longest_step)
        return nm_fail(error, NM_ERR_STEP, block->first, -1, dt);
    return NM_OK;
}

static int check_block(const nm_group *group, const nm_block *block, int n_params, double dt,
                       nm_error *error) {
    const nm_neuron_model *model = group->model;
    for (int64_t slot = block->first; slot < block->first + block->n; slot++) {
        for (int k = 0; k < n_params; k++)
            if (!nm_field_holds(&model->params[k], group->params[k][slot]))
                return nm_fail(error, NM_ERR_BAD_VALUE, slot, k, group->params[k][slot]);
        for (const nm_greater_than *o = model->greater_than; o != NULL && o->greater != o->lesser; o++)
            if (!(group->params[o->greater][slot] > group->params[o->lesser][slot]))
                return nm_fail(error, NM_ERR_BAD_ORDER, slot, o->greater, group->params[o->greater][slot]);
    }
    return check_rate(group, block, dt, error);
}

static int all_equal(const double *column, const nm_block *block) {
    for (int64_t slot = block->first + 1; slot < block->first + block->n; slot++)
        if (column[slot] != column[block->first])
            return 0;
    return 1;
}

static void derive_block(nm_group *group, nm_block *block, int n_params, double dt) {
    block->stride = 0;
    for (int k = 0; k < n_params; k++) {
        size_t bytes = (size_t)block->n * sizeof(double);
        memcpy(group->seen[k] + block->first, group->params[k] + block->first, bytes);
        if (!all_equal(group->params[k], block))
            block->stride = 1;
    }
    if (group->model->prepare == NULL)
        return;
    const double *params[NM_MAX_PARAMS];
    double *derived[NM_MAX_DERIVED];
    for (int k = 0; k < n_params; k++)
        params[k] = group->params[k] + block->first;
    for (int k = 0; k < group->model->n_derived; k++)
        derived[k] = group->derived[k] + block->first;
    nm_prepare_chunk chunk = {
        .n = block->stride == 0 ? 1 : (size_t)block->n, .dt = dt, .params = params, .derived = derived};
    group->model->prepare(&chunk);
}

/* 1 if every entry is finite and at least `least`, as by nm_domain_holds; vectorised, since every call of
 * step() checks the columns. *above_zero: 1 if some entry is above 0. */
static int all_hold(const double *column, double least, int64_t n, int *above_zero) {
    int64_t bad = 0, above = 0;
    for (int64_t slot = 0; slot < n; slot++) {
        bad |= !(column[slot] >= least) | !(column[slot] <= DBL_MAX);
        above |= column[slot] > 0.0;
    }
    *above_zero = above != 0;
    return !bad;
}

static int check_column(const double *column, nm_domain domain, int64_t n, int field, int *above_zero,
                        nm_error *error) {
    if (all_hold(column, domain == NM_NON_NEGATIVE ? 0.0 : -DBL_MAX, n, above_zero))
        return NM_OK;
    int64_t slot = 0;
    while (nm_domain_holds(domain, column[slot]))
        slot++;
    return nm_fail(error, NM_ERR_BAD_VALUE, slot, field, column[slot]);
}

/* The columns of external input. above_zero of each: 1 if some entry is above 0. */
enum { RATE, WEIGHT, CURRENT, NOISE, UNIFORM, NOISE_STEP, UNIFORM_STEP, OFFSET, N_DRIVES };

static int check_drive(const nm_network *network, int *above_zero, nm_error *error) {
    const struct {
        const double *column;
        nm_domain domain;
    } columns[N_DRIVES] = {[RATE] = {network->drive_rate, NM_NON_NEGATIVE},
                           [WEIGHT] = {network->drive_weight, NM_ANY},
                           [CURRENT] = {network->external_input, NM_ANY},
                           [NOISE] = {network->drive_noise, NM_NON_NEGATIVE},
                           [UNIFORM] = {network->drive_uniform, NM_NON_NEGATIVE},
                           [NOISE_STEP] = {network->drive_noise_per_step, NM_NON_NEGATIVE},
                           [UNIFORM_STEP] = {network->drive_uniform_per_step, NM_NON_NEGATIVE},
                           [OFFSET] = {network->i_offset, NM_ANY}};
    for (int k = 0; k < N_DRIVES; k++) {
        above_zero[k] = 0;
        if (columns[k].column == NULL)
            continue;
        int status = check_column(columns[k].column, columns[k].domain, network->n_neurons, -1 - k,
                                  &above_zero[k], error);
        if (status != NM_OK)
            return status;
    }
    return NM_OK;
}

/* A source has no input: an input other than 0 would be lost. */
static int check_sources(const nm_network *network, nm_error *error) {
    const double *columns[N_DRIVES] = {[RATE] = network->drive_rate,
                                       [CURRENT] = network->external_input,
                                       [NOISE] = network->drive_noise,
                                       [UNIFORM] = network->drive_uniform,
                                       [NOISE_STEP] = network->drive_noise_per_step,
                                       [UNIFORM_STEP] = network->drive_uniform_per_step,
                                       [OFFSET] = network->i_offset};
    for (int64_t g = 0; g < network->n_groups; g++) {
        const nm_group *group = &network->groups[g];
        for (int k = 0; k < N_DRIVES && group->model->is_source; k++) {
            int64_t slot = group->first;
            if (columns[k] == NULL || all_are(columns[k] + slot, group->n, 0.0))
                continue;
            while (slot < group->first + group->n && columns[k][slot] == 0.0)
                slot++;
            if (slot < group->first + group->n) /* else: only zeros of the other sign */
                return nm_fail(error, NM_ERR_NO_INPUT, slot, -1 - k, columns[k][slot]);
        }
    }
    return NM_OK;
}

static int any_above_zero(const double *column, int64_t n) {
    int64_t any = 0;
    for (int64_t slot = 0; slot < n; slot++)
        any |= column[slot] > 0.0;
    return any != 0;
}

static int any_below_zero(const double *column, int64_t n) {
    int64_t any = 0;
    for (int64_t slot = 0; slot < n; slot++)
        any |= column[slot] < 0.0;
    return any != 0;
}

/* The value of nm_block.noisy. Kinds that no neuron has are not searched. */
static int64_t noise_of(const nm_network *network, const nm_block *block, const int *above_zero) {
    const struct {
        int of;
        const double *column;
        int64_t flag;
    } kinds[] = {{NOISE, network->drive_noise, 1},
                 {UNIFORM, network->drive_uniform, 2},
                 {NOISE_STEP, network->drive_noise_per_step, 1 + 4},
                 {UNIFORM_STEP, network->drive_uniform_per_step, 2 + 8}};
    int64_t noisy = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (above_zero[kinds[k].of] && any_above_zero(kinds[k].column + block->first, block->n))
            noisy |= kinds[k].flag;
    return noisy;
}

static void tabulate_drive(nm_network *network, int64_t p, double dt) {
    nm_block *block = &network->blocks[p];
    const double *rate = network->drive_rate;
    double mean = rate[block->first] * dt * 1e-3;
    memcpy(network->seen_rate + block->first, rate + block->first, (size_t)block->n * sizeof *rate);
    if (!all_equal(rate, block) || mean > NM_POISSON_MEAN)
        block->driven = 2;
    else if (mean > 0.0) {
        block->driven = 1;
        nm_poisson_tabulate(mean, network->drive_table + p * NM_POISSON_TABLE);
    } else
        block->driven = 0;
}

static int has_delta_synapses(const nm_group *group, const nm_block *block, double dt) {
    nm_columns columns;
    const nm_neuron_chunk chunk = nm_network_chunk(group, block, dt, &columns);
    return group->model->delta_synapses != NULL && group->model->delta_synapses(&chunk);
}

int nm_network_prepare(nm_network *network, double dt, int fresh, nm_error *error) {
    /* Check everything, then write. */
    int above_zero[N_DRIVES];
    int status = check_drive(network, above_zero, error);
    if (status == NM_OK)
        status = check_sources(network, error);
    for (int64_t p = 0; status == NM_OK && p < network->n_blocks; p++) {
        nm_block *block = &network->blocks[p];
        const nm_group *group = &network->groups[block->group];
        int n_params = nm_field_count(group->model->params);
        block->changed = block_changed(group, block, n_params);
        if (block->changed)
            status = check_block(group, block, n_params, dt, error);
    }
    if (status != NM_OK)
        return status;
    for (int64_t p = 0; p < network->n_blocks; p++) {
        nm_block *block = &network->blocks[p];
        nm_group *group = &network->groups[block->group];
        if (fresh || block->changed)
            derive_block(group, block, nm_field_count(group->model->params), dt);
        const int at_rest = !above_zero[RATE] && block->driven == 0; /* no drive before and none now */
        if (fresh || (!at_rest && differs(network->drive_rate, network->seen_rate, block)))
            tabulate_drive(network, p, dt);
        block->noisy = noise_of(network, block, above_zero);
        block->offset =
            network->i_offset != NULL && !all_are(network->i_offset + block->first, block->n, 0.0);
        block->delta_synapses = has_delta_synapses(group, block, dt);
        block->excites = block->driven && !any_below_zero(network->drive_weight + block->first, block->n);
    }
    return NM_OK;
}

void nm_network_run_words(const nm_network *network, const nm_projection *p, uint32_t *word) {
    for (int64_t bucket = 0; bucket < nm_all_buckets(network, p); bucket++) {
        const int64_t row = nm_row_of(network, p, bucket);
        const int64_t first = p->bucket_run == NULL ? bucket : p->bucket_run[bucket];
        const int64_t end = p->bucket_run == NULL ? bucket + 1 : p->bucket_run[bucket + 1];
        for (int64_t k = first; k < end; k++)
            word[k] = nm_row_run_word(network, p, row, k);
    }
}
