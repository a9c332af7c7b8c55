/* SPDX-License-Identifier: MIT */
#include "nm_model.h"

static int count_traces(const nm_trace *traces) {
    int n = 0;
    while (traces != NULL && traces[n].name != NULL)
        n++;
    return n;
}

static int count_names(const char *const *names) {
    int n = 0;
    while (names != NULL && names[n] != NULL)
        n++;
    return n;
}

static int all_of_spikes(const nm_trace *traces) {
    for (int k = 0; k < count_traces(traces); k++)
        if (traces[k].kind != NM_TRACE_ALL)
            return 0;
    return 1;
}

static int columns_fit(const nm_trace *traces) {
    for (int k = 0; k < count_traces(traces); k++)
        if ((traces[k].kind == NM_TRACE_LOWPASS) != (traces[k].column != NULL))
            return 0;
    return 1;
}

static int has_lowpass(const nm_trace *traces) {
    for (int k = 0; k < count_traces(traces); k++)
        if (traces[k].kind == NM_TRACE_LOWPASS)
            return 1;
    return 0;
}

static int is_of_events(const nm_plasticity_rule *rule) {
    return rule->on_post != NULL || rule->event != NULL || rule->pre_columns != NULL ||
           rule->post_columns != NULL || rule->pre_lag || rule->lowpass_lag || rule->needs_elapsed ||
           rule->n_random || rule->applies_learning || rule->advance != NULL || rule->n_noise;
}

static int fits(const nm_plasticity_rule *rule) {
    return nm_field_count(rule->params) <= NM_MAX_PARAMS && nm_field_count(rule->state) <= NM_MAX_STATE &&
           count_traces(rule->pre_traces) <= NM_MAX_TRACES &&
           count_traces(rule->post_traces) <= NM_MAX_TRACES &&
           count_names(rule->pre_columns) <= NM_MAX_COLUMNS &&
           count_names(rule->post_columns) <= NM_MAX_COLUMNS && rule->n_random >= 0 &&
           rule->n_random <= NM_MAX_RANDOM && rule->n_noise >= 0 && rule->n_noise <= NM_MAX_RANDOM &&
           rule->pre_lag >= 0 && rule->pre_lag <= nm_field_count(rule->params) && rule->lowpass_lag >= 0 &&
           rule->lowpass_lag <= nm_field_count(rule->params);
}

static int lazy_rule_breaks(const nm_plasticity_rule *rule) {
    if (nm_field_count(rule->state) > 0 && rule->eligibility == NULL)
        return 1;
    if (is_of_events(rule) || count_traces(rule->pre_traces) == 0)
        return 2;
    return all_of_spikes(rule->pre_traces) && all_of_spikes(rule->post_traces) ? 0 : 3;
}

static int event_rule_breaks(const nm_plasticity_rule *rule) {
    if (nm_field_count(rule->state) > 0 && rule->on_pre == NULL && rule->on_post == NULL &&
        rule->advance == NULL)
        return 1;
    if (rule->eligibility != NULL)
        return 2;
    if (rule->event != NULL && rule->on_post == NULL)
        return 6;
    return rule->advance != NULL ? (rule->needs_elapsed ? 0 : 7) : (rule->n_noise ? 7 : 0);
}

int nm_rule_check(const nm_plasticity_rule *rule, nm_error *error) {
    int breaks = rule->post_amplitude != NULL ? lazy_rule_breaks(rule) : event_rule_breaks(rule);
    if (breaks == 0 && !(columns_fit(rule->pre_traces) && columns_fit(rule->post_traces)))
        breaks = 4;
    if (breaks == 0 && rule->lowpass_lag && !has_lowpass(rule->post_traces))
        breaks = 4;
    if (breaks == 0 && !fits(rule))
        breaks = 5;
    return breaks ? nm_fail(error, NM_ERR_BAD_LAYOUT, -1, breaks, 0.0) : NM_OK;
}
