/*
 * nginx decides by .rules: guards deny, and the outcome of a rule set routes by variables or is the answer itself.
 *
 * What happens when: rules are compiled while the configuration is read, in the master, so that a broken file refuses the configuration and a
 * reload leaves the old one at work. Workers inherit the program by fork; each makes a session when it first decides. Requests are decided in the
 * access phase, or earlier where a variable is asked for.
 *
 * When in doubt a request does not pass: one that breaks a rule of its types is answered with 400, and what goes wrong here with 500.
 *
 * README.md has the directives and variables.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "tollgate.h"


/* A compiled file of rules. */
typedef struct {
    tollgate_program    *program;
    /* Of this worker; null until it decides. */
    tollgate_session    *session;
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


static ngx_int_t ngx_http_tollgate_add_variables(ngx_conf_t *cf);
static ngx_int_t ngx_http_tollgate_init(ngx_conf_t *cf);
static void *ngx_http_tollgate_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_tollgate_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_tollgate_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_tollgate_set_rules(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_tollgate_set_data(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_tollgate_set_call(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_command_t  ngx_http_tollgate_commands[] = {

    { ngx_string("tollgate_rules"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_tollgate_set_rules,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tollgate_data"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE2,
      ngx_http_tollgate_set_data,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("tollgate_guard"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_tollgate_set_call,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, guards),
      NULL },

    { ngx_string("tollgate_decide"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_tollgate_set_call,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_tollgate_loc_conf_t, decide),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_tollgate_module_ctx = {
    ngx_http_tollgate_add_variables,       /* preconfiguration */
    ngx_http_tollgate_init,                /* postconfiguration */

    ngx_http_tollgate_create_main_conf,    /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_tollgate_create_loc_conf,     /* create location configuration */
    ngx_http_tollgate_merge_loc_conf       /* merge location configuration */
};


ngx_module_t  ngx_http_tollgate_module = {
    NGX_MODULE_V1,
    &ngx_http_tollgate_module_ctx,         /* module context */
    ngx_http_tollgate_commands,            /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static tollgate_text
ngx_http_tollgate_text(ngx_str_t *str)
{
    tollgate_text  text;

    text.bytes = (const char *) str->data;
    text.size = str->len;

    return text;
}


/* A copy in the request's memory; of no text where there is none. */
static ngx_int_t
ngx_http_tollgate_copy(ngx_pool_t *pool, tollgate_text text, ngx_str_t *str)
{
    str->len = text.size;
    str->data = ngx_pnalloc(pool, text.size ? text.size : 1);
    if (str->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(str->data, text.bytes, text.size);

    return NGX_OK;
}


/* Deciding. */


static ngx_int_t
ngx_http_tollgate_headers(ngx_http_request_t *r, tollgate_request *request)
{
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;
    tollgate_header  *headers;

    n = 0;
    for (part = &r->headers_in.headers.part; part; part = part->next) {
        n += part->nelts;
    }

    headers = ngx_palloc(r->pool, (n ? n : 1) * sizeof(tollgate_header));
    if (headers == NULL) {
        return NGX_ERROR;
    }

    request->headers = headers;
    request->header_count = n;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;
        for (i = 0; i < part->nelts; i++) {
            headers->name = ngx_http_tollgate_text(&header[i].key);
            headers->value = ngx_http_tollgate_text(&header[i].value);
            headers++;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_request(ngx_http_request_t *r, tollgate_request *request)
{
    ngx_time_t                     *now;
    ngx_http_variable_value_t      *id;
    ngx_http_tollgate_main_conf_t  *tmcf;

    ngx_memzero(request, sizeof(tollgate_request));

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tollgate_module);
    id = ngx_http_get_indexed_variable(r, tmcf->request_id);
    if (id && !id->not_found) {
        request->id.bytes = (const char *) id->data;
        request->id.size = id->len;
    }

    now = ngx_timeofday();
    request->time = ((int64_t) now->sec * 1000 + now->msec) * 1000;

    request->method = ngx_http_tollgate_text(&r->method_name);
    request->target = ngx_http_tollgate_text(&r->unparsed_uri);

    /* The absolute form of a target has a host of its own, which nginx goes by. */
    if (r->host_start && r->headers_in.server.len) {
        request->authority = ngx_http_tollgate_text(&r->headers_in.server);
    }

    request->peer_ip = ngx_http_tollgate_text(&r->connection->addr_text);
    request->peer_port = ngx_inet_get_port(r->connection->sockaddr);

#if (NGX_HTTP_SSL)
    request->tls = r->connection->ssl != NULL;
#endif

    return ngx_http_tollgate_headers(r, request);
}


/* NGX_OK and a decision, or the status of the answer. */
static ngx_int_t
ngx_http_tollgate_ask(ngx_http_request_t *r, ngx_http_tollgate_call_t *call,
    const tollgate_decision **decision)
{
    ngx_int_t                   rc;
    ngx_str_t                   text;
    ngx_uint_t                  i, level;
    tollgate_error             *error;
    tollgate_value             *values;
    tollgate_status             status;
    tollgate_request            request;
    ngx_http_complex_value_t   *given;
    ngx_http_tollgate_rules_t  *rules;

    rules = call->rules;

    if (ngx_http_tollgate_request(r, &request) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    values = ngx_pcalloc(r->pool,
                         (call->values.nelts + 1) * sizeof(tollgate_value));
    if (values == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    given = call->values.elts;
    for (i = 0; i < call->values.nelts; i++) {
        if (ngx_http_complex_value(r, &given[i], &text) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        /* An empty text is what nginx has where there is nothing: absent. */
        if (text.len) {
            values[i] = tollgate_value_of_text(ngx_http_tollgate_text(&text));
        }
    }

    error = NULL;
    status = TOLLGATE_STATUS_OK;

    if (rules->session == NULL) {
        status = tollgate_session_new(rules->program, &rules->session, &error);
    }

    if (status == TOLLGATE_STATUS_OK) {
        status = tollgate_decide_request(rules->session, call->entry, &request,
                                         values, call->values.nelts, decision,
                                         &error);
    }

    if (status == TOLLGATE_STATUS_OK) {
        return NGX_OK;
    }

    /* A client that is wrong is nothing for an operator to look at. */
    level = NGX_LOG_ERR;
    rc = NGX_HTTP_INTERNAL_SERVER_ERROR;

    if (status == TOLLGATE_STATUS_REFUSED) {
        level = NGX_LOG_INFO;
        rc = NGX_HTTP_BAD_REQUEST;
    }

    ngx_log_error(level, r->connection->log, 0,
                  "tollgate: \"%V\" not decided: %s",
                  &call->name, tollgate_error_message(error));
    tollgate_error_free(error);

    return rc;
}


/* Keeps what is read of a decision. */
static ngx_int_t
ngx_http_tollgate_keep(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx,
    const tollgate_decision *decision)
{
    size_t                      i;
    tollgate_text               name, text;
    ngx_http_tollgate_field_t  *field;

    text = tollgate_decision_variant(decision, NULL);
    if (text.size == 0) {
        (void) tollgate_decision_text(decision, NULL, &text);
    }

    if (ngx_http_tollgate_copy(r->pool, text, &ctx->outcome) != NGX_OK
        || ngx_http_tollgate_copy(r->pool, tollgate_decision_rule(decision, 0),
                                  &ctx->rule) != NGX_OK
        || ngx_http_tollgate_copy(r->pool, tollgate_decision_json(decision),
                                  &ctx->json) != NGX_OK
        || ngx_array_init(&ctx->fields, r->pool, 4,
                          sizeof(ngx_http_tollgate_field_t)) != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; tollgate_decision_field(decision, NULL, i, &name); i++) {
        if (!tollgate_decision_text(decision, name.bytes, &text)) {
            continue;
        }

        field = ngx_array_push(&ctx->fields);
        if (field == NULL
            || ngx_http_tollgate_copy(r->pool, name, &field->name) != NGX_OK
            || ngx_http_tollgate_copy(r->pool, text, &field->text) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    (void) tollgate_decision_int(decision, "status", &ctx->status);
    (void) tollgate_decision_int(decision, "retry_after", &ctx->retry_after);

    return NGX_OK;
}


/* What the location decides about the request: once, whoever asks first. Null where it decides nothing. */
static ngx_http_tollgate_ctx_t *
ngx_http_tollgate_decided(ngx_http_request_t *r)
{
    const tollgate_decision       *decision;
    ngx_http_tollgate_ctx_t       *ctx;
    ngx_http_tollgate_loc_conf_t  *tlcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_tollgate_module);
    if (ctx) {
        return ctx;
    }

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_tollgate_module);

    if (tlcf->decide == NULL || tlcf->decide->nelts == 0) {
        return NULL;
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_tollgate_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    ngx_http_set_ctx(r, ctx, ngx_http_tollgate_module);

    ctx->rc = ngx_http_tollgate_ask(r, tlcf->decide->elts, &decision);
    if (ctx->rc == NGX_OK
        && ngx_http_tollgate_keep(r, ctx, decision) != NGX_OK)
    {
        ctx->rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ctx;
}


static ngx_str_t *
ngx_http_tollgate_field(ngx_http_tollgate_ctx_t *ctx, u_char *name, size_t len)
{
    ngx_uint_t                  i;
    ngx_http_tollgate_field_t  *field;

    field = ctx->fields.elts;
    for (i = 0; i < ctx->fields.nelts; i++) {
        if (field[i].name.len == len
            && ngx_strncmp(field[i].name.data, name, len) == 0)
        {
            return &field[i].text;
        }
    }

    return NULL;
}


/* Answering. */


static ngx_int_t
ngx_http_tollgate_add_header(ngx_http_request_t *r, const char *key,
    ngx_str_t *value, ngx_table_elt_t **added)
{
    ngx_uint_t        i;
    ngx_table_elt_t  *header;

    for (i = 0; i < value->len; i++) {
        if (value->data[i] < 0x20 || value->data[i] == 0x7f) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "tollgate: a control character in the header \"%s\"",
                          key);
            return NGX_ERROR;
        }
    }

    header = ngx_list_push(&r->headers_out.headers);
    if (header == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(header, sizeof(ngx_table_elt_t));
    header->hash = 1;
    header->key.data = (u_char *) key;
    header->key.len = ngx_strlen(key);
    header->value = *value;

    if (added) {
        *added = header;
    }

    return NGX_OK;
}


/* Answers with what an outcome with a field `status` says. */
static ngx_int_t
ngx_http_tollgate_answer(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_str_t                 *body, *location, seconds;
    ngx_http_complex_value_t   value;

    static ngx_str_t           type = ngx_string("text/plain; charset=utf-8");
    static ngx_str_t           none = ngx_null_string;

    if (ctx->status < NGX_HTTP_OK || ctx->status > 599) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "tollgate: rule \"%V\" answers with the status %L, "
                      "which is no final one", &ctx->rule, ctx->status);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->retry_after > 0) {
        seconds.data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
        if (seconds.data == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        /* Whole seconds, and never too early. */
        seconds.len = ngx_sprintf(seconds.data, "%L",
                                  (ctx->retry_after - 1) / 1000000 + 1)
                      - seconds.data;

        rc = ngx_http_tollgate_add_header(r, "Retry-After", &seconds, NULL);
        if (rc != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    location = ngx_http_tollgate_field(ctx, (u_char *) "location", 8);

    if (location && ctx->status >= 300 && ctx->status < 400) {
        ngx_http_clear_location(r);

        rc = ngx_http_tollgate_add_header(r, "Location", location,
                                          &r->headers_out.location);
        return rc == NGX_OK ? ctx->status : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body = ngx_http_tollgate_field(ctx, (u_char *) "body", 4);

    if ((body == NULL || body->len == 0) && ctx->status >= 300) {
        /* nginx has a page for it, or an error_page of the configuration. */
        return ctx->status;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memzero(&value, sizeof(ngx_http_complex_value_t));
    value.value = body ? *body : none;

    rc = ngx_http_send_response(r, ctx->status, &type, &value);

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


/* NGX_OK to go on, or the status with which a guard ends the request; the variables tell of the denial then. */
static ngx_int_t
ngx_http_tollgate_guarded(ngx_http_request_t *r, ngx_http_tollgate_call_t *guard)
{
    u_char                        *p;
    ngx_str_t                      name, *why;
    const tollgate_decision       *decision;
    ngx_http_tollgate_ctx_t       *ctx;

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_tollgate_ctx_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->rc = ngx_http_tollgate_ask(r, guard, &decision);

    if (ctx->rc == NGX_OK
        && ngx_strcmp(tollgate_decision_variant(decision, NULL).bytes, "pass")
           == 0)
    {
        return NGX_OK;
    }

    ngx_http_set_ctx(r, ctx, ngx_http_tollgate_module);

    if (ctx->rc != NGX_OK) {
        return ctx->rc;
    }

    if (ngx_http_tollgate_keep(r, ctx, decision) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    why = ngx_http_tollgate_field(ctx, (u_char *) "why", 3);
    if (why == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "tollgate: \"%V\" is no guard", &guard->name);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    name.len = guard->name.len + 1 + ctx->rule.len;
    name.data = ngx_pnalloc(r->pool, name.len);
    if (name.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_cpymem(name.data, guard->name.data, guard->name.len);
    *p++ = '.';
    ngx_memcpy(p, ctx->rule.data, ctx->rule.len);
    ctx->rule = name;

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "tollgate: denied by \"%V\": %V", &ctx->rule, why);

    return NGX_HTTP_FORBIDDEN;
}


static ngx_int_t
ngx_http_tollgate_access(ngx_http_request_t *r)
{
    ngx_int_t                      rc;
    ngx_uint_t                     i;
    ngx_http_tollgate_ctx_t       *ctx;
    ngx_http_tollgate_call_t      *guard;
    ngx_http_tollgate_loc_conf_t  *tlcf;

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_tollgate_module);

    if (tlcf->guards) {
        guard = tlcf->guards->elts;
        for (i = 0; i < tlcf->guards->nelts; i++) {
            rc = ngx_http_tollgate_guarded(r, &guard[i]);
            if (rc != NGX_OK) {
                goto done;
            }
        }
    }

    if (tlcf->decide == NULL || tlcf->decide->nelts == 0) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_tollgate_decided(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ctx->rc;
    if (rc == NGX_OK) {
        if (ctx->status == 0) {
            return NGX_DECLINED;
        }

        rc = ngx_http_tollgate_answer(r, ctx);
        if (rc == NGX_DONE) {
            return NGX_DONE;
        }
    }

done:

    /* Not returned, or "satisfy any" could let pass what is denied here. */
    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


/* Variables. */


static ngx_int_t
ngx_http_tollgate_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t                *str;
    ngx_http_tollgate_ctx_t  *ctx;

    ctx = ngx_http_tollgate_decided(r);
    if (ctx == NULL || ctx->rc != NGX_OK) {
        v->not_found = 1;
        return NGX_OK;
    }

    str = (ngx_str_t *) ((char *) ctx + data);

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->len = str->len;
    v->data = str->data;

    return NGX_OK;
}


/* $tollgate_field_NAME */
static ngx_int_t
ngx_http_tollgate_field_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    size_t                    prefix;
    ngx_str_t                *name, *str;
    ngx_http_tollgate_ctx_t  *ctx;

    name = (ngx_str_t *) data;
    prefix = sizeof("tollgate_field_") - 1;
    str = NULL;

    ctx = ngx_http_tollgate_decided(r);
    if (ctx && ctx->rc == NGX_OK) {
        str = ngx_http_tollgate_field(ctx, name->data + prefix,
                                      name->len - prefix);
    }

    if (str == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->len = str->len;
    v->data = str->data;

    return NGX_OK;
}


/* Not cached by nginx: a redirect inside may lead to a location that decides anew. */
static ngx_http_variable_t  ngx_http_tollgate_vars[] = {

    { ngx_string("tollgate_outcome"), NULL, ngx_http_tollgate_variable,
      offsetof(ngx_http_tollgate_ctx_t, outcome),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_rule"), NULL, ngx_http_tollgate_variable,
      offsetof(ngx_http_tollgate_ctx_t, rule),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_json"), NULL, ngx_http_tollgate_variable,
      offsetof(ngx_http_tollgate_ctx_t, json),
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("tollgate_field_"), NULL, ngx_http_tollgate_field_variable,
      0, NGX_HTTP_VAR_NOCACHEABLE|NGX_HTTP_VAR_PREFIX, 0 },

      ngx_http_null_variable
};


/* Configuration. */


static ngx_int_t
ngx_http_tollgate_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_tollgate_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt            *h;
    ngx_http_core_main_conf_t      *cmcf;
    ngx_http_tollgate_main_conf_t  *tmcf;

    static ngx_str_t                request_id = ngx_string("request_id");

    tmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_tollgate_module);
    tmcf->request_id = ngx_http_get_variable_index(cf, &request_id);
    if (tmcf->request_id == NGX_ERROR) {
        return NGX_ERROR;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    h = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_tollgate_access;

    return NGX_OK;
}


static void *
ngx_http_tollgate_create_main_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_tollgate_main_conf_t));
}


static void *
ngx_http_tollgate_create_loc_conf(ngx_conf_t *cf)
{
    /* Null is "not set". */
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_tollgate_loc_conf_t));
}


static void
ngx_http_tollgate_free_rules(void *data)
{
    ngx_http_tollgate_rules_t  *rules = data;

    tollgate_session_free(rules->session);
    tollgate_program_release(rules->program);
}


static void
ngx_http_tollgate_free_entry(void *data)
{
    tollgate_entry_free(data);
}


static char *
ngx_http_tollgate_failed(ngx_conf_t *cf, tollgate_error *error)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "tollgate: %s",
                       tollgate_error_message(error));
    tollgate_error_free(error);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_tollgate_set_rules(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_loc_conf_t  *tlcf = conf;

    ngx_str_t                   file;
    tollgate_error             *error;
    ngx_pool_cleanup_t         *cln;
    ngx_http_tollgate_rules_t  *rules;

    if (tlcf->rules) {
        return "is duplicate";
    }

    file = ((ngx_str_t *) cf->args->elts)[1];
    if (ngx_conf_full_name(cf->cycle, &file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_http_tollgate_rules_t));
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    rules = cln->data;
    ngx_memzero(rules, sizeof(ngx_http_tollgate_rules_t));
    cln->handler = ngx_http_tollgate_free_rules;

    if (tollgate_program_compile_file((const char *) file.data, NULL,
                                      &rules->program, &error)
        != TOLLGATE_STATUS_OK)
    {
        return ngx_http_tollgate_failed(cf, error);
    }

    if (*tollgate_program_report(rules->program)) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0, "tollgate: %s",
                           tollgate_program_report(rules->program));
    }

    tlcf->rules = rules;

    return NGX_CONF_OK;
}


static char *
ngx_http_tollgate_set_data(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_loc_conf_t  *tlcf = conf;

    u_char                  *data;
    size_t                   size;
    ssize_t                  n;
    ngx_str_t               *value, path;
    ngx_file_t               file;
    ngx_pool_t              *pool;
    tollgate_text            json;
    tollgate_error          *error;
    ngx_file_info_t          fi;
    tollgate_program        *program;

    if (tlcf->rules == NULL) {
        return "stands behind the \"tollgate_rules\" it is for";
    }

    value = cf->args->elts;
    path = value[2];
    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&file, sizeof(ngx_file_t));
    file.name = path;
    file.log = cf->log;
    file.fd = ngx_open_file(path.data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", &path);
        return NGX_CONF_ERROR;
    }

    n = NGX_ERROR;
    size = 0;
    data = NULL;
    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, cf->log);

    if (pool && ngx_fd_info(file.fd, &fi) != NGX_FILE_ERROR) {
        size = (size_t) ngx_file_size(&fi);
        data = ngx_pnalloc(pool, size + 1);
        if (data) {
            n = ngx_read_file(&file, data, size, 0);
        }
    }

    ngx_close_file(file.fd);

    if (n < 0 || (size_t) n != size) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "cannot read \"%V\"", &path);

        if (pool) {
            ngx_destroy_pool(pool);
        }

        return NGX_CONF_ERROR;
    }

    json.bytes = (const char *) data;
    json.size = size;

    /* The names of a configuration end with a NUL. */
    (void) tollgate_program_with_data(tlcf->rules->program,
                                      (const char *) value[1].data, json,
                                      &program, &error);
    ngx_destroy_pool(pool);

    if (program == NULL) {
        return ngx_http_tollgate_failed(cf, error);
    }

    tollgate_program_release(tlcf->rules->program);
    tlcf->rules->program = program;

    return NGX_CONF_OK;
}


/* tollgate_guard NAME [PATH=VALUE]...; tollgate_decide NAME [PATH=VALUE]...; or off */
static char *
ngx_http_tollgate_set_call(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    u_char                            *path, *equals;
    ngx_str_t                         *value, text;
    const char                       **name;
    ngx_uint_t                         i;
    ngx_array_t                      **calls;
    ngx_http_tollgate_call_t          *call;
    ngx_http_compile_complex_value_t   ccv;

    calls = (ngx_array_t **) ((char *) conf + cmd->offset);
    value = cf->args->elts;

    if (*calls && ((*calls)->nelts == 0
                   || cmd->offset == offsetof(ngx_http_tollgate_loc_conf_t,
                                              decide)))
    {
        return "is duplicate";
    }

    if (ngx_strcmp(value[1].data, "off") == 0 && cf->args->nelts == 2) {
        if (*calls) {
            return "is \"off\" and something else";
        }

        *calls = ngx_array_create(cf->pool, 1, sizeof(ngx_http_tollgate_call_t));

        return *calls ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    if (*calls == NULL) {
        *calls = ngx_array_create(cf->pool, 1, sizeof(ngx_http_tollgate_call_t));
        if (*calls == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    call = ngx_array_push(*calls);
    if (call == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(call, sizeof(ngx_http_tollgate_call_t));
    call->name = value[1];

    if (ngx_array_init(&call->paths, cf->pool, 1, sizeof(const char *))
        != NGX_OK
        || ngx_array_init(&call->values, cf->pool, 1,
                          sizeof(ngx_http_complex_value_t)) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {
        path = value[i].data;
        equals = (u_char *) ngx_strchr(path, '=');
        if (equals == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is no PATH=VALUE", &value[i]);
            return NGX_CONF_ERROR;
        }

        *equals = '\0';
        text.data = equals + 1;
        text.len = value[i].data + value[i].len - text.data;

        ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));
        ccv.cf = cf;
        ccv.value = &text;
        ccv.complex_value = ngx_array_push(&call->values);
        name = ngx_array_push(&call->paths);
        if (ccv.complex_value == NULL || name == NULL
            || ngx_http_compile_complex_value(&ccv) != NGX_OK)
        {
            return NGX_CONF_ERROR;
        }

        *name = (const char *) path;
    }

    return NGX_CONF_OK;
}


/* Finds what is asked among the rules of the level it stands at. */
static char *
ngx_http_tollgate_find(ngx_conf_t *cf, ngx_http_tollgate_rules_t *rules,
    ngx_array_t *calls)
{
    ngx_uint_t                 i;
    tollgate_error            *error;
    ngx_pool_cleanup_t        *cln;
    ngx_http_tollgate_call_t  *call;

    if (calls == NULL) {
        return NGX_CONF_OK;
    }

    call = calls->elts;
    for (i = 0; i < calls->nelts; i++) {
        if (call[i].entry) {
            continue;
        }

        if (rules == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is asked where there are no "
                               "\"tollgate_rules\"", &call[i].name);
            return NGX_CONF_ERROR;
        }

        cln = ngx_pool_cleanup_add(cf->pool, 0);
        if (cln == NULL) {
            return NGX_CONF_ERROR;
        }

        if (tollgate_entry_of_requests(rules->program,
                                       (const char *) call[i].name.data,
                                       call[i].paths.elts, call[i].paths.nelts,
                                       &call[i].entry, &error)
            != TOLLGATE_STATUS_OK)
        {
            return ngx_http_tollgate_failed(cf, error);
        }

        cln->handler = ngx_http_tollgate_free_entry;
        cln->data = call[i].entry;
        call[i].rules = rules;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_tollgate_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_tollgate_loc_conf_t  *prev = parent;
    ngx_http_tollgate_loc_conf_t  *conf = child;

    ngx_array_t               *guards;
    ngx_http_tollgate_call_t  *own;

    /* The outermost level is nobody's child. */
    if (ngx_http_tollgate_find(cf, prev->rules, prev->guards) != NGX_CONF_OK
        || ngx_http_tollgate_find(cf, prev->rules, prev->decide) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->rules == NULL) {
        conf->rules = prev->rules;
    }

    if (ngx_http_tollgate_find(cf, conf->rules, conf->guards) != NGX_CONF_OK
        || ngx_http_tollgate_find(cf, conf->rules, conf->decide) != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->decide == NULL) {
        conf->decide = prev->decide;
    }

    if (conf->guards == NULL) {
        conf->guards = prev->guards;

    } else if (conf->guards->nelts && prev->guards && prev->guards->nelts) {

        /* A guard only restricts: the guards around stay, unless they are switched off. */
        guards = ngx_array_create(cf->pool,
                                  prev->guards->nelts + conf->guards->nelts,
                                  sizeof(ngx_http_tollgate_call_t));
        if (guards == NULL) {
            return NGX_CONF_ERROR;
        }

        own = ngx_array_push_n(guards, prev->guards->nelts);
        ngx_memcpy(own, prev->guards->elts,
                   prev->guards->nelts * sizeof(ngx_http_tollgate_call_t));
        own = ngx_array_push_n(guards, conf->guards->nelts);
        ngx_memcpy(own, conf->guards->elts,
                   conf->guards->nelts * sizeof(ngx_http_tollgate_call_t));
        conf->guards = guards;
    }

    return NGX_CONF_OK;
}
