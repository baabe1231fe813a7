/*
 * A limit that eight threads ask at once, and what becomes of it when the rules are replaced.
 *
 * The states that rules declare belong to the program: every session of it asks the same ones. Time and the id of a decision are given by the host.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tollgate.h"

enum { THREADS = 8, EACH = 500, BURST = 1000 };

/* %s is what the rule says, %d how many calls there are at once. */
static const char RULES[] =
    "state calls: TokenBucket by String { rate: 1 per 1h, burst: %d, max_keys: 2, on_failure: deny }\n"
    "state visits: TokenBucket by String { rate: 1 per 1h, burst: 9, max_keys: 1, on_failure: allow }\n"
    "state slots: Concurrency { max: 1, lease: 1h, on_failure: deny }\n"
    "ruleset admit(who: String) -> String hit first {\n"
    "  rule limited when not calls[who].take().granted then \"%s\"\n"
    "  otherwise \"welcome\"\n"
    "}\n"
    "ruleset visit(who: String) -> Bool hit first {\n"
    "  rule seldom when visits[who].take().granted then true\n"
    "  otherwise false\n"
    "}\n"
    "ruleset enter(door: String) -> Bool hit first {\n"
    "  rule room when slots.enter() then true\n"
    "  otherwise false\n"
    "}\n";

static const int64_t HOUR = INT64_C(3600) * 1000000;

/* The error is read behind the call: C says nothing of the order in which arguments are evaluated. */
static void check(tollgate_status status, tollgate_error **error) {
  if (status != TOLLGATE_STATUS_OK) {
    fprintf(stderr, "%s\n", tollgate_error_message(*error));
    abort();
  }
}

static tollgate_program *compile(int burst, const char *says) {
  char rules[1024];
  tollgate_program *program = NULL;
  tollgate_error *error = NULL;
  snprintf(rules, sizeof rules, RULES, burst, says);
  check(tollgate_program_compile("limits.rules", tollgate_text_of(rules), NULL, &program, &error), &error);
  return program;
}

/* A session with the entry that it decides by. */
typedef struct {
  tollgate_entry *entry;
  tollgate_session *session;
} asker;

static asker asker_of(tollgate_program *program, const char *entry) {
  const char *paths[] = {""};
  tollgate_error *error = NULL;
  asker made = {NULL, NULL};
  check(tollgate_entry_new(program, entry, paths, 1, &made.entry, &error), &error);
  check(tollgate_session_new(program, &made.session, &error), &error);
  return made;
}

static void asker_free(asker asker) {
  tollgate_session_free(asker.session);
  tollgate_entry_free(asker.entry);
}

static const tollgate_decision *ask(asker asker, const char *who, const char *id, int64_t time) {
  tollgate_call call = {tollgate_text_of(id), time};
  tollgate_value value = tollgate_value_of_string(who);
  const tollgate_decision *decision = NULL;
  tollgate_error *error = NULL;
  check(tollgate_decide(asker.session, asker.entry, &value, 1, &call, &decision, &error), &error);
  return decision;
}

static void print(asker asker, const char *who, const char *id, int64_t time) {
  const tollgate_decision *decision = ask(asker, who, id, time);
  tollgate_text state, reason;
  printf("%s: %s", who, tollgate_decision_json(decision).bytes);
  if (tollgate_decision_failure(decision, 0, &state, &reason)) {
    printf(", for %s could not be asked: %s", state.bytes, reason.bytes);
  }
  printf("\n");
}

static atomic_int admitted;
static atomic_int ids;

static void *decide(void *program) {
  asker asker = asker_of(program, "admit");
  for (int n = 0; n < EACH; n++) {
    char id[32];
    tollgate_text rule;
    snprintf(id, sizeof id, "call-%d", atomic_fetch_add(&ids, 1));
    rule = tollgate_decision_rule(ask(asker, "ann", id, 0), 0);
    if (rule.size == sizeof "otherwise" - 1) {
      atomic_fetch_add(&admitted, 1);
    }
  }
  asker_free(asker);
  return NULL;
}

/* Eight threads, the odd ones by one program, the others by another. */
static void decide_at_once(tollgate_program *even, tollgate_program *odd) {
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    if (pthread_create(&threads[i], NULL, decide, i % 2 ? odd : even)) {
      abort();
    }
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
  }
}

int main(void) {
  tollgate_error *error = NULL;
  tollgate_program *first = compile(BURST, "too many");
  asker admit, visit, enter;

  tollgate_text name, store;
  for (size_t i = 0; tollgate_program_state(first, i, &name, &store); i++) {
    printf("%s is kept in %s\n", name.bytes, store.bytes);
  }

  decide_at_once(first, first);
  printf("%d of %d are admitted at once\n", atomic_load(&admitted), THREADS * EACH);

  /* An hour later there is one more, and the trace says what was asked. */
  admit = asker_of(first, "admit");
  print(admit, "ann", "later-1", HOUR);
  printf("%s\n", tollgate_decision_trace(ask(admit, "ann", "later-2", HOUR)).bytes);
  asker_free(admit);

  /* What reads otherwise and declares the same state goes on with it. */
  tollgate_program *next = compile(BURST, "come back later"), *second = NULL;
  check(tollgate_program_after(next, first, &second, &error), &error);
  tollgate_program_release(next);
  admit = asker_of(second, "admit");
  print(admit, "ann", "later-3", HOUR);

  /* There is room for two keys: a third is answered by on_failure, and what says why. */
  print(admit, "bob", "later-4", HOUR);
  print(admit, "eve", "later-5", HOUR);
  asker_free(admit);
  visit = asker_of(second, "visit");
  print(visit, "ann", "visit-1", HOUR);
  print(visit, "bob", "visit-2", HOUR);
  asker_free(visit);

  /* A slot is held until the decision that took it is finished. */
  enter = asker_of(second, "enter");
  print(enter, "door", "work-1", HOUR);
  print(enter, "door", "work-2", HOUR);
  check(tollgate_program_finish(second, tollgate_text_of("work-1"), &error), &error);
  print(enter, "door", "work-3", HOUR);
  asker_free(enter);

  /* Another limit is another state, and begins with nothing. While threads change over, both programs ask the same one. */
  next = compile(BURST / 2, "half");
  tollgate_program *third = NULL, *fourth = NULL;
  check(tollgate_program_after(next, second, &third, &error), &error);
  check(tollgate_program_after(next, third, &fourth, &error), &error);
  tollgate_program_release(next);
  atomic_store(&admitted, 0);
  decide_at_once(third, fourth);
  printf("%d of %d are admitted by two programs\n", atomic_load(&admitted), THREADS * EACH);
  tollgate_program_release(first);
  tollgate_program_release(second);
  tollgate_program_release(third);
  tollgate_program_release(fourth);

  /* A store that nobody gave is said before anything is decided. */
  static const char SHARED[] =
      "state calls: TokenBucket { rate: 1 per 1s, burst: 1, store: redis.limits, on_failure: allow }\n"
      "ruleset admit(who: String) -> Bool hit first {\n"
      "  rule calm when calls.take().granted then true\n"
      "  otherwise false\n"
      "}\n";
  tollgate_program *shared = NULL;
  tollgate_session *session = NULL;
  check(tollgate_program_compile("shared.rules", tollgate_text_of(SHARED), NULL, &shared, &error), &error);
  tollgate_status status = tollgate_session_new(shared, &session, &error);
  printf("status %d: %s\n", status, tollgate_error_message(error));
  tollgate_error_free(error);
  tollgate_program_release(shared);
  return EXIT_SUCCESS;
}
