/*
 * The variables that tell what was decided.
 */

#include "ngx_http_tollgate.h"


/* A variable with this text, or that is not found where there is none. */
static ngx_int_t
ngx_http_tollgate_tell(ngx_http_variable_value_t *v, ngx_str_t *text)
{
    if (text == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->len = text->len;
    v->data = text->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tollgate_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t                *text;
    ngx_http_tollgate_ctx_t  *ctx;

    text = NULL;

    ctx = ngx_http_tollgate_decided(r);
    if (ctx && ctx->rc == NGX_OK) {
        text = (ngx_str_t *) ((char *) ctx + data);
    }

    return ngx_http_tollgate_tell(v, text);
}


/* $tollgate_field_NAME */
static ngx_int_t
ngx_http_tollgate_field_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    size_t                    prefix;
    ngx_str_t                *name, *text;
    ngx_http_tollgate_ctx_t  *ctx;

    name = (ngx_str_t *) data;
    prefix = sizeof("tollgate_field_") - 1;
    text = NULL;

    ctx = ngx_http_tollgate_decided(r);
    if (ctx && ctx->rc == NGX_OK) {
        text = ngx_http_tollgate_field(ctx, name->data + prefix,
                                       name->len - prefix);
    }

    return ngx_http_tollgate_tell(v, text);
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


ngx_int_t
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
