/*
 * A gateway in C: rules are compiled once, requests decided one after the other.
 *
 *   gateway RULES
 *
 * No JSON is made or read: the request goes in as the server has it, and the outcome is read field by field.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tollgate.h"

/* Says what is wrong, and ends. */
static void die(const char *what, tollgate_error *error) {
  fprintf(stderr, "%s: %s\n", what, tollgate_error_message(error));
  tollgate_error_free(error);
  exit(EXIT_FAILURE);
}

struct gateway {
  tollgate_entry *internal;
  tollgate_entry *route;
  tollgate_session *session;
};

static void answer(struct gateway *gateway, const char *method, const char *target, const char *ip,
                   const char *key) {
  tollgate_header headers[] = {
      {tollgate_text_of("Host"), tollgate_text_of("shop.example")},
      {tollgate_text_of("Accept"), tollgate_text_of("*/*")},
  };
  tollgate_request request = {0};
  request.id = tollgate_text_of("r1");
  request.time = 1800000000 * INT64_C(1000000);
  request.method = tollgate_text_of(method);
  request.target = tollgate_text_of(target);
  request.headers = headers;
  request.header_count = sizeof headers / sizeof headers[0];
  request.peer_ip = tollgate_text_of(ip);
  request.peer_port = 4711;

  const tollgate_decision *decision = NULL;
  tollgate_error *error = NULL;
  printf("%s %s: ", method, target);

  if (tollgate_decide_request(gateway->session, gateway->internal, &request, NULL, 0, &decision, &error)) {
    /* A request that breaks a rule of its types has not been asked any rule. */
    printf("400 %s\n", tollgate_error_message(error));
    tollgate_error_free(error);
    return;
  }
  tollgate_text why;
  if (tollgate_decision_text(decision, "why", &why)) {
    printf("403 %s\n", why.bytes);
    return;
  }

  tollgate_value given = tollgate_value_of_string(key);
  if (tollgate_decide_request(gateway->session, gateway->route, &request, &given, 1, &decision, &error)) {
    die("route", error);
  }
  tollgate_text service, rule = tollgate_decision_rule(decision, 0);
  int64_t status = 0, microseconds = 0;
  if (tollgate_decision_text(decision, "service", &service) &&
      tollgate_decision_int(decision, "timeout", &microseconds)) {
    printf("to %s within %" PRId64 " ms, by %s\n", service.bytes, microseconds / 1000, rule.bytes);
  } else if (tollgate_decision_int(decision, "status", &status)) {
    printf("%" PRId64 ", by %s\n", status, rule.bytes);
  }
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s RULES\n", argv[0]);
    return 2;
  }
  tollgate_error *error = NULL;
  tollgate_program *program = NULL;
  struct gateway gateway = {0};
  const char *given[] = {"api_key"};
  if (tollgate_program_open(argv[1], NULL, &program, &error)) {
    die(argv[1], error);
  }
  if (tollgate_entry_of_requests(program, "internal", NULL, 0, &gateway.internal, &error) ||
      tollgate_entry_of_requests(program, "route", given, 1, &gateway.route, &error) ||
      tollgate_session_new(program, &gateway.session, &error)) {
    die("prepare", error);
  }
  /* The session holds the program from here on. */
  tollgate_program_release(program);

  answer(&gateway, "POST", "/pay/7?now=1", "192.0.2.7", NULL);
  answer(&gateway, "GET", "//catalog/%62ooks", "192.0.2.7", NULL);
  answer(&gateway, "GET", "/anything", "192.0.2.7", "key-1");
  answer(&gateway, "GET", "/beta/x", "192.0.2.7", NULL);
  answer(&gateway, "GET", "/internal/keys", "192.0.2.7", NULL);
  answer(&gateway, "GET", "/internal/keys", "10.1.2.3", NULL);
  answer(&gateway, "GET", "/catalog/../internal/keys", "192.0.2.7", NULL);

  tollgate_session_free(gateway.session);
  tollgate_entry_free(gateway.internal);
  tollgate_entry_free(gateway.route);
  return EXIT_SUCCESS;
}
