/*
 * Eight threads decide while the program is replaced again and again.
 *
 * The current program lies behind a lock that is held only to take a reference. A thread that finds another program than the one it works with
 * makes a new entry and session; what is decided meanwhile is decided by the program that the thread holds.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tollgate.h"

enum { THREADS = 8, PROGRAMS = 40 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static tollgate_program *current;
static atomic_int done;
/* How many decisions a program made at least once: every program is seen by somebody, or the test shows nothing. */
static atomic_long decided;

/* The error is read behind the call: C says nothing of the order in which arguments are evaluated. */
static void check(tollgate_status status, tollgate_error **error) {
  if (status != TOLLGATE_STATUS_OK) {
    fprintf(stderr, "%s\n", tollgate_error_message(*error));
    abort();
  }
}

static tollgate_program *compile(int version) {
  char rules[256];
  snprintf(rules, sizeof rules,
           "ruleset version(n: Int) -> Int hit first { rule small when n < 10 then %d otherwise %d }", version,
           1000 + version);
  tollgate_program *program = NULL;
  tollgate_error *error = NULL;
  check(tollgate_program_compile("version.rules", tollgate_text_of(rules), NULL, &program, &error), &error);
  return program;
}

static tollgate_program *take(void) {
  pthread_mutex_lock(&lock);
  tollgate_program *program = tollgate_program_retain(current);
  pthread_mutex_unlock(&lock);
  return program;
}

static void replace(int version) {
  tollgate_program *next = compile(version);
  pthread_mutex_lock(&lock);
  tollgate_program *last = current;
  current = next;
  pthread_mutex_unlock(&lock);
  tollgate_program_release(last);
}

static void *decide(void *unused) {
  (void)unused;
  tollgate_program *program = NULL;
  tollgate_entry *entry = NULL;
  tollgate_session *session = NULL;
  tollgate_error *error = NULL;
  int64_t newest = -1;
  const char *paths[] = {""};
  while (!atomic_load(&done)) {
    tollgate_program *found = take();
    if (found != program) {
      tollgate_session_free(session);
      tollgate_entry_free(entry);
      tollgate_program_release(program);
      program = found;
      check(tollgate_entry_new(program, "version", paths, 1, &entry, &error), &error);
      check(tollgate_session_new(program, &session, &error), &error);
    } else {
      tollgate_program_release(found);
    }
    for (int n = 0; n < 20; n++) {
      const tollgate_decision *decision = NULL;
      tollgate_value value = tollgate_value_of_int(n);
      check(tollgate_decide(session, entry, &value, 1, NULL, &decision, &error), &error);
      int64_t version = -1;
      tollgate_decision_int(decision, "", &version);
      version -= n < 10 ? 0 : 1000;
      if (version < newest || version >= PROGRAMS) {
        fprintf(stderr, "%" PRId64 " was decided behind %" PRId64 "\n", version, newest);
        abort();
      }
      newest = version;
      atomic_fetch_add(&decided, 1);
    }
  }
  tollgate_session_free(session);
  tollgate_entry_free(entry);
  tollgate_program_release(program);
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  current = compile(0);
  for (int i = 0; i < THREADS; i++) {
    if (pthread_create(&threads[i], NULL, decide, NULL)) {
      return EXIT_FAILURE;
    }
  }
  for (int version = 1; version < PROGRAMS; version++) {
    /* Not before something was decided since the last one. */
    long before = atomic_load(&decided);
    while (atomic_load(&decided) == before) {
    }
    replace(version);
  }
  atomic_store(&done, 1);
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
  }
  tollgate_program_release(current);
  printf("%d programs, no decision went wrong\n", PROGRAMS);
  return EXIT_SUCCESS;
}
