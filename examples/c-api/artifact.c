/*
 * A program that was compiled elsewhere: `tollgate build size.rules -o size.tgb`. A library that was built without the compiler does this, and says
 * of everything else that it cannot.
 *
 *   artifact ARTIFACT [PUBLIC_KEY]
 */
#include <stdio.h>
#include <stdlib.h>

#include "tollgate.h"

static int failed(tollgate_error *error) {
  printf("status %d: %s\n", tollgate_error_status(error), tollgate_error_message(error));
  tollgate_error_free(error);
  return EXIT_FAILURE;
}

/* A whole file; freed by the caller. */
static tollgate_text read(const char *path) {
  tollgate_text text = {NULL, 0};
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) || ftell(file) < 0) {
    abort();
  }
  size_t size = (size_t)ftell(file);
  char *bytes = malloc(size + 1);
  rewind(file);
  if (bytes == NULL || fread(bytes, 1, size, file) != size) {
    abort();
  }
  fclose(file);
  text.bytes = bytes;
  text.size = size;
  return text;
}

static int decide(tollgate_program *program) {
  static const char *paths[] = {""};
  tollgate_error *error = NULL;
  tollgate_entry *entry = NULL;
  tollgate_session *session = NULL;
  if (tollgate_entry_new(program, "size", paths, 1, &entry, &error) || tollgate_session_new(program, &session, &error)) {
    return failed(error);
  }
  for (int n = 5; n < 9; n += 2) {
    const tollgate_decision *decision = NULL;
    tollgate_value value = tollgate_value_of_int(n);
    if (tollgate_decide(session, entry, &value, 1, NULL, &decision, &error)) {
      return failed(error);
    }
    printf("%s\n", tollgate_decision_json(decision).bytes);
  }
  tollgate_session_free(session);
  tollgate_entry_free(entry);
  return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s ARTIFACT [PUBLIC_KEY]\n", argv[0]);
    return 2;
  }
  tollgate_error *error = NULL;
  tollgate_program *program = NULL;

  /* A file that was installed like the program itself. */
  if (tollgate_program_open(argv[1], NULL, &program, &error)) {
    return failed(error);
  }
  if (decide(program)) {
    return EXIT_FAILURE;
  }
  tollgate_program_release(program);

  /* One that came over a network: only if somebody who is trusted has signed it. */
  if (argc == 3) {
    tollgate_text artifact = read(argv[1]), key = read(argv[2]);
    if (tollgate_program_load_signed(artifact, &key, 1, NULL, &program, &error)) {
      return failed(error);
    }
    if (decide(program)) {
      return EXIT_FAILURE;
    }
    tollgate_program_release(program);
    /* Nobody is trusted: nothing is loaded, also not what somebody has signed. */
    if (tollgate_program_load_signed(artifact, NULL, 0, NULL, &program, &error) != TOLLGATE_STATUS_FAILED) {
      return EXIT_FAILURE;
    }
    failed(error);
    /* One byte less. */
    artifact.size--;
    if (tollgate_program_load(artifact, NULL, &program, &error) != TOLLGATE_STATUS_FAILED) {
      return EXIT_FAILURE;
    }
    failed(error);
    free((void *)artifact.bytes);
    free((void *)key.bytes);
  }

  /* Rules are compiled by a library that has a compiler. */
  static const char RULES[] = "ruleset size(n: Int) -> String hit first { otherwise \"any\" }";
  if (tollgate_program_compile("size.rules", tollgate_text_of(RULES), NULL, &program, &error)) {
    failed(error);
    return EXIT_SUCCESS;
  }
  printf("compiled%s\n", tollgate_program_report(program));
  tollgate_program_release(program);
  return EXIT_SUCCESS;
}
