/*
 * Tollgate for C and C++: rules are compiled once, and requests decided by them.
 *
 * The contract, which holds for every function here:
 *
 * - Handles (tollgate_program, tollgate_entry, tollgate_session, tollgate_error) are made by a function that writes one, and given back
 *   by the function that frees or releases that kind; null is allowed there. A decision belongs to its session.
 * - What goes in is only borrowed, for the length of the call. What comes out (texts, messages) belongs to the handle it was read from
 *   and lives as long as that says.
 * - Names and paths are C strings. What comes from outside is a tollgate_text: bytes and their size.
 * - A function that can fail returns a tollgate_status. Behind anything but TOLLGATE_STATUS_OK the result is null, and, where `error` is
 *   not null, `*error` is an error to be freed; behind TOLLGATE_STATUS_OK `*error` is null. `error` itself may be null: then nothing is told.
 * - A null pointer, a text that is not UTF-8, a handle of another kind: an error, not a crash. A pointer to memory that is not what it
 *   says, or a handle that was freed, cannot be noticed for certain.
 * - Programs and entries are immutable and shared by threads as they are. A session is used by one thread at a time. There are no
 *   threads inside (with the backend vm), nothing global that a caller could notice, and nothing is printed (but a bug of Tollgate, on
 *   standard error).
 * - The states that rules declare belong to the program, and all of its sessions ask them: in this process, or in a store that the program was
 *   given. A decision that asks a store elsewhere waits for it, on the thread that decides; nothing else waits. Time is an input: no clock is read
 *   to decide.
 * - To reload: compile the new program, make it follow the old one (tollgate_program_after) so that states and data go on, put it where the old
 *   one is found, release the old one. Sessions keep theirs alive.
 */


#ifndef TOLLGATE_H
#define TOLLGATE_H

#include <stddef.h>
#include <stdint.h>

/**
 * How a call went. Everything but `OK` leaves an error behind, where the caller asked for one.
 */
typedef enum tollgate_status {
  /**
   * It was done.
   */
  TOLLGATE_STATUS_OK = 0,
  /**
   * The rules do not compile; the error has the diagnostics.
   */
  TOLLGATE_STATUS_RULES = 1,
  /**
   * The facts or data violate their types, or are not UTF-8: a client's mistake, which a gateway answers with 400.
   */
  TOLLGATE_STATUS_REFUSED = 2,
  /**
   * A file cannot be read, there is no such name, something was not given.
   */
  TOLLGATE_STATUS_FAILED = 3,
  /**
   * The call breaks the contract of this header: a null pointer, a name that is not UTF-8, a handle of another kind, a session
   * that two threads use.
   */
  TOLLGATE_STATUS_MISUSE = 4,
  /**
   * A mistake of Tollgate. Please report it.
   */
  TOLLGATE_STATUS_BUG = 5,
} tollgate_status;

/**
 * What a value is: the `kind` of a `tollgate_value`.
 */
typedef enum tollgate_kind {
  /**
   * Not given: the field gets its default. A value of zero bytes is absent.
   */
  TOLLGATE_KIND_ABSENT = 0,
  /**
   * `none`.
   */
  TOLLGATE_KIND_NONE = 1,
  /**
   * `as.boolean`: 0 is false, everything else true.
   */
  TOLLGATE_KIND_BOOL = 2,
  /**
   * `as.integer`: a whole number, or a count of units: microseconds (durations, and instants since 1970 UTC), days since 1970 (dates), minor
   * units (money), billionths (percentages).
   */
  TOLLGATE_KIND_INT = 3,
  /**
   * `as.real`.
   */
  TOLLGATE_KIND_FLOAT = 4,
  /**
   * `as.text`: text, or what is written as one, such as an address, `4.00 SGD`, or the name of an enum's variant.
   */
  TOLLGATE_KIND_TEXT = 5,
  /**
   * `as.text`, of any bytes.
   */
  TOLLGATE_KIND_BYTES = 6,
  /**
   * `as.list`.
   */
  TOLLGATE_KIND_LIST = 7,
  /**
   * `as.map`: a record by field names, a map, or an enum's variant with its fields.
   */
  TOLLGATE_KIND_MAP = 8,
} tollgate_kind;

/**
 * What was decided, and by which rules. Belongs to its session; lives, with every text it gives, until that decides again or is freed.
 * For the thread that decided.
 */
typedef struct tollgate_decision tollgate_decision;

/**
 * A guard, rule set or pipeline of a program, found by its name once, with the facts that the host gives value by value, found by their
 * paths once. Immutable, and free to be used by any number of threads. Good for the program it came from, also with other data, and
 * refused by every other one: after a reload entries are made anew.
 */
typedef struct tollgate_entry tollgate_entry;

/**
 * Why a call was not done. Owned by whoever asked for it; `tollgate_error_free`.
 */
typedef struct tollgate_error tollgate_error;

/**
 * A compiled program, and the states that its rules declare. Immutable but for those, and free to be used by any number of threads; counted:
 * whoever holds a reference releases it once. Sessions hold one of their own.
 */
typedef struct tollgate_program tollgate_program;

/**
 * Decides, again and again, in the same memory. One for each thread; a session may move from one thread to another. It holds a
 * reference to its program.
 */
typedef struct tollgate_session tollgate_session;

/**
 * A text or bytes with their size. A text that Tollgate gives is followed by a NUL that `size` does not count; one that it is given need not be.
 * Null with the size 0 is the empty text.
 */
typedef struct tollgate_text {
  /**
   * Where it begins.
   */
  const char *bytes;
  /**
   * How many bytes.
   */
  size_t size;
} tollgate_text;

/**
 * The elements of a list.
 */
typedef struct tollgate_list {
  /**
   * The first one.
   */
  const struct tollgate_value *items;
  /**
   * How many.
   */
  size_t count;
} tollgate_list;

/**
 * The entries of a map: keys and values, in the same order.
 */
typedef struct tollgate_map {
  /**
   * The first key.
   */
  const struct tollgate_text *keys;
  /**
   * The first value.
   */
  const struct tollgate_value *values;
  /**
   * How many of each.
   */
  size_t count;
} tollgate_map;

/**
 * What is in a value.
 */
typedef union tollgate_payload {
  /**
   * Of a truth value.
   */
  int32_t boolean;
  /**
   * Of a whole number.
   */
  int64_t integer;
  /**
   * Of a float.
   */
  double real;
  /**
   * Of text and bytes.
   */
  struct tollgate_text text;
  /**
   * Of a list.
   */
  struct tollgate_list list;
  /**
   * Of a map.
   */
  struct tollgate_map map;
} tollgate_payload;

/**
 * A value: a fact, or a part of one. Only borrowed, for the length of the call it is handed to.
 */
typedef struct tollgate_value {
  /**
   * A `tollgate_kind`.
   */
  uint32_t kind;
  /**
   * What the kind says.
   */
  union tollgate_payload as;
} tollgate_value;

/**
 * The inputs of a decision that are not facts. They are used where the entry's first parameter is no record with a field `id: String` or
 * `time: Instant` of its own.
 */
typedef struct tollgate_call {
  /**
   * The decision's id: what `jitter` is a function of, and what tells a decision that is made again from another one where states are asked.
   */
  struct tollgate_text id;
  /**
   * The decision's time, in microseconds since 1970-01-01T00:00Z. States go by it.
   */
  int64_t time;
} tollgate_call;

/**
 * A header field of a request.
 */
typedef struct tollgate_header {
  /**
   * Its name, in any case.
   */
  struct tollgate_text name;
  /**
   * Its value, as sent.
   */
  struct tollgate_text value;
} tollgate_header;

/**
 * A request as a server has it. Only borrowed, for the length of the call.
 */
typedef struct tollgate_request {
  /**
   * The decision's id.
   */
  struct tollgate_text id;
  /**
   * When it came, in microseconds since 1970-01-01T00:00Z. States go by it.
   */
  int64_t time;
  /**
   * The method, as sent.
   */
  struct tollgate_text method;
  /**
   * The request target, as sent: `/a?b`, or `http://host/a?b`. It is decoded and made canonical by Tollgate, once.
   */
  struct tollgate_text target;
  /**
   * The `:authority` of HTTP/2 and later; null where the field `Host` tells.
   */
  struct tollgate_text authority;
  /**
   * The header fields in their order.
   */
  const struct tollgate_header *headers;
  /**
   * How many.
   */
  size_t header_count;
  /**
   * The address of who is connected: `192.0.2.7`, `2001:db8::1`.
   */
  struct tollgate_text peer_ip;
  /**
   * Its port.
   */
  uint16_t peer_port;
  /**
   * How many proxies in front are trusted, each of which adds the address it sees to `X-Forwarded-For`.
   */
  uint16_t trusted_proxies;
  /**
   * Whether the connection is encrypted: 0 is no.
   */
  int32_t tls;
} tollgate_request;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * A text of a C string, which is not copied. Null is the empty text.
 */
struct tollgate_text tollgate_text_of(const char *string);

/**
 * The text of a C string as a value; absent for null, so that what `getenv` and its like do not find is not given.
 */
struct tollgate_value tollgate_value_of_string(const char *string);

/**
 * A text as a value.
 */
struct tollgate_value tollgate_value_of_text(struct tollgate_text text);

/**
 * A whole number as a value.
 */
struct tollgate_value tollgate_value_of_int(int64_t integer);

/**
 * A truth value: 0 is false, everything else true.
 */
struct tollgate_value tollgate_value_of_bool(int32_t boolean);

/**
 * A float as a value.
 */
struct tollgate_value tollgate_value_of_float(double real);

/**
 * A list of `count` values.
 */
struct tollgate_value tollgate_value_of_list(const struct tollgate_value *items, size_t count);

/**
 * A record, map or variant of `count` entries.
 */
struct tollgate_value tollgate_value_of_map(const struct tollgate_text *keys,
                                            const struct tollgate_value *values,
                                            size_t count);

/**
 * What kind of error it is; `TOLLGATE_STATUS_MISUSE` for a null pointer.
 */
enum tollgate_status tollgate_error_status(const struct tollgate_error *error);

/**
 * The error as text: one sentence, or for rules that do not compile the diagnostics drawn on their source, as `tollgate check` does without
 * colours. Lives as long as the error. Never null.
 */
const char *tollgate_error_message(const struct tollgate_error *error);

/**
 * The error as JSON. For rules one diagnostic a line (slug, severity, message, labels, notes, help), the same as `tollgate check --format json`; for
 * refused facts `{"path","value","reason"}`; otherwise `{"message"}`. Lives as long as the error. Never null.
 */
const char *tollgate_error_json(const struct tollgate_error *error);

/**
 * Frees an error. Null is allowed.
 */
void tollgate_error_free(struct tollgate_error *error);

/**
 * The version of the library.
 */
const char *tollgate_version(void);

/**
 * Compiles a program of one text. `name` is what it is called in diagnostics. `backend` is null for the default, or `vm`, or, in a
 * library that was built with them, `cranelift` or another one. Fails in a library that was built without a compiler.
 */
enum tollgate_status tollgate_program_compile(const char *name,
                                              struct tollgate_text source,
                                              const char *backend,
                                              struct tollgate_program **program,
                                              struct tollgate_error **error);

/**
 * The program in a file: rules, which are compiled with the modules they use, which stand in the same folder; or an artifact
 * (`tollgate build x.rules -o x.tgb`), which is loaded, by whoever it was made. `backend` as in `tollgate_program_compile`. A library without a compiler
 * opens artifacts only.
 */
enum tollgate_status tollgate_program_open(const char *path,
                                           const char *backend,
                                           struct tollgate_program **program,
                                           struct tollgate_error **error);

/**
 * Loads an artifact, by whoever it was made. It is verified as everything that is compiled is; one that is damaged, of another version or made with another
 * release of the time-zone database is refused. `backend` as in `tollgate_program_compile`.
 */
enum tollgate_status tollgate_program_load(struct tollgate_text artifact,
                                           const char *backend,
                                           struct tollgate_program **program,
                                           struct tollgate_error **error);

/**
 * As `tollgate_program_load`, of an artifact that one of `count` Ed25519 public keys has signed, which are given in PEM; with none of them every artifact
 * is refused.
 */
enum tollgate_status tollgate_program_load_signed(struct tollgate_text artifact,
                                                  const struct tollgate_text *keys,
                                                  size_t count,
                                                  const char *backend,
                                                  struct tollgate_program **program,
                                                  struct tollgate_error **error);

/**
 * The program with a `data` of its rules given, as JSON: a new program, whose reference the caller owns; the old one is as it was.
 * Both ask the same states. Deciding fails while data is missing.
 */
enum tollgate_status tollgate_program_with_data(const struct tollgate_program *program,
                                                const char *name,
                                                struct tollgate_text json,
                                                struct tollgate_program **with_data,
                                                struct tollgate_error **error);

/**
 * One more reference to a program; returns the program, or null if it is none.
 */
struct tollgate_program *tollgate_program_retain(struct tollgate_program *program);

/**
 * Gives a reference back; with the last one the program is freed. Null is allowed.
 */
void tollgate_program_release(struct tollgate_program *program);

/**
 * The warnings and notes of the compiler as text; empty when there are none. Lives as long as the program. Never null.
 */
const char *tollgate_program_report(const struct tollgate_program *program);

/**
 * The warnings and notes as JSON, one a line. Lives as long as the program. Never null.
 */
const char *tollgate_program_report_json(const struct tollgate_program *program);

/**
 * The program with a store for the states that are not kept in this process: by the `name` that the rules use (`store: redis.limits`), at an
 * address such as `redis://127.0.0.1:6379/0?timeout=20ms`, in a library that was built with `redis`. A new program, whose reference the caller owns, to
 * be used instead of the old one: it does not share that one's states. Nothing is sent to the server before a decision asks it, and a server that does not
 * answer is no error: `on_failure` of a state says what holds then.
 */
enum tollgate_status tollgate_program_with_store(const struct tollgate_program *program,
                                                 const char *name,
                                                 const char *address,
                                                 struct tollgate_program **with_store,
                                                 struct tollgate_error **error);

/**
 * The program as what comes after another one, for a reload: a new program, whose reference the caller owns. Of the states that are kept in
 * this process, those that both declare alike, with the same name and settings, hold what they held, also for decisions that still end by the old program;
 * others begin with nothing. Data that the program expects and was not given, and its stores where it was given none, are those of `before`.
 */
enum tollgate_status tollgate_program_after(const struct tollgate_program *program,
                                            const struct tollgate_program *before,
                                            struct tollgate_program **after,
                                            struct tollgate_error **error);

/**
 * A state that the program declares, by its number from 0: its name, and the name of the store that it is kept in, which is `local` for this
 * process. Both live as long as the program. 1 when there is one, 0 behind the last.
 */
int32_t tollgate_program_state(const struct tollgate_program *program,
                               size_t number,
                               struct tollgate_text *name,
                               struct tollgate_text *store);

/**
 * Gives back the slots (`enter()`) that a decision took, by its id: what it let in has ended. By the program whose session decided; without this they are free
 * when their lease ends. An id that holds none is no mistake.
 */
enum tollgate_status tollgate_program_finish(const struct tollgate_program *program,
                                             struct tollgate_text id,
                                             struct tollgate_error **error);

/**
 * An entry by its name. `paths` are the facts that `tollgate_decide` will be given: a path goes through records by dots (`client.ip`); with
 * one parameter it begins in that, and the empty path is the parameter itself; with several it begins with the parameter's name. Facts that
 * come as JSON need no paths (null, 0).
 */
enum tollgate_status tollgate_entry_new(const struct tollgate_program *program,
                                        const char *name,
                                        const char *const *paths,
                                        size_t count,
                                        struct tollgate_entry **entry,
                                        struct tollgate_error **error);

/**
 * As `tollgate_entry_new`, for an entry whose first parameter is a `std.http.Request` or another record with some of its fields. Its
 * fields come from the request that `tollgate_decide_request` takes; `paths` are what is given beside (`api_key`, fields of other
 * parameters).
 */
enum tollgate_status tollgate_entry_of_requests(const struct tollgate_program *program,
                                                const char *name,
                                                const char *const *paths,
                                                size_t count,
                                                struct tollgate_entry **entry,
                                                struct tollgate_error **error);

/**
 * Frees an entry. Null is allowed. Decisions that were made with it stay.
 */
void tollgate_entry_free(struct tollgate_entry *entry);

/**
 * A session. It takes a reference to the program; the caller keeps its own. Its decisions ask the states of the program, together with all
 * other sessions. Fails where a state is kept in a store that the program was not given.
 */
enum tollgate_status tollgate_session_new(const struct tollgate_program *program,
                                          struct tollgate_session **session,
                                          struct tollgate_error **error);

/**
 * Frees a session with its decision. Null is allowed.
 */
void tollgate_session_free(struct tollgate_session *session);

/**
 * Decides about facts as JSON: the entry's parameter, or an object of its parameters when it has several. `call` may be null: no id, time 0.
 * The decision belongs to the session and lives until that decides again or is freed.
 */
enum tollgate_status tollgate_decide_json(struct tollgate_session *session,
                                          const struct tollgate_entry *entry,
                                          struct tollgate_text json,
                                          const struct tollgate_call *call,
                                          const struct tollgate_decision **decision,
                                          struct tollgate_error **error);

/**
 * Decides about facts given value by value: one for each path of the entry, in the same order. `call` and the decision as in
 * `tollgate_decide_json`.
 */
enum tollgate_status tollgate_decide(struct tollgate_session *session,
                                     const struct tollgate_entry *entry,
                                     const struct tollgate_value *values,
                                     size_t count,
                                     const struct tollgate_call *call,
                                     const struct tollgate_decision **decision,
                                     struct tollgate_error **error);

/**
 * Decides about a request, for an entry of `tollgate_entry_of_requests`, and what that takes beside: one value for each path. The decision
 * as in `tollgate_decide_json`. What has two readings (two `Host` fields, a broken escape) is refused, so that rules never see another
 * request than the backend.
 */
enum tollgate_status tollgate_decide_request(struct tollgate_session *session,
                                             const struct tollgate_entry *entry,
                                             const struct tollgate_request *request,
                                             const struct tollgate_value *values,
                                             size_t count,
                                             const struct tollgate_decision **decision,
                                             struct tollgate_error **error);

/**
 * The decision as JSON: `{"value":…,"by":"rule"}`; `by` is a list under `hit all` and `hit sum`.
 */
struct tollgate_text tollgate_decision_json(const struct tollgate_decision *decision);

/**
 * The decision as JSON with what it asked of states: `{"value":…,"by":…,"operations":[…]}`.
 */
struct tollgate_text tollgate_decision_trace(const struct tollgate_decision *decision);

/**
 * A state that could not be asked, so that its `on_failure` answered, by its number from 0: its name, and why: `the store does not answer`. For nearly every decision
 * there is none. 1 when there is one, 0 behind the last.
 */
int32_t tollgate_decision_failure(const struct tollgate_decision *decision,
                                  size_t number,
                                  struct tollgate_text *state,
                                  struct tollgate_text *reason);

/**
 * How many rules decided: 1, but for `hit all` and `hit sum`.
 */
size_t tollgate_decision_rule_count(const struct tollgate_decision *decision);

/**
 * The name of a rule that decided, by its number from 0; `otherwise` where none matched; for a pipeline `stage.rule`. The empty text where there
 * is none of that number.
 */
struct tollgate_text tollgate_decision_rule(const struct tollgate_decision *decision,
                                            size_t number);

/**
 * The name of an enum's variant: `forward` of `forward(service: payments)`. `path` leads to a field of the value, by dots; null or empty for the
 * value itself. The empty text where there is no enum.
 */
struct tollgate_text tollgate_decision_variant(const struct tollgate_decision *decision,
                                               const char *path);

/**
 * Reads a value as text, into `text`: what stands in JSON, without the quotes: `payments`, `800ms`, `/a%20b`, `true`, `17`, `[1,2]`.
 * 1 when there is such a value, 0 when there is not, or it is `none`.
 */
int32_t tollgate_decision_text(const struct tollgate_decision *decision,
                               const char *path,
                               struct tollgate_text *text);

/**
 * Reads a whole number, or a count of units: microseconds (durations, instants), days (dates), minor units (money), billionths
 * (percentages). 1 when there is one, 0 when not.
 */
int32_t tollgate_decision_int(const struct tollgate_decision *decision,
                              const char *path,
                              int64_t *integer);

/**
 * Reads a truth value, as 0 or 1. 1 when there is one, 0 when not.
 */
int32_t tollgate_decision_bool(const struct tollgate_decision *decision, const char *path, int32_t *boolean);

/**
 * Reads a float. 1 when there is one, 0 when not.
 */
int32_t tollgate_decision_float(const struct tollgate_decision *decision, const char *path, double *real);

/**
 * The name of a field of a record or variant, by its number from 0, into `name`: to go through what there is. 1 when there is one, 0
 * behind the last.
 */
int32_t tollgate_decision_field(const struct tollgate_decision *decision,
                                const char *path,
                                size_t number,
                                struct tollgate_text *name);

/**
 * An element of a list, set or `Values`, by its number from 0, as text. 1 when there is one, 0 behind the last.
 */
int32_t tollgate_decision_item(const struct tollgate_decision *decision,
                               const char *path,
                               size_t number,
                               struct tollgate_text *text);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TOLLGATE_H */
