/*
 * The access phase: guards deny, and an outcome with a status is the answer.
 */

#include "ngx_http_tollgate.h"


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


ngx_int_t
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
