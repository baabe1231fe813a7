/* States in a program of C: a limit that threads ask at once, slots, what cannot be asked, and rules that come after others. Ends with 0 if all of it is
   as it should be. */

#include "states.h"
#include "states_next.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(truth)                                                             \
    do {                                                                         \
        if (!(truth)) {                                                          \
            printf("line %d: %s; %s\n", __LINE__, #truth, tollgate_error());     \
            exit(1);                                                             \
        }                                                                        \
    } while (0)

enum { THREADS = 8, EACH = 500, BURST = 1000 };

static const int64_t HOUR = INT64_C(3600) * 1000000;

static int ids;

/* Says the id and the time of the next decision; no two have the same id. */
static void at(tollgate_session *session, int64_t time)
{
    char id[32];
    snprintf(id, sizeof id, "call-%d", __atomic_fetch_add(&ids, 1, __ATOMIC_RELAXED));
    CHECK(tollgate_session_call(session, tollgate_text_of(id), time) == TOLLGATE_OK);
}

static bool admit(tollgate_session *session, const char *user, int64_t time)
{
    bool admitted;
    at(session, time);
    CHECK(states_decide_admit(session, tollgate_text_of(user), &admitted) == TOLLGATE_OK);
    return admitted;
}

static bool visit(tollgate_session *session, const char *user)
{
    bool granted;
    at(session, 0);
    CHECK(states_decide_visit(session, tollgate_text_of(user), &granted) == TOLLGATE_OK);
    return granted;
}

static bool sit(tollgate_session *session, const char *id)
{
    bool free;
    CHECK(tollgate_session_call(session, tollgate_text_of(id), 0) == TOLLGATE_OK);
    CHECK(states_decide_sit(session, tollgate_text_of("ann"), &free) == TOLLGATE_OK);
    return free;
}

static int admitted;

static void *ask(void *program)
{
    tollgate_session *session = tollgate_session_new(program);
    CHECK(session != NULL);
    for (int n = 0; n < EACH; n++) {
        if (admit(session, "ann", 0))
            __atomic_fetch_add(&admitted, 1, __ATOMIC_RELAXED);
    }
    tollgate_session_free(session);
    return NULL;
}

/* How many threads admit together, the odd ones by one program, the others by another. */
static int ask_at_once(tollgate_program *even, tollgate_program *odd)
{
    pthread_t threads[THREADS];
    admitted = 0;
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, ask, i % 2 ? odd : even) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    return admitted;
}

/* Whether the last decision could not ask a state, and which. */
static bool could_not_ask(tollgate_session *session, const char *wanted)
{
    tollgate_text state, reason;
    bool there = tollgate_session_failure(session, 0, &state, &reason);
    CHECK(!tollgate_session_failure(session, 1, &state, &reason));
    if (!there)
        return false;
    CHECK(tollgate_session_failure(session, 0, &state, &reason));
    CHECK(tollgate_text_is(reason, "there is no room for another key"));
    CHECK(!tollgate_session_failure(session, 0, NULL, &reason));
    return tollgate_text_is(state, wanted);
}

int main(void)
{
    tollgate_program *first = states_program_load();
    CHECK(first != NULL);

    /* Exactly as many as there are tokens, whichever thread asks; an hour later one more. */
    CHECK(ask_at_once(first, first) == BURST);
    tollgate_session *session = tollgate_session_new(first);
    CHECK(!admit(session, "ann", 0));
    int64_t wait;
    CHECK(states_decide_wait(session, tollgate_text_of("ann"), &wait) == TOLLGATE_OK && wait == HOUR);
    CHECK(admit(session, "ann", HOUR) && !admit(session, "ann", HOUR));
    tollgate_text decision;
    const char *facts = "\"bob\"";
    at(session, HOUR);
    CHECK(tollgate_session_decide_json(session, STATES_ENTRY_ADMIT, facts, strlen(facts), &decision) == TOLLGATE_OK);
    const char *json = "{\"value\":true,\"by\":\"calm\"}";
    CHECK(decision.len == strlen(json) && memcmp(decision.ptr, json, decision.len) == 0);
    CHECK(!could_not_ask(session, "calls"));

    /* There is no room for a third key, and none for a second: on_failure answers, and what it was is told until the next decision. */
    CHECK(!admit(session, "eve", HOUR) && could_not_ask(session, "calls"));
    CHECK(visit(session, "ann") && visit(session, "ann") && !visit(session, "ann") && !could_not_ask(session, "visits"));
    CHECK(visit(session, "bob") && could_not_ask(session, "visits"));
    CHECK(states_decide_sit(session, tollgate_text_of("nobody"), &(bool){ true }) == TOLLGATE_OK);
    CHECK(!could_not_ask(session, "visits"));

    /* A slot is held until the decision that took it is finished. A decision that is made again takes no other one. */
    CHECK(sit(session, "work-1") && sit(session, "work-1") && !sit(session, "work-2"));
    CHECK(tollgate_program_finish(first, tollgate_text_of("work-1")) == TOLLGATE_OK);
    CHECK(sit(session, "work-3") && !sit(session, "work-4"));

    /* Other rules that declare the same states go on with them, also while threads still ask the old ones. What they declare otherwise begins anew. */
    tollgate_program *next = states_next_program_load_after(first);
    CHECK(next != NULL);
    tollgate_session *after = tollgate_session_new(next);
    CHECK(!admit(after, "ann", HOUR) && admit(after, "ann", 2 * HOUR) && !admit(session, "ann", 2 * HOUR));
    CHECK(visit(after, "ann") && visit(after, "ann") && visit(after, "ann") && !visit(after, "ann"));
    CHECK(!sit(after, "work-5"));
    CHECK(tollgate_program_finish(next, tollgate_text_of("work-3")) == TOLLGATE_OK && sit(after, "work-5"));
    tollgate_program_free(first);
    CHECK(!visit(session, "ann"));
    tollgate_session_free(session);
    tollgate_session_free(after);

    /* A program that comes after none has states of its own, and one that comes after it shares them. */
    tollgate_program *own = states_program_load(), *shares = states_next_program_load_after(own);
    CHECK(own != NULL && shares != NULL && ask_at_once(own, shares) == BURST);
    tollgate_program_free(own);
    CHECK(ask_at_once(shares, shares) == 0);
    tollgate_program_free(shares);

    /* What there is not is an error, and no crash. */
    CHECK(states_program_load_after(NULL) == NULL);
    CHECK(strcmp(tollgate_error(), "there is no program before: the pointer is null") == 0);
    CHECK(tollgate_program_finish(NULL, tollgate_text_of("work-1")) == TOLLGATE_MISUSED);
    CHECK(tollgate_program_finish(next, tollgate_text_of("\xff")) == TOLLGATE_MISUSED);
    CHECK(!could_not_ask(NULL, "calls"));
    tollgate_program_free(next);
    return 0;
}
