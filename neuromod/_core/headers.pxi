# Transcript of the C headers in csrc/, and nothing else.

from libc.stddef cimport size_t
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "nm_status.h" nogil:
    int NM_OK
    int NM_STOP_RECORD_FULL
    int NM_ERR_BAD_VALUE
    int NM_ERR_BAD_ORDER
    int NM_ERR_BAD_INDEX
    int NM_ERR_BAD_LAYOUT
    int NM_ERR_NOT_FINITE
    int NM_ERR_TOO_LARGE
    ctypedef struct nm_error:
        int status
        int64_t index
        int64_t field
        double value
    const char *nm_status_name(int status)
    const char *nm_status_sentence(int status)

cdef extern from "nm_field.h" nogil:
    ctypedef enum nm_domain:
        NM_ANY
        NM_POSITIVE
        NM_NON_NEGATIVE
        NM_UNIT_INTERVAL
        NM_WORD
    ctypedef struct nm_field:
        const char *name
        const char *unit
        double fallback
        nm_domain domain
        const char *doc
    int nm_domain_holds(nm_domain domain, double value)
    const char *nm_domain_phrase(nm_domain domain)
    int64_t nm_first_outside(const float *values, int64_t n, float low, float high)
    int nm_field_count(const nm_field *fields)

cdef extern from "nm_math.h" nogil:
    double nm_exp(double x)
    double nm_log(double x)

cdef extern from "nm_model.h" nogil:
    int NM_CHUNK
    int NM_MAX_PARAMS
    int NM_MAX_STATE
    int NM_MAX_DERIVED
    int NM_MAX_TRACES
    ctypedef struct nm_greater_than:
        int greater
        int lesser
    ctypedef struct nm_neuron_model:
        const char *name
        const char *title
        const char *reference
        const nm_field *params
        const nm_field *state
        const nm_greater_than *greater_than
        const char *const *ports
        int n_derived
        int needs_random
        int initial_v_from
        int bounded_rate
        double longest_step
    int NM_FIRST_OWN_PORT
    int NM_MAX_PORTS
    double nm_raised(double threshold, double rise)
    int NM_MAX_COLUMNS
    int NM_MAX_RANDOM
    ctypedef enum nm_trace_kind:
        NM_TRACE_ALL
        NM_TRACE_NEAREST
        NM_TRACE_LOWPASS
    ctypedef struct nm_trace:
        const char *name
        int tau
        nm_trace_kind kind
        const char *column
    ctypedef struct nm_synapse_chunk:
        size_t n
        size_t pre_stride
        size_t post_stride
        double dt
        const double *params
        const double *weight
        const double *pre[3]
        const double *post[3]
        double *change
        double weight_min
        double weight_max
        const double *post_fired
        double *state[8]
        const double *pre_column[4]
        const double *post_column[4]
        const double *elapsed
        const double *learning
        const double *ltp
        const double *ltd
        const uint32_t *random
        const double *noise
    ctypedef void (*nm_synapse_hook)(const nm_synapse_chunk *chunk) noexcept
    ctypedef struct nm_target_chunk:
        size_t n
    ctypedef struct nm_eligibility:
        int tau_c
        int rate
        int subtract_baseline
    ctypedef struct nm_plasticity_rule:
        const char *name
        const char *title
        const char *reference
        const nm_field *params
        const nm_field *state
        const nm_trace *pre_traces
        const nm_trace *post_traces
        nm_synapse_hook on_pre
        double (*post_amplitude)(const double *params, const double *post) noexcept
        const nm_eligibility *eligibility
        nm_synapse_hook on_post
        void (*event)(const nm_target_chunk *chunk) noexcept
        const char *const *pre_columns
        const char *const *post_columns
        int pre_lag
        int lowpass_lag
        int needs_elapsed
        nm_synapse_hook advance
        int n_noise
        int n_random
        int applies_learning
    int nm_rule_check(const nm_plasticity_rule *rule, nm_error *error)

cdef extern from "nm_modulator.h" nogil:
    int NM_MAX_EVENT
    int NM_BASELINE
    int NM_DECAY_RATE
    ctypedef enum nm_effect:
        NM_FACTOR
        NM_RISE
    ctypedef enum nm_target:
        NM_LEARNING_RATE
        NM_THRESHOLD
        NM_GAIN
        NM_N_TARGETS
    ctypedef enum nm_response:
        NM_N_RESPONSES
    uint32_t NM_ON(int target)
    ctypedef struct nm_modulator:
        const char *name
        const char *title
        const char *reference
        const nm_field *params
        const nm_field *inputs
        nm_response response
        double offset
        uint32_t targets
        int optional

cdef extern from "nm_response.h" nogil:
    const nm_modulator nm_declared[]
    const char *nm_response_name(nm_response response)
    ctypedef struct nm_target_about:
        const char *word
        nm_effect effect
        double least
    const nm_target_about nm_targets[]
    double NM_NEUTRAL_OF(nm_effect effect)
    double nm_combined(nm_effect effect, double one, double other)

cdef extern from "nm_register.h":
    const nm_neuron_model *nm_neuron_models[]
    const nm_plasticity_rule *nm_plasticity_rules[]
    const nm_modulator *nm_modulators[]

cdef extern from "nm_rng.h" nogil:
    int NM_STREAM_NEURON
    int NM_STREAM_DRIVE
    int NM_STREAM_DRIVE_MORE
    int NM_STREAM_PLACE
    int NM_STREAM_CONNECT
    int NM_STREAM_WEIGHT
    int NM_STREAM_DELAY
    int NM_STREAM_USER
    int NM_STREAM_NOISE
    int NM_STREAM_NOISE_FLAT
    int NM_STREAM_WEIGHT_AGAIN
    int NM_STREAM_DELAY_AGAIN
    uint32_t nm_stream(uint32_t purpose, uint32_t salt)
    void nm_rng_philox(const uint32_t *counter, const uint32_t *key, uint32_t *out)
    void nm_rng_block(uint64_t seed, uint32_t stream, uint32_t id, uint64_t step, uint32_t *out)
    void nm_rng_fill(uint64_t seed, uint32_t stream, uint32_t first_id, uint64_t step, size_t n, uint32_t *out)
    void nm_rng_sequence(uint64_t seed, uint32_t stream, uint32_t id, uint64_t first_step, size_t n_blocks, uint32_t *out)
    uint32_t nm_rng_word(uint64_t seed, uint32_t stream, uint32_t id, uint64_t step)
    double nm_uniform(uint32_t word)

cdef extern from "nm_levels.h" nogil:
    ctypedef struct nm_release:
        int64_t modulator
        double amount
        const int64_t *run
        const uint8_t *region
        int64_t n_runs
        int64_t n_spikes
    int64_t NM_SUBSTEPS
    ctypedef struct nm_diffusion:
        const int32_t *pair
        int64_t n_pairs
        int64_t n_substeps
        double exchange
        double decay
        double *flow
        double *term
    ctypedef struct nm_levels:
        int64_t n_regions
        int64_t n_modulators
        const nm_modulator *const *modulators
        double *level
        const double *params
        const double *kept
        const double *tau
        const double *baseline
        const uint32_t *targets
        const double *offset
        const int32_t *zone_region
        const double *density
        int64_t n_zones
        nm_release *releases
        int64_t n_releases
        const nm_diffusion *diffusion
    ctypedef union nm_factors:
        double *of
    int nm_levels_check(const nm_levels *levels, nm_error *error)
    int nm_levels_event(const nm_levels *levels, int64_t m, int64_t region, const double *event, nm_error *error)
    void nm_levels_add(const nm_levels *levels, int64_t m, int64_t region, double amount)
    void nm_levels_step(const nm_levels *levels)
    double nm_levels_effect(const nm_levels *levels, int64_t m, nm_target target, double level, double density)
    nm_factors nm_levels_factors(const nm_levels *levels, int64_t zone)
    double nm_levels_signal(const nm_levels *levels, int64_t zone, double subtract_baseline, double dt, double tau_c)

cdef extern from "nm_network.h" nogil:
    int NM_MAX_INPUTS
    ctypedef struct nm_lazy
    ctypedef struct nm_short_term
    ctypedef struct nm_bitmap
    ctypedef struct nm_push
    ctypedef struct nm_events
    ctypedef struct nm_homeostasis
    ctypedef struct nm_group:
        const nm_neuron_model *model
        int64_t first
        int64_t n
        int64_t zone
        int64_t n_ports
        int64_t port[6]
        double *state[8]
        const double *params[24]
        double *seen[24]
        double *derived[16]
    ctypedef struct nm_block:
        int64_t group
        int64_t first
        int64_t n
        int64_t stride
        int64_t driven
        int64_t changed
        int64_t noisy
    ctypedef struct nm_projection:
        int64_t pre_first
        int64_t n_rows
        int64_t n_runs
        int64_t n_synapses
        const int64_t *bucket_run
        const int64_t *run_start
        const uint16_t *run_delay
        const uint16_t *target
        float *weight
        double constant_weight
        int64_t constant_delay
        int64_t min_delay
        int64_t max_delay
        int64_t inhibitory
        int64_t port
        const nm_plasticity_rule *rule
        const double *params
        double weight_min
        double weight_max
        double weight_kept
        double weight_dependence
        float *state[8]
        double *post_trace[3]
        double post_kept[3]
        nm_lazy *lazy
        nm_events *events
        nm_short_term *short_term
        const nm_bitmap *bitmap
        const nm_push *push
        nm_homeostasis *homeostasis
        uint32_t number
        const uint32_t *run_word
    ctypedef struct nm_network:
        int64_t n_neurons
        nm_group *groups
        int64_t n_groups
        nm_block *blocks
        int64_t n_blocks
        const int64_t *id
        double *external_input
        double *last_spike_time
        int64_t *spike_count
        const int32_t *zone
        const double *drive_rate
        const double *drive_weight
        const double *drive_noise
        const double *drive_uniform
        const double *drive_noise_per_step
        const double *drive_uniform_per_step
        double *seen_rate
        uint32_t *drive_table
        nm_projection *projections
        int64_t n_projections
        int64_t max_delay
        int64_t n_partitions
        int64_t partition_width
        int64_t *partition_block
    int64_t nm_network_partition_width(int64_t n_neurons)
    void nm_network_run_words(const nm_network *network, const nm_projection *p, uint32_t *word)
    int64_t nm_network_count_partitions(int64_t n_neurons)
    int64_t nm_network_cut(const nm_group *groups, int64_t n_groups, int64_t partition_width, nm_block *blocks,
                           int64_t *partition_block)
    int nm_network_check(const nm_network *network, nm_error *error)
    int nm_network_prepare(nm_network *network, double dt, int fresh, nm_error *error)

cdef extern from "nm_quantile.h" nogil:
    void nm_quantile_fill(const uint32_t *word, size_t n, float *deviate)

cdef extern from "nm_poisson.h" nogil:
    int NM_POISSON_TABLE
    int NM_POISSON_MEAN
    void nm_poisson_tabulate(double mean, uint32_t *table)

cdef extern from "nm_drive.h" nogil:
    double nm_drive_count(double mean, uint64_t seed, uint32_t id, uint64_t step)
    void nm_drive_add(const nm_network *network, const nm_block *block, double dt, uint64_t seed, uint64_t step,
                      double factor, double *excitatory, double *inhibitory)

cdef extern from "nm_delay.h" nogil:
    int64_t NM_INTERVAL
    ctypedef struct nm_delay:
        int64_t length
        int64_t width
        int64_t n_partitions
        int64_t partition_width
        int32_t *slot
        int64_t *count


cdef extern from "nm_bitmap.h" nogil:
    ctypedef struct nm_bitmap:
        int64_t most
        int64_t words
        const uint64_t *bits
        const int64_t *extra_start
        const uint16_t *extra
    int64_t nm_bitmap_words(int64_t partition_width)
    int64_t nm_bitmap_counts(int64_t partition_width)
    int64_t nm_bitmap_worth(const nm_projection *p, int64_t n_neurons, int64_t n_partitions, int64_t *extra_start)
    void nm_bitmap_fill(const nm_projection *p, int64_t n_buckets, int64_t words, uint64_t *bits, uint16_t *extra)

cdef extern from "nm_bitmap_deliver.h" nogil:
    ctypedef struct nm_bitmap_room:
        uint64_t *count
        double *sum

cdef extern from "nm_push.h" nogil:
    int NM_PUSH_STEPS
    ctypedef struct nm_push:
        double *sum
    int nm_push_worth(const nm_projection *p)

cdef extern from "nm_short_term.h" nogil:
    ctypedef struct nm_short_term:
        double U
        double tau_rec
        double tau_facil
        int64_t length
        double *u
        double *left
        int64_t *last
        double *efficacy
    double nm_short_term_release(const nm_short_term *s, int64_t row, double elapsed)

cdef extern from "nm_homeostasis.h" nogil:
    ctypedef struct nm_homeostasis:
        double target_rate
        double tau
        double strength
        int64_t every
        double *rate
    double nm_homeostasis_start(const nm_homeostasis *homeostasis, double dt, int64_t now)

cdef extern from "nm_record.h" nogil:
    ctypedef struct nm_spike_record:
        const uint8_t *wanted
        int64_t *step
        int64_t *id
        int64_t capacity
        int64_t n
    ctypedef struct nm_sample_record:
        const void *column
        int64_t is_float32
        const int64_t *index
        int64_t width
        int64_t every
        int64_t *step
        double *value
        int64_t capacity
        int64_t n
    int64_t nm_record_room(const nm_spike_record *record, int64_t n_neurons)

cdef extern from "nm_pool.h" nogil:
    int NM_MAX_THREADS
    ctypedef struct nm_pool
    size_t nm_pool_bytes()
    int nm_pool_start(nm_pool *pool, int n_threads)
    void nm_pool_stop(nm_pool *pool)
    int nm_pool_threads(const nm_pool *pool)

cdef extern from "nm_sim.h" nogil:
    ctypedef struct nm_sim:
        nm_network *network
        nm_levels *levels
        nm_delay ring
        double dt
        uint64_t seed
        int64_t step
        int64_t interval
        int64_t first
        int64_t last
        int64_t look
        int64_t n_zones
        nm_factors *factors
        double *input[16]
        double *scheduled
        double *fired
        nm_bitmap_room bitmap
        const int64_t *schedule_step
        const int32_t *schedule_slot
        int64_t n_schedule
        int64_t next_schedule
        const double *currents
        const int32_t *current_slot
        int64_t n_currents
        int64_t current_rows
        nm_spike_record *spike_records
        int64_t n_spike_records
        nm_sample_record *sample_records
        int64_t n_sample_records
    int nm_sim_run(nm_sim *sim, int64_t n_steps, nm_pool *pool, int64_t *done, nm_error *error)

cdef extern from "nm_replicas.h" nogil:
    ctypedef struct nm_replica:
        nm_sim *sim
        int64_t left
        int status
        nm_error error
    void nm_replicas_run(nm_replica *replicas, int64_t n, nm_pool *pool)

cdef extern from "nm_build.h" nogil:
    ctypedef struct nm_build:
        const int32_t *pre
        const int32_t *post
        int64_t n_pre
        int64_t n_post
        const int64_t *id
        int64_t pre_first
        int64_t n_rows
        int64_t autapses
        uint64_t seed
        uint32_t salt
        int64_t n_partitions
        int64_t partition_width
    int64_t NM_BUILD_NARROW
    int nm_build_probability(const nm_build *build, double p, int64_t *bucket_start, uint16_t *local, nm_error *error)
    int nm_build_in_degree(const nm_build *build, int64_t degree, int64_t *scratch, void *drawn,
                           int64_t *bucket_start, uint16_t *local, nm_error *error)
    int nm_build_out_degree(const nm_build *build, int64_t degree, int32_t *scratch, int64_t *bucket_start,
                            uint16_t *local, nm_error *error)
    int nm_build_pairs(const int32_t *pre, const int32_t *post, int64_t n, int64_t pre_first, int64_t n_rows,
                       int64_t *row_start, int32_t *targets, int64_t *order, nm_error *error)
    void nm_build_normal(uint64_t seed, uint32_t stream, double mean, double sd, int64_t n, float *out)
    void nm_build_lognormal(uint64_t seed, uint32_t stream, double mean, double sd, int64_t n, float *out)
    int nm_build_redraw(uint64_t seed, uint32_t stream, double mean, double sd, int lognormal, float low, float high,
                        int64_t n, float *out, nm_error *error)
    void nm_build_uniform(uint64_t seed, uint32_t stream, double low, double high, int64_t n, float *out)
    int nm_build_sort_by_delay(const int64_t *row_start, int64_t n_rows, uint16_t *delay, uint16_t *local,
                               float *weight, int64_t *scratch_order, void *scratch, nm_error *error)
    int nm_build_buckets(const int64_t *row_start, int64_t n_rows, const int32_t *targets, int64_t n_partitions,
                        int64_t partition_width, int64_t *bucket_start, uint16_t *local, nm_error *error)
    int64_t nm_build_runs(const int64_t *bucket_start, int64_t n_buckets, const uint16_t *delay,
                              int64_t *bucket_run, int64_t *run_start, uint16_t *run_delay)
