/*
 * Directives, and which of them hold at a level: rules are compiled while they are read, guards add up, what is asked is found once, and what it needs
 * is there or refuses the configuration.
 */

#include "ngx_http_tollgate.h"


void *
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


/* Goes on with the program that was made of the rules' last one, or fails of the error where there is none. */
static char *
ngx_http_tollgate_replace(ngx_conf_t *cf, ngx_http_tollgate_rules_t *rules,
    tollgate_program *program, tollgate_error *error)
{
    if (program == NULL) {
        return ngx_http_tollgate_failed(cf, error);
    }

    tollgate_program_release(rules->program);
    rules->program = program;

    return NGX_CONF_OK;
}


char *
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

    if (tollgate_program_open((const char *) file.data, NULL,
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


char *
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

    return ngx_http_tollgate_replace(cf, tlcf->rules, program, error);
}


/* tollgate_store NAME ADDRESS; */
char *
ngx_http_tollgate_set_store(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_loc_conf_t  *tlcf = conf;

    ngx_str_t               *value;
    tollgate_error          *error;
    tollgate_program        *program;

    if (tlcf->rules == NULL) {
        return "stands behind the \"tollgate_rules\" it is for";
    }

    value = cf->args->elts;

    (void) tollgate_program_with_store(tlcf->rules->program,
                                       (const char *) value[1].data,
                                       (const char *) value[2].data,
                                       &program, &error);

    return ngx_http_tollgate_replace(cf, tlcf->rules, program, error);
}


/* tollgate_guard NAME [PATH=VALUE]...; tollgate_decide NAME [PATH=VALUE]...; or off */
char *
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


/* Makes the session of rules that are asked: whoever reads the configuration hears what they lack. */
static char *
ngx_http_tollgate_ready(ngx_conf_t *cf, ngx_http_tollgate_rules_t *rules)
{
    tollgate_text    name, store;
    tollgate_error  *error;

    if (rules->session) {
        return NGX_CONF_OK;
    }

    if (tollgate_session_new(rules->program, &rules->session, &error)
        != TOLLGATE_STATUS_OK)
    {
        return ngx_http_tollgate_failed(cf, error);
    }

    rules->states = tollgate_program_state(rules->program, 0, &name, &store);

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
        if (cln == NULL
            || ngx_http_tollgate_ready(cf, rules) != NGX_CONF_OK)
        {
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


char *
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
