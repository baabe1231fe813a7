/* Opens the shared libraries that it is given, each with rules of one schema, and decides about 7 by each. */

#define _GNU_SOURCE
#include "limit.h"

#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        void *library = dlopen(argv[i], RTLD_NOW);
        const tollgate_image *image = library ? dlsym(library, "limit_image") : NULL;
        tollgate_program *program = tollgate_program_load(image, LIMIT_SCHEMA_HASH);
        tollgate_session *session = tollgate_session_new(program);
        int64_t limit;
        if (limit_decide_limit(session, 7, &limit) != TOLLGATE_OK) {
            fprintf(stderr, "%s: %s\n", argv[i], tollgate_error());
            return 1;
        }
        printf("%d\n", (int)limit);
        tollgate_session_free(session);
        tollgate_program_free(program);
    }
    return 0;
}
