# The engine of csrc/, transcribed: network, delivery, learning, recording, run, building.

cdef extern from "nm_routes.h" nogil:
    ctypedef struct nm_outgoing:
        const int64_t *start
        const int32_t *projection
    ctypedef struct nm_age:
        int64_t delay
        int64_t n_bitmaps
        const int32_t *bitmap
        nm_outgoing others
    ctypedef struct nm_swept:
        int64_t sweep
        int64_t n_rows
        int64_t n
        const int32_t *projection
    ctypedef struct nm_routes:
        int64_t n_ranges
        const int64_t *first
        int64_t n_static_ages
        const nm_age *static_ages
        nm_outgoing pushed
        int64_t n_ages
        const nm_age *ages
        int64_t n_stepped
        int64_t n_short_term
        int64_t n_scaled
        const int32_t *stepped
        const int32_t *short_term
        const int32_t *scaled
        int64_t n_swept
        const nm_swept *swept

cdef extern from "nm_network.h" nogil:
    int NM_MAX_INPUTS
    ctypedef struct nm_lazy
    ctypedef struct nm_members:
        int64_t n
        const int64_t *end
        const uint32_t *number
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
        int64_t parts
        int64_t before
        int64_t behind
        const int64_t *bucket_run
        const uint8_t *reached
        const int64_t *run_start
        const uint16_t *run_delay
        const uint16_t *target
        float *weight
        double constant_weight
        int64_t constant_delay
        int64_t min_delay
        int64_t max_delay
        int64_t born_last
        const int64_t *born
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
        int64_t post_follows[3]
        double post_kept[3]
        nm_lazy *lazy
        const nm_members *members
        nm_events *events
        nm_short_term *short_term
        const nm_bitmap *bitmap
        int64_t joinable
        int64_t joined
        nm_homeostasis *homeostasis
        uint32_t number
        const uint32_t *run_word
        int64_t frozen, nearest
        const nm_acting *acting
    ctypedef struct nm_network:
        int64_t n_neurons
        nm_group *groups
        int64_t n_groups
        nm_block *blocks
        int64_t n_blocks
        const int64_t *id
        double *external_input
        const double *i_offset
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
        int64_t n_joined
        nm_routes routes
        const nm_push *push
        int64_t max_delay
        int64_t n_partitions
        int64_t partition_width
        int64_t *partition_block
        int64_t at_once
    int64_t nm_network_partition_width(int64_t n_neurons)
    void nm_network_run_words(const nm_network *network, const nm_projection *p, uint32_t *word)
    int64_t nm_network_count_partitions(int64_t n_neurons)
    int64_t nm_all_buckets(const nm_network *network, const nm_projection *p)
    int64_t nm_bucket(const nm_network *network, const nm_projection *p, int64_t row, int64_t partition)
    int64_t nm_first_run(const nm_projection *p, int64_t bucket)
    int64_t nm_row_of(const nm_network *network, const nm_projection *p, int64_t bucket)
    int64_t nm_partition_of(const nm_network *network, const nm_projection *p, int64_t bucket)
    int64_t nm_network_cut(const nm_group *groups, int64_t n_groups, const double *drive_rate, int64_t partition_width,
                           nm_block *blocks, int64_t *partition_block)
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
    int32_t *nm_delay_list(const nm_delay *ring, int64_t step, int64_t partition)
    int64_t *nm_delay_count(const nm_delay *ring, int64_t step, int64_t partition)

cdef extern from "nm_lazy.h" nogil:
    int NM_RECENT
    int NM_CLOSE
    int NM_SPIKES
    int NM_SNAPSHOT
    int NM_FINE
    int NM_SWEEP_MAX
    int NM_NEVER
    ctypedef struct nm_recent:
        pass
    ctypedef struct nm_former:
        pass
    ctypedef struct nm_visit:
        pass
    ctypedef struct nm_lazy:
        int64_t sweep
        int64_t length
        int64_t n_zones
        int64_t *origin
        int64_t *epoch
        int64_t follows
        const nm_projection *next
        double *snapshots
        double *ltp
        double *ltd
        int64_t n_traces
        nm_visit *visits
        double *decay[3]
        int32_t *newest
        nm_recent *recent
        nm_former *former
        int64_t *spike
        double *gain
        int64_t *n_spikes
        int64_t *floor
        double *late
        int64_t *turn
        int64_t *n_turns
        int64_t *sign
    ctypedef struct nm_lazy_step:
        const nm_network *network
        const nm_projection *projection
        double *input
        double efficacy
        const int64_t *born
        int64_t fired
        double dt
        uint64_t seed
        int64_t now
    int64_t nm_lazy_sweep(double dt, double tau_c)
    int64_t nm_lazy_length(int64_t sweep)
    int64_t nm_lazy_decay_length(int64_t sweep)
    void nm_lazy_start(const nm_network *network, const nm_projection *projection, double dt, int64_t now)
    void nm_lazy_read(const nm_lazy_step *step, int64_t first, int64_t last, int64_t base, float *weight,
                       float *eligibility)
    void nm_lazy_flush(const nm_lazy_step *step, int64_t first, int64_t last)
    double nm_lazy_decayed(const double *table, int64_t steps)

cdef extern from "nm_lazy_join.h" nogil:
    ctypedef struct nm_lazy_join:
        const nm_network *network
        nm_projection *own
        nm_visit **visits
        uint16_t **targets
        int64_t n
        nm_projection *rows
        nm_visit *rows_visits
        uint16_t *rows_target
        int64_t n_traces
        int64_t *next
        int64_t *end
    void nm_lazy_join_span(const nm_network *network, const nm_projection *p, int64_t *first, int64_t *end)
    void nm_lazy_join_count(const nm_lazy_join *join, int64_t *bucket_run)
    void nm_lazy_join_measure(const nm_lazy_join *join, int64_t *run_start, uint16_t *run_delay)
    int nm_lazy_join_fill(const nm_lazy_join *join, int64_t first, int64_t last)
    void nm_lazy_join_part(const nm_lazy_join *join, int64_t first, int64_t last)
    void nm_lazy_join_targets(const nm_lazy_join *join, int64_t member, uint16_t *target)
    int64_t nm_lazy_join_read(const nm_lazy_step *step, int64_t member, int64_t first, int64_t last, float *weight,
                              float *eligibility)

cdef extern from "nm_events.h" nogil:
    ctypedef struct nm_events:
        int64_t lag
        int64_t n_delays
        const int64_t *delays
        double *trace[3]
        double rate[3]
        int64_t *arrived
        double *lowpass[3]
        double *pre_snapshot[4]
        const double *pre_source[4]
        const double *lowpass_source[3]
        const double *post_column[4]
        const double *post_lowpass_source[3]
        int64_t lowpass_lag
        double *post_history[3]
        const int64_t *incoming_start
        const uint32_t *incoming
        const uint32_t *incoming_run
        int64_t *last
        uint32_t salt
        const int64_t *shift
    ctypedef struct nm_events_step:
        const nm_network *network
        const nm_projection *projection
        const nm_delay *ring
        const nm_factors *factor
        const double *fired
        double dt
        uint64_t seed
        int64_t now
        int64_t partition
    void nm_events_read(const nm_events_step *step, int64_t first, int64_t last, float *weight,
                        float *const *state)
    void nm_events_index(const nm_network *network, const nm_projection *p, int64_t *incoming_start,
                         uint32_t *incoming, uint32_t *incoming_run, int64_t *next)

cdef extern from "nm_change.h" nogil:
    void nm_change_bounds(double weight_min, double weight_max, int64_t inhibitory, double *low, double *high)
    void nm_change_apply(size_t n, const double *change, const double *learning, size_t stride, double low,
                         double high, double *weight)

cdef extern from "nm_bitmap.h" nogil:
    enum: NM_BITMAP_READ
    ctypedef struct nm_bitmap:
        int64_t most
        int64_t words
        const uint64_t *bits
        const int64_t *extra_start
        const uint16_t *extra
    int64_t nm_bitmap_words(int64_t partition_width)
    int64_t nm_bitmap_counts(int64_t partition_width)
    int nm_bitmap_pays(int64_t n_synapses, int64_t n_rows, int64_t n_neurons, int64_t extras)
    int64_t nm_bitmap_worth(const nm_projection *p, int64_t n_neurons, int64_t n_buckets, int part,
                            int64_t *extra_start)
    void nm_bitmap_fill(const nm_projection *p, int64_t n_buckets, int64_t words, uint64_t *bits, uint16_t *extra)

cdef extern from "nm_bitmap_deliver.h" nogil:
    ctypedef struct nm_bitmap_room:
        uint64_t *count
        double *sum

cdef extern from "nm_join.h" nogil:
    int NM_JOIN_DELAYS
    ctypedef struct nm_join:
        const nm_projection *members
        int64_t n_members
        int64_t first
        int64_t n_rows
        int64_t n_partitions
        int64_t partition_width
        int64_t parts
        int64_t *scratch
    ctypedef struct nm_join_found:
        int64_t *position
        uint16_t *target
        uint16_t *delay
        float *weight
        int64_t *bucket
    int64_t nm_join_buckets(const nm_join *join)
    void nm_join_measure(const nm_join *join, int64_t n_runs, int64_t *bucket_run)
    int64_t nm_join_fill(const nm_join *join, int64_t n, const int64_t *bucket_run, int64_t *run_start,
                         uint16_t *run_delay, uint16_t *target, float *weight)
    void nm_join_targets(const nm_projection *p, int64_t n_partitions, int64_t partition_width, uint8_t *targets)
    int64_t nm_join_find(const nm_projection *table, int64_t n_partitions, int64_t partition_width,
                         const uint8_t *sources, const uint8_t *targets, const nm_join_found *found)

cdef extern from "nm_push.h" nogil:
    ctypedef struct nm_push:
        int64_t steps
        int64_t min_delay
        int64_t max_delay
        double *sum[16]
    int nm_push_worth(const nm_projection *p)
    int64_t nm_push_steps(int64_t max_delay, int64_t n_neurons)

cdef extern from "nm_short_term.h" nogil:
    ctypedef struct nm_short_term:
        const double *U
        const double *tau_rec
        const double *tau_facil
        int64_t stride
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
        int64_t every, follows
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
        int64_t is_int64
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
    int64_t nm_pool_process()

cdef extern from "nm_clock.h" nogil:
    double nm_clock()

cdef extern from "nm_heap.h" nogil:
    void nm_heap_trim()
    void nm_heap_forget(void *memory, size_t bytes)

cdef extern from "nm_current.h" nogil:
    int NM_CURRENT_LINES
    int NM_CURRENT_SINE
    int NM_CURRENT_OU
    ctypedef struct nm_current:
        int64_t kind
        int64_t n
        const int32_t *slot
        const double *factor
        double start
        double stop
        const double *begin
        const double *value
        const double *slope
        int64_t n_lines
        double amplitude
        double offset
        double frequency
        double phase
        double mean
        double sd
        double tau
        double *state
        uint32_t number
    double nm_current_mean(const nm_current *current, int64_t now)

cdef extern from "nm_sim.h" nogil:
    ctypedef struct nm_ranks:
        int64_t first
        int64_t end
        int64_t every
        int64_t exchanged
        void (*exchange)(void *context, int64_t first, int64_t last) noexcept nogil
        void *context
    ctypedef struct nm_sim:
        nm_network *network
        nm_levels *levels
        nm_ranks *ranks
        nm_delay ring
        double dt
        uint64_t seed
        int64_t step
        int64_t interval
        int64_t first
        int64_t last
        int64_t look
        double until
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
        int64_t same_currents
        const nm_current *sources
        int64_t n_sources
        nm_spike_record *spike_records
        int64_t n_spike_records
        nm_sample_record *sample_records
        int64_t n_sample_records
    int nm_sim_run(nm_sim *sim, int64_t n_steps, nm_pool *pool, int64_t *done, nm_error *error)
    void nm_sim_exchange(nm_sim *sim)

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
        int64_t first_partition
        int (*interrupted)(void *context) noexcept
        void *context
    int64_t NM_BUILD_NARROW
    int nm_build_check(const nm_build *build, nm_error *error)
    int nm_build_probability(const nm_build *build, double p, int64_t *bucket_start, uint16_t *local, nm_error *error)
    int nm_build_in_degree(const nm_build *build, int64_t degree, int64_t *scratch, void *drawn,
                           int64_t *bucket_start, uint16_t *local, nm_error *error)
    int nm_build_out_degree(const nm_build *build, int64_t degree, int32_t *scratch, int64_t *bucket_start,
                            uint16_t *local, nm_error *error)
    int nm_build_out_degrees(const nm_build *build, const int64_t *degree, int32_t *scratch, int64_t *bucket_start,
                             uint16_t *local, nm_error *error)
    int nm_build_chosen(const nm_build *build, int of_sources, const int64_t *count, int distinct, uint64_t *mark,
                        int32_t *chosen, nm_error *error)
    int nm_build_pairs(const int32_t *pre, const int32_t *post, int64_t n, int64_t pre_first, int64_t n_rows,
                       int64_t *row_start, int32_t *targets, int64_t *order, nm_error *error)
    void nm_build_normal(uint64_t seed, uint32_t stream, double mean, double sd, int64_t first, int64_t n,
                         float *out)
    void nm_build_lognormal(uint64_t seed, uint32_t stream, double mean, double sd, int64_t first, int64_t n,
                            float *out)
    int nm_build_redraw(uint64_t seed, uint32_t stream, double mean, double sd, int lognormal, float low, float high,
                        int64_t first, int64_t n, float *out, nm_error *error)
    void nm_build_uniform(uint64_t seed, uint32_t stream, double low, double high, int64_t first, int64_t n,
                          float *out)
    int nm_build_sort_by_delay(const int64_t *row_start, int64_t n_rows, uint16_t *delay, uint16_t *local,
                               float *weight, int64_t *pair, int64_t *scratch_order, void *scratch, nm_error *error)
    int nm_build_buckets(const int64_t *row_start, int64_t n_rows, const int32_t *targets, int64_t n_partitions,
                        int64_t partition_width, int64_t *bucket_start, uint16_t *local, nm_error *error)
    int64_t nm_build_runs(const int64_t *bucket_start, int64_t n_buckets, const uint16_t *delay,
                              int64_t *bucket_run, int64_t *run_start, uint16_t *run_delay)

cdef extern from "nm_build_distance.h" nogil:
    int NM_MAX_AXES
    int NM_LAW_CONSTANT
    int NM_LAW_GAUSSIAN
    int NM_LAW_EXPONENTIAL
    ctypedef struct nm_law:
        int64_t kind
        double p_center
        double scale
        double inner
        double radius
    ctypedef struct nm_cells:
        int64_t n_axes
        const double *pre_position
        const double *post_position
        const int32_t *post
        const double *period
        const double *corner
        const double *width
        const int64_t *count
        const int64_t *start
        double reach
    int64_t nm_build_near(const nm_build *build, const nm_cells *cells, const nm_law *law, int64_t *source, int64_t room,
                          int32_t *pre, int32_t *post)
