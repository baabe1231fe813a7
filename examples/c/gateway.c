/* A program in C that decides by the rules beside it, without a compiler of rules in it. */

#include "gateway.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const SERVICES[] = { "payments", "catalog", "accounts" };

static int failed(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, tollgate_error());
    return EXIT_FAILURE;
}

/* Who decided, behind what was decided. */
static void print_by(const tollgate_session *session)
{
    tollgate_texts by = tollgate_session_by(session);
    for (size_t i = 0; i < by.len; i++)
        printf("%s%.*s", i ? ", " : "  by ", (int)by.ptr[i].len, by.ptr[i].ptr);
    printf("\n");
}

static tollgate_status print_route(tollgate_session *session, const gateway_request *req)
{
    gateway_verdict verdict;
    tollgate_status status = gateway_decide_admin(session, req, &verdict);
    if (status != TOLLGATE_OK)
        return status;
    if (verdict.tag == GATEWAY_VERDICT_DENY) {
        printf("denied: %.*s", (int)verdict.as.deny.why.len, verdict.as.deny.why.ptr);
        print_by(session);
        return TOLLGATE_OK;
    }

    gateway_route route;
    status = gateway_decide_route(session, req, &route);
    if (status != TOLLGATE_OK)
        return status;
    if (route.tag == GATEWAY_ROUTE_FORWARD)
        printf("forward to %s, shard %" PRId64 ", within %" PRId64 " ms", SERVICES[route.as.forward.service],
               route.as.forward.shard, route.as.forward.timeout / 1000);
    else
        printf("respond %" PRId64, route.as.respond.status);
    print_by(session);
    return TOLLGATE_OK;
}

int main(void)
{
    static const char TENANTS[] = "{\"k1\": {\"shard\": 3}}";

    /* Once for the process: any number of threads may use the program. */
    tollgate_program *program = gateway_program_load();
    if (program == NULL)
        return failed("load");
    if (tollgate_program_data(program, "tenants", TENANTS, strlen(TENANTS)) != TOLLGATE_OK)
        return failed("tenants");

    /* Once for each thread. */
    tollgate_session *session = tollgate_session_new(program);
    if (session == NULL)
        return failed("session");

    gateway_request req = {
        .method = GATEWAY_METHOD_POST,
        .host = tollgate_text_of("API.shop.example:443"),
        .path = tollgate_text_of("/v2/carts/c1/checkout"),
        .client = { .port = 443, .tls = true },
    };
    if (tollgate_ip_read(tollgate_text_of("192.0.2.7"), &req.client.ip) != TOLLGATE_OK)
        return failed("address");
    if (print_route(session, &req) != TOLLGATE_OK)
        return failed("checkout");

    /* An optional has a flag beside it. */
    req.path = tollgate_text_of("/v2/accounts/7");
    req.api_key.present = true;
    req.api_key.value = tollgate_text_of("k1");
    if (print_route(session, &req) != TOLLGATE_OK)
        return failed("account");

    /* Maps and lists are a pointer and a length. */
    const tollgate_text roles[] = { tollgate_text_of("dev"), tollgate_text_of("sre") };
    const gateway_pair_text_texts headers[] = { { tollgate_text_of("X-Role"), { roles, 2 } } };
    req.path = tollgate_text_of("/admin/keys");
    req.headers.ptr = headers;
    req.headers.len = 1;
    if (print_route(session, &req) != TOLLGATE_OK)
        return failed("admin");

    if (tollgate_ip_read(tollgate_text_of("10.20.1.1"), &req.client.ip) != TOLLGATE_OK)
        return failed("address");
    if (print_route(session, &req) != TOLLGATE_OK)
        return failed("admin at the office");

    tollgate_texts flags;
    if (gateway_decide_flags(session, &req, &flags) != TOLLGATE_OK)
        return failed("flags");
    for (size_t i = 0; i < flags.len; i++)
        printf("flag %.*s\n", (int)flags.ptr[i].len, flags.ptr[i].ptr);

    /* What no rule may see is refused before one is asked. */
    req.path = tollgate_text_of("/admin/../healthz");
    if (print_route(session, &req) != TOLLGATE_REFUSED)
        return EXIT_FAILURE;
    printf("refused: %s\n", tollgate_error());

    /* The same in JSON. */
    static const char JSON[] = "{\"method\": \"GET\", \"host\": \"shop.example\", \"path\": \"/healthz\", \"client\": {\"ip\": \"192.0.2.7\"}}";
    tollgate_text decision;
    if (tollgate_session_decide_json(session, GATEWAY_ENTRY_ROUTE, JSON, strlen(JSON), &decision) != TOLLGATE_OK)
        return failed("JSON");
    printf("%.*s\n", (int)decision.len, decision.ptr);

    tollgate_session_free(session);
    tollgate_program_free(program);
    return EXIT_SUCCESS;
}
