/* Deciding in structs takes no memory from the system once a session has grown, nor does asking a state for a key that is there. The linker leads every call of the allocator through here. */

#include "types.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned long taken;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
int __real_posix_memalign(void **at, size_t align, size_t size);

void *__wrap_malloc(size_t size)
{
    taken++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    taken++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size)
{
    taken++;
    return __real_realloc(at, size);
}

int __wrap_posix_memalign(void **at, size_t align, size_t size)
{
    taken++;
    return __real_posix_memalign(at, align, size);
}

int main(void)
{
    static const types_size SIZES[] = { { 1.5, true, -5 }, { -0.25, false, 5 } };
    static const tollgate_text WORDS[] = { { "b", 1 }, { "a", 1 } };
    static const types_pair_text_size NAMED[] = { { { "z", 1 }, { 2.0, true, 0 } }, { { "y", 1 }, { 3.0, false, 1 } } };
    static const types_pair_colour_int64 NUMBERED[] = { { TYPES_COLOUR_BLUE, 4 }, { TYPES_COLOUR_RED, 2 } };
    types_everything it = {
        .rate = { 100, 1000000 },
        .path = tollgate_text_of("/a//b"),
        .host = tollgate_text_of("Shop.Example"),
        .word = { true, { "w", 1 } },
        .sizes = { SIZES, 2 },
        .words = { WORDS, 2 },
        .named = { NAMED, 2 },
        .numbered = { NUMBERED, 2 },
        .shape = { .tag = TYPES_SHAPE_CIRCLE, .as.circle = { 7 } },
        .event = { .tag = TYPES_EVENT_CLOSED, .as.closed = { 5 } },
    };
    tollgate_program *program = types_program_load();
    tollgate_session *session = tollgate_session_new(program);
    unsigned long loaded = taken;
    types_everything out;
    for (int i = 0; i < 200; i++) {
        if (i == 100)
            taken = 0;
        if (types_decide_same(session, &it, &out) != TOLLGATE_OK) {
            printf("%s\n", tollgate_error());
            return 1;
        }
        bool calm;
        tollgate_session_call(session, tollgate_text_of("id"), i);
        /* Five tokens are there at once. */
        if (types_decide_tap(session, tollgate_text_of("ann"), &calm) != TOLLGATE_OK || calm != (i < 5)) {
            printf("decision %d: %d, %s\n", i, calm, tollgate_error());
            return 1;
        }
    }
    /* Loading does, which shows that they are counted. */
    if (loaded == 0 || taken != 0) {
        printf("loading took memory %lu times, a hundred decisions %lu times\n", loaded, taken);
        return 1;
    }
    tollgate_session_free(session);
    tollgate_program_free(program);
    return 0;
}
