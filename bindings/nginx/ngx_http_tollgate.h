/*
 * What the files of the module share: its configuration, what is kept of a decision, and who calls whom.
 */

#ifndef NGX_HTTP_TOLLGATE_H
#define NGX_HTTP_TOLLGATE_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "tollgate.h"


/* A file of rules, or an artifact. */
typedef struct {
    tollgate_program    *program;
    /* Null where nothing is asked. Workers have one each, by fork, and with it the states that are kept in a process. */
    tollgate_session    *session;
    /* Whether the rules declare states. */
    ngx_flag_t           states;
} ngx_http_tollgate_rules_t;


/* A guard or rule set that a location asks, and what it is given beside the request. */
typedef struct {
    ngx_str_t                   name;
    /* Of const char *. */
    ngx_array_t                 paths;
    /* Of ngx_http_complex_value_t, one for each path. */
    ngx_array_t                 values;
    /* Found among the rules of its level when configurations are merged. */
    tollgate_entry             *entry;
    ngx_http_tollgate_rules_t  *rules;
} ngx_http_tollgate_call_t;


typedef struct {
    ngx_http_tollgate_rules_t  *rules;
    /* Of ngx_http_tollgate_call_t; empty for "off". */
    ngx_array_t                *guards;
    /* The same, of at most one call. */
    ngx_array_t                *decide;
} ngx_http_tollgate_loc_conf_t;


typedef struct {
    /* The variable $request_id. */
    ngx_int_t                   request_id;
} ngx_http_tollgate_main_conf_t;


/* A field of an outcome, as text. */
typedef struct {
    ngx_str_t                   name;
    ngx_str_t                   text;
} ngx_http_tollgate_field_t;


/* What was decided about a request, copied: the session decides about other requests meanwhile. */
typedef struct {
    /* NGX_OK, or the status of an answer where nothing could be decided. */
    ngx_int_t                   rc;
    ngx_str_t                   outcome;
    ngx_str_t                   rule;
    ngx_str_t                   json;
    /* Of ngx_http_tollgate_field_t. */
    ngx_array_t                 fields;
    /* The outcome's fields `status` and `retry_after`, 0 where it has none. */
    int64_t                     status;
    int64_t                     retry_after;
} ngx_http_tollgate_ctx_t;


extern ngx_module_t  ngx_http_tollgate_module;


/* ngx_http_tollgate_conf.c: directives, and levels of configuration. */

void *ngx_http_tollgate_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_tollgate_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
char *ngx_http_tollgate_set_rules(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_tollgate_set_data(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_tollgate_set_store(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_tollgate_set_call(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* ngx_http_tollgate_decide.c: asking the rules. */

ngx_int_t ngx_http_tollgate_ask(ngx_http_request_t *r,
    ngx_http_tollgate_call_t *call, const tollgate_decision **decision);
ngx_int_t ngx_http_tollgate_keep(ngx_http_request_t *r,
    ngx_http_tollgate_ctx_t *ctx, const tollgate_decision *decision);
ngx_http_tollgate_ctx_t *ngx_http_tollgate_decided(ngx_http_request_t *r);
ngx_str_t *ngx_http_tollgate_field(ngx_http_tollgate_ctx_t *ctx, u_char *name,
    size_t len);


/* ngx_http_tollgate_access.c: what becomes of an outcome. */

ngx_int_t ngx_http_tollgate_access(ngx_http_request_t *r);


/* ngx_http_tollgate_variables.c: what the configuration reads of it. */

ngx_int_t ngx_http_tollgate_add_variables(ngx_conf_t *cf);


#endif
