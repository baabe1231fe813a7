/* Decides lines of JSON as `tollgate run` does: a line with the decision, or with why the facts are refused. The header, the function that loads the
   program and the entry are said on the compiler's command line; a data's name and file may be on this program's. */

#include HEADER

#include <stdio.h>
#include <stdlib.h>

static char *read_all(FILE *file, size_t *len)
{
    size_t room = 1 << 20;
    char *bytes = malloc(room);
    *len = 0;
    for (size_t got; bytes != NULL && (got = fread(bytes + *len, 1, room - *len, file)) > 0;) {
        *len += got;
        if (*len == room)
            bytes = realloc(bytes, room *= 2);
    }
    return bytes;
}

int main(int argc, char **argv)
{
    tollgate_program *program = LOAD();
    if (program == NULL) {
        fprintf(stderr, "%s\n", tollgate_error());
        return 1;
    }
    size_t len;
    for (int i = 1; i + 1 < argc; i += 2) {
        FILE *file = fopen(argv[i + 1], "rb");
        char *json = file ? read_all(file, &len) : NULL;
        if (json == NULL || tollgate_program_data(program, argv[i], json, len) != TOLLGATE_OK) {
            fprintf(stderr, "%s: %s\n", argv[i], tollgate_error());
            return 1;
        }
        fclose(file);
        free(json);
    }
    tollgate_session *session = tollgate_session_new(program);
    char *lines = read_all(stdin, &len);
    tollgate_session_call(session, tollgate_text_of("test"), 0);
    for (char *line = lines, *end; (end = memchr(line, '\n', len - (size_t)(line - lines))) != NULL; line = end + 1) {
        tollgate_text decision;
        tollgate_status status = tollgate_session_decide_json(session, ENTRY, line, (size_t)(end - line), &decision);
        if (status == TOLLGATE_OK)
            printf("%.*s\n", (int)decision.len, decision.ptr);
        else
            printf("refused: %s\n", tollgate_error());
    }
    free(lines);
    tollgate_session_free(session);
    tollgate_program_free(program);
    return 0;
}
