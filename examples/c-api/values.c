/*
 * Facts of one's own, given value by value or as JSON, and what errors tell.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tollgate.h"

static const char RULES[] =
    "record Load { cpu: Percent, queue: Int in 0 .. 1_000_000 = 0, tags: {String ..8} = {} }\n"
    "record Order { amount: Money<SGD>, items: [String ..16], notes: Map<String, String ..8> = {} }\n"
    "enum Verdict { take(order: Order, share: Percent, weight: Float, urgent: Bool), shed(wait: Duration) }\n"
    "data limit: Percent\n"
    "ruleset admit(load: Load, order: Order) -> Verdict hit first {\n"
    "  rule vip when \"vip\" in load.tags then take(order, share: 100%, weight: 1.5, urgent: true)\n"
    "  rule busy when load.cpu > limit then shed(load.queue * 1ms)\n"
    "  otherwise take(order, share: 12.5%, weight: 1.0, urgent: false)\n"
    "}\n";

/* The error is read behind the call: C says nothing of the order in which arguments are evaluated. */
static void check(tollgate_status status, tollgate_error **error) {
  if (status != TOLLGATE_STATUS_OK) {
    fprintf(stderr, "%s\n", tollgate_error_message(*error));
    tollgate_error_free(*error);
    exit(EXIT_FAILURE);
  }
}

/* What a call that must fail tells. */
static void show(tollgate_status status, tollgate_error **error) {
  printf("status %d: %s\n", (int)status, tollgate_error_message(*error));
  tollgate_error_free(*error);
}

int main(void) {
  tollgate_error *error = NULL;
  tollgate_program *program = NULL, *with_limit = NULL;
  tollgate_entry *admit = NULL;
  tollgate_session *session = NULL;
  const tollgate_decision *decision = NULL;

  /* What the compiler says is for people and for machines. */
  tollgate_text broken = tollgate_text_of("ruleset f(n: Int) -> Int hit first { otherwise m }");
  tollgate_status status = tollgate_program_compile("broken.rules", broken, NULL, &program, &error);
  printf("status %d: %s\n", (int)status, strstr(tollgate_error_json(error), "unknown-name") ? "unknown-name" : "?");
  tollgate_error_free(error);

  show(tollgate_program_compile("admit.rules", tollgate_text_of(RULES), "abacus", &program, &error), &error);
  check(tollgate_program_compile("admit.rules", tollgate_text_of(RULES), NULL, &program, &error), &error);
  check(tollgate_program_with_data(program, "limit", tollgate_text_of("\"80%\""), &with_limit, &error), &error);

  const char *wrong[] = {"load.cpus"};
  show(tollgate_entry_new(program, "admit", wrong, 1, &admit, &error), &error);

  const char *paths[] = {"load.cpu", "load.queue", "load.tags", "order"};
  check(tollgate_entry_new(program, "admit", paths, 4, &admit, &error), &error);
  check(tollgate_session_new(with_limit, &session, &error), &error);

  tollgate_value items[] = {tollgate_value_of_string("tea"), tollgate_value_of_string("milk")};
  tollgate_text note_keys[] = {tollgate_text_of("door")};
  tollgate_value note_values[] = {tollgate_value_of_string("blue")};
  tollgate_text order_keys[] = {tollgate_text_of("amount"), tollgate_text_of("items"), tollgate_text_of("notes")};
  tollgate_value order_values[] = {tollgate_value_of_string("4.00 SGD"), tollgate_value_of_list(items, 2),
                                   tollgate_value_of_map(note_keys, note_values, 1)};
  tollgate_value tags[] = {tollgate_value_of_string("vip")};
  tollgate_value facts[4] = {{0}}; /* zero bytes are absent values */
  facts[0] = tollgate_value_of_string("95%");
  facts[1] = tollgate_value_of_int(250);
  facts[3] = tollgate_value_of_map(order_keys, order_values, 3);
  tollgate_call call = {tollgate_text_of("d1"), 0};

  check(tollgate_decide(session, admit, facts, 4, &call, &decision, &error), &error);
  printf("%s\n", tollgate_decision_json(decision).bytes);
  int64_t wait = 0;
  if (tollgate_decision_int(decision, "wait", &wait)) {
    printf("shed: wait %" PRId64 " us\n", wait);
  }

  facts[2] = tollgate_value_of_list(tags, 1);
  check(tollgate_decide(session, admit, facts, 4, NULL, &decision, &error), &error);
  tollgate_text text;
  int32_t urgent = 0;
  double weight = 0;
  printf("%s by %s:", tollgate_decision_variant(decision, NULL).bytes, tollgate_decision_rule(decision, 0).bytes);
  for (size_t i = 0; tollgate_decision_field(decision, NULL, i, &text); i++) {
    printf(" %s", text.bytes);
  }
  printf("\nsecond item %s\n", tollgate_decision_item(decision, "order.items", 1, &text) ? text.bytes : "?");
  printf("notes %s\n", tollgate_decision_text(decision, "order.notes", &text) ? text.bytes : "?");
  if (tollgate_decision_bool(decision, "urgent", &urgent) && tollgate_decision_float(decision, "weight", &weight)) {
    printf("urgent %d, weight %.1f\n", urgent, weight);
  }
  printf("what is not there: %d\n", tollgate_decision_text(decision, "order.nothing", &text));

  facts[1] = tollgate_value_of_int(-1);
  show(tollgate_decide(session, admit, facts, 4, NULL, &decision, &error), &error);
  const char json[] = "{\"load\": {\"cpu\": \"10%\"}, \"order\": {\"amount\": \"1.00 SGD\", \"items\": []}}";
  tollgate_text body = {json, sizeof json - 1};
  check(tollgate_decide_json(session, admit, body, NULL, &decision, &error), &error);
  printf("%s\n", tollgate_decision_json(decision).bytes);

  tollgate_session_free(session);
  tollgate_entry_free(admit);
  tollgate_program_release(with_limit);
  tollgate_program_release(program);
  return EXIT_SUCCESS;
}
