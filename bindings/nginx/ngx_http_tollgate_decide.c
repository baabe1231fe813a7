/*
 * Asking the rules about a request, and keeping what they decide.
 */

#include "ngx_http_tollgate.h"


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


/* Where a decision took slots of a state, they are given back when its request has ended. */
typedef struct {
    ngx_http_tollgate_rules_t  *rules;
    tollgate_text               id;
} ngx_http_tollgate_slots_t;


static void
ngx_http_tollgate_finish(void *data)
{
    ngx_http_tollgate_slots_t  *slots = data;

    (void) tollgate_program_finish(slots->rules->program, slots->id, NULL);
}


/* Sees to it that slots are given back. */
static ngx_int_t
ngx_http_tollgate_finish_later(ngx_http_request_t *r,
    ngx_http_tollgate_rules_t *rules, tollgate_text id)
{
    ngx_pool_cleanup_t         *cln;
    ngx_http_tollgate_slots_t  *slots;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_tollgate_slots_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    slots = cln->data;
    slots->rules = rules;
    slots->id = id;
    cln->handler = ngx_http_tollgate_finish;

    return NGX_OK;
}


/* Tells of states that could not be asked, so that their `on_failure` answered. */
static void
ngx_http_tollgate_tell_failures(ngx_http_request_t *r,
    ngx_http_tollgate_call_t *call, const tollgate_decision *decision)
{
    size_t         i;
    tollgate_text  state, reason;

    for (i = 0; tollgate_decision_failure(decision, i, &state, &reason); i++) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "tollgate: \"%V\": the state \"%s\" was not asked: %s",
                      &call->name, state.bytes, reason.bytes);
    }
}


/* NGX_OK and a decision, or the status of the answer. */
ngx_int_t
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

    /* Before it decides: what was taken must be given back. */
    if (rules->states
        && ngx_http_tollgate_finish_later(r, rules, request.id) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    status = tollgate_decide_request(rules->session, call->entry, &request,
                                     values, call->values.nelts, decision,
                                     &error);

    if (status == TOLLGATE_STATUS_OK) {
        if (rules->states) {
            ngx_http_tollgate_tell_failures(r, call, *decision);
        }

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
ngx_int_t
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
ngx_http_tollgate_ctx_t *
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


ngx_str_t *
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
