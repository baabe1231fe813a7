/* Every type goes in and comes out, and what cannot is refused with a sentence. Ends with 0 if all of it is so. */

#include "types.h"

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

static tollgate_program *program;

static types_everything filled(void)
{
    static const uint8_t BLOB[] = { 0, 255, 7 };
    static const types_size SIZES[] = { { 1.5, true, -5 }, { -0.25, false, 5 } };
    static const int64_t CODES[] = { 9, 3, 42 };
    static const tollgate_text WORDS[] = { { "b", 1 }, { "", 0 }, { "a", 1 } };
    static const types_pair_text_size NAMED[] = { { { "z", 1 }, { 2.0, true, 0 } }, { { "y", 1 }, { 3.0, false, 1 } } };
    static const types_pair_colour_int64 NUMBERED[] = { { TYPES_COLOUR_BLUE, 4 }, { TYPES_COLOUR_RED, 2 } };
    static const int64_t CORNERS[] = { 1, 9 };
    types_everything it = {
        .flag = true,
        .count = -1000,
        .ratio = 0.1,
        .text = { "h\xc3\xa9", 3 },
        .blob = { BLOB, 3 },
        .wait = 1500000,
        .at = 1793491200000000,
        .day = 20758,
        .share = 500000000,
        .price = 1234,
        .rate = { 100, 1000000 },
        .net = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 0 }, 104 },
        .path = tollgate_text_of("/a//b"),
        .host = tollgate_text_of("Shop.Example"),
        .maybe = { true, 7 },
        .size = { 2.5, true, 4 },
        .sizes = { SIZES, 2 },
        .codes = { CODES, 3 },
        .words = { WORDS, 3 },
        .named = { NAMED, 2 },
        .numbered = { NUMBERED, 2 },
        .colour = TYPES_COLOUR_GREEN,
        .shape = { .tag = TYPES_SHAPE_BOX,
                   .as.box = { { "b", 1 }, { CORNERS, 2 }, { true, { 1.0, false, 1 } } } },
        .event = { .tag = TYPES_EVENT_CLOSED, .as.closed = { 5 } },
        .default_ = 9,
    };
    CHECK(tollgate_ip_read(tollgate_text_of("2001:db8::7"), &it.ip) == TOLLGATE_OK);
    return it;
}

static void round_trip(tollgate_session *session)
{
    types_everything it = filled(), out;
    CHECK(types_decide_same(session, &it, &out) == TOLLGATE_OK);
    CHECK(out.flag && out.count == -1000 && out.ratio == 0.1);
    CHECK(tollgate_text_is(out.text, "h\xc3\xa9"));
    CHECK(out.blob.len == 3 && memcmp(out.blob.ptr, it.blob.ptr, 3) == 0);
    CHECK(out.wait == it.wait && out.at == it.at && out.day == it.day);
    CHECK(out.share == it.share && out.price == it.price);
    CHECK(out.rate.count == 100 && out.rate.per_us == 1000000);
    CHECK(memcmp(&out.ip, &it.ip, 16) == 0 && memcmp(&out.net, &it.net, 17) == 0);
    /* Canonical: slashes merged, lower case. */
    CHECK(tollgate_text_is(out.path, "/a/b") && tollgate_text_is(out.host, "shop.example"));
    CHECK(out.maybe.present && out.maybe.value == 7 && !out.word.present);
    CHECK(out.size.wide == 2.5 && out.size.on && out.size.high == 4);
    CHECK(out.sizes.len == 2 && out.sizes.ptr[1].wide == -0.25 && out.sizes.ptr[0].high == -5);
    /* A set is sorted. */
    CHECK(out.codes.len == 3 && out.codes.ptr[0] == 3 && out.codes.ptr[2] == 42);
    CHECK(out.words.len == 3 && tollgate_text_is(out.words.ptr[0], "") && tollgate_text_is(out.words.ptr[2], "b"));
    CHECK(out.named.len == 2 && tollgate_text_is(out.named.ptr[0].key, "y") && out.named.ptr[0].value.wide == 3.0);
    CHECK(out.numbered.len == 2 && out.numbered.ptr[0].key == TYPES_COLOUR_RED && out.numbered.ptr[0].value == 2);
    CHECK(out.colour == TYPES_COLOUR_GREEN);
    CHECK(out.shape.tag == TYPES_SHAPE_BOX && tollgate_text_is(out.shape.as.box.name, "b"));
    CHECK(out.shape.as.box.corners.len == 2 && out.shape.as.box.corners.ptr[1] == 9);
    CHECK(out.shape.as.box.inner.present && out.shape.as.box.inner.value.high == 1);
    CHECK(out.event.tag == TYPES_EVENT_CLOSED && out.event.as.closed.after == 5 && out.default_ == 9);
    CHECK(tollgate_session_by(session).len == 1);
    CHECK(tollgate_text_is(tollgate_session_by(session).ptr[0], "otherwise"));

    /* A text that is not given is the default. */
    it.text = tollgate_text_of(NULL);
    it.event.tag = TYPES_EVENT_OPENED;
    it.shape.tag = TYPES_SHAPE_POINT;
    CHECK(types_decide_same(session, &it, &out) == TOLLGATE_OK);
    CHECK(tollgate_text_is(out.text, "not given"));
    CHECK(out.event.tag == TYPES_EVENT_OPENED && out.shape.tag == TYPES_SHAPE_POINT);
}

static void several(tollgate_session *session)
{
    types_optional_size none = { false, { 0, false, 0 } };
    types_shape shape;
    CHECK(types_decide_shape_of(session, 0, none, &shape) == TOLLGATE_OK && shape.tag == TYPES_SHAPE_POINT);
    CHECK(types_decide_shape_of(session, 3, none, &shape) == TOLLGATE_OK && shape.as.circle.radius == 3);
    CHECK(types_decide_shape_of(session, 8, none, &shape) == TOLLGATE_OK && shape.tag == TYPES_SHAPE_BOX);
    CHECK(shape.as.box.corners.ptr[2] == 8 && !shape.as.box.inner.present);
    tollgate_texts texts;
    CHECK(types_decide_names(session, tollgate_text_of("s"), true, &texts) == TOLLGATE_OK);
    CHECK(texts.len == 2 && tollgate_text_is(texts.ptr[1], "s"));
    CHECK(tollgate_session_by(session).len == 2);
    int64_t seven;
    CHECK(types_decide_nothing(session, &seven) == TOLLGATE_OK && seven == 7);
}

static void refused(tollgate_session *session)
{
    types_everything it = filled(), out;
    it.count = 1001;
    CHECK(types_decide_same(session, &it, &out) == TOLLGATE_REFUSED && strstr(tollgate_error(), "count"));
    CHECK(tollgate_session_by(session).len == 0);
    it = filled();
    it.colour = 3;
    CHECK(types_decide_same(session, &it, &out) == TOLLGATE_REFUSED && strstr(tollgate_error(), "no variant 3"));
    it = filled();
    it.text = tollgate_text_of("\xff");
    CHECK(types_decide_same(session, &it, &out) == TOLLGATE_REFUSED && strstr(tollgate_error(), "UTF-8"));
    it = filled();
    it.sizes.ptr = NULL;
    CHECK(types_decide_same(session, &it, &out) == TOLLGATE_REFUSED && strstr(tollgate_error(), "null"));
    it = filled();
    it.sizes.len = SIZE_MAX;
    CHECK(types_decide_same(session, &it, &out) == TOLLGATE_REFUSED && strstr(tollgate_error(), "at most 8"));
    it = filled();
    it.rate.per_us = 0;
    CHECK(types_decide_same(session, &it, &out) == TOLLGATE_REFUSED);
    it = filled();
    it.path = tollgate_text_of(NULL);
    CHECK(types_decide_same(session, &it, &out) == TOLLGATE_REFUSED && strstr(tollgate_error(), "missing"));
    it = filled();
    it.ratio = 0.0 / 0.0;
    CHECK(types_decide_same(session, &it, &out) == TOLLGATE_REFUSED);
}

static void misused(tollgate_session *session)
{
    tollgate_text decision;
    int64_t value;
    CHECK(tollgate_session_decide(session, 99, NULL, &value) == TOLLGATE_MISUSED);
    CHECK(strstr(tollgate_error(), "none of number 99"));
    CHECK(tollgate_session_decide(NULL, 0, NULL, &value) == TOLLGATE_MISUSED);
    CHECK(tollgate_session_decide(session, TYPES_ENTRY_NOTHING, NULL, NULL) == TOLLGATE_MISUSED);
    CHECK(tollgate_session_decide(session, TYPES_ENTRY_NAMES, NULL, &value) == TOLLGATE_MISUSED);
    types_everything out;
    CHECK(types_decide_same(session, NULL, &out) == TOLLGATE_MISUSED && strstr(tollgate_error(), "`it`"));
    CHECK(tollgate_session_decide_json(session, TYPES_ENTRY_NAMES, "{", 1, &decision) == TOLLGATE_REFUSED);
    CHECK(tollgate_session_decide_json(session, TYPES_ENTRY_NAMES, NULL, 1, &decision) == TOLLGATE_MISUSED);
    CHECK(tollgate_program_data(program, "tenants", "{}", 2) == TOLLGATE_MISUSED);
    CHECK(tollgate_program_load(&types_image, TYPES_SCHEMA_HASH + 1) == NULL && strstr(tollgate_error(), "header"));
    CHECK(tollgate_program_load(NULL, 0) == NULL);
    CHECK(tollgate_session_new(NULL) == NULL);
    CHECK(tollgate_session_call(session, tollgate_text_of("d1"), 1) == TOLLGATE_OK);
    CHECK(tollgate_session_by(NULL).len == 0);
    tollgate_session_free(NULL);
    tollgate_program_free(NULL);
}

static void *thread(void *unused)
{
    (void)unused;
    tollgate_session *session = tollgate_session_new(program);
    CHECK(session != NULL);
    for (int i = 0; i < 200; i++) {
        round_trip(session);
        several(session);
    }
    refused(session);
    tollgate_session_free(session);
    return NULL;
}

int main(void)
{
    program = types_program_load();
    CHECK(program != NULL);
    tollgate_session *session = tollgate_session_new(program);
    CHECK(session != NULL);
    round_trip(session);
    several(session);
    refused(session);
    misused(session);

    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, thread, NULL) == 0);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    /* A session keeps what it needs of its program. */
    tollgate_program_free(program);
    round_trip(session);
    tollgate_session_free(session);
    return 0;
}
