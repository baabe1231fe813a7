#ifndef TOLLGATE_H
#define TOLLGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
#define TOLLGATE_ASSERT(truth) static_assert(truth, #truth)
extern "C" {
#else
#define TOLLGATE_ASSERT(truth) _Static_assert(truth, #truth)
#endif

/* Text: so many bytes of UTF-8, without a zero at the end. A pointer that is NULL says that the text is not given. */
typedef struct tollgate_text {
    const char *ptr;
    size_t len;
} tollgate_text;

typedef struct tollgate_bytes {
    const uint8_t *ptr;
    size_t len;
} tollgate_bytes;

typedef struct tollgate_texts {
    const tollgate_text *ptr;
    size_t len;
} tollgate_texts;

/* So many in so many microseconds. */
typedef struct tollgate_rate {
    int64_t count;
    int64_t per_us;
} tollgate_rate;

/* An address in network order; IPv4 as ::ffff:a.b.c.d. */
typedef struct tollgate_ip {
    uint8_t bytes[16];
} tollgate_ip;

/* A network: its first address, and how many of the 128 leading bits count. */
typedef struct tollgate_cidr {
    uint8_t bytes[16];
    uint8_t bits;
} tollgate_cidr;

/* What an object file made by `tollgate build` shows. */
typedef struct tollgate_image tollgate_image;

/* Compiled rules, ready to decide, and the states that they declare: all sessions of a program ask the same ones. Any number of threads may use one. */
typedef struct tollgate_program tollgate_program;

/* Decides, again and again, in the same memory. One for each thread. */
typedef struct tollgate_session tollgate_session;

typedef enum tollgate_status {
    TOLLGATE_OK = 0,
    TOLLGATE_REFUSED = 1, /* The facts break a rule of their type: the input's mistake. */
    TOLLGATE_MISUSED = 2, /* There is no such thing, or something is missing: the caller's mistake. */
    TOLLGATE_BUG = 3      /* Our mistake. */
} tollgate_status;

/* Why the last call on this thread that did not end with TOLLGATE_OK, or gave NULL, did not: a sentence. Good until the next one fails. */
const char *tollgate_error(void);

/* Makes a program. Takes time in proportion to the rules: do it once. NULL where the image is of other rules than `schema_hash` says, or of another
   version of this library. Each set of rules has a function that calls it. */
tollgate_program *tollgate_program_load(const tollgate_image *image, uint64_t schema_hash);

/* The same, to come after another program: of the states that both declare alike, with the same name and settings, what they hold there; both go on with
   the same ones. Other states begin with nothing. Data is given anew. */
tollgate_program *tollgate_program_load_after(const tollgate_image *image, uint64_t schema_hash, const tollgate_program *before);

/* Ends a program. Sessions that are there go on. NULL is fine. */
void tollgate_program_free(tollgate_program *program);

/* Gives a program a `data` of the rules, as JSON. Sessions that began before go on with what was there. */
tollgate_status tollgate_program_data(const tollgate_program *program, const char *name, const char *json, size_t json_len);

/* Gives back the slots (`enter()`) that a decision took, by its id: what it let in has ended. Without it they are free when their lease ends. */
tollgate_status tollgate_program_finish(const tollgate_program *program, tollgate_text id);

/* Begins a session, with the data that the program has now. */
tollgate_session *tollgate_session_new(const tollgate_program *program);

/* Ends a session. NULL is fine. */
void tollgate_session_free(tollgate_session *session);

/* The id and the time (microseconds since 1970) of the decisions that follow, where the facts have no `id` or `time` of their own. States go by that time and
   by no clock; the id tells a decision that is made again from another one, so each has its own. */
tollgate_status tollgate_session_call(tollgate_session *session, tollgate_text id, int64_t time_us);

/* Decides about facts, a pointer for each parameter of the entry, and writes the value. What the value points at is good until the session decides
   again or ends. Each entry has a function that calls it. */
tollgate_status tollgate_session_decide(tollgate_session *session, uint32_t entry, const void *const *facts, void *value);

/* The same in JSON: {"value":...,"by":"rule"}, with "shadow":[...] where rules decided in shadow mode; good until the session decides again or ends. */
tollgate_status tollgate_session_decide_json(tollgate_session *session, uint32_t entry, const char *json, size_t json_len,
                                             tollgate_text *decision);

/* The rules that decided last, in the order of the source; `otherwise` where none matched. Good until the session decides again or ends. */
tollgate_texts tollgate_session_by(const tollgate_session *session);

/* A state that the last decision could not ask, so that its `on_failure` answered, by its number from 0: its name, and why. False behind the last; for
   nearly every decision there is none. Good until the session decides again or ends. */
bool tollgate_session_failure(const tollgate_session *session, size_t number, tollgate_text *state, tollgate_text *reason);

/* Reads an address such as 192.0.2.7 or 2001:db8::1. */
tollgate_status tollgate_ip_read(tollgate_text text, tollgate_ip *ip);

/* The text of a string that ends with a zero. */
static inline tollgate_text tollgate_text_of(const char *string)
{
    tollgate_text text;
    text.ptr = string;
    text.len = string ? strlen(string) : 0;
    return text;
}

/* Whether a text is a string that ends with a zero. */
static inline bool tollgate_text_is(tollgate_text text, const char *string)
{
    return text.len == strlen(string) && memcmp(text.ptr, string, text.len) == 0;
}

#ifdef __cplusplus
}
#endif

#endif /* TOLLGATE_H */
