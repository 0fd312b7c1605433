/* Answers to other tools' clients: each status, each body, and that nothing tells a refusal. */

#include "collector/compat_reply.h"

#include <jansson.h>

#include "tests/test.h"

static char body[COMPAT_REPLY_BYTES_MAX];
static struct http_reply reply;

static const char *header(const char *name)
{
    static char value[300];
    for (size_t i = 0; i < reply.header_count; i++) {
        if (!str_eq(reply.headers[i].name, str_from(name)))
            continue;
        assert_true(reply.headers[i].value.len < sizeof(value));
        memcpy(value, reply.headers[i].value.ptr, reply.headers[i].value.len);
        value[reply.headers[i].value.len] = '\0';
        return value;
    }
    return NULL;
}

static void expect_header(const char *name, const char *expected)
{
    const char *value = header(name);
    if (expected == NULL)
        assert_null(value);
    else
        assert_string_equal(value, expected);
}

static void make(enum compat_api api, struct compat_result result)
{
    memset(&reply, 0x5a, sizeof(reply));
    compat_reply_make(api, &result, body, &reply);
    assert_false(reply.close);
    expect_header("access-control-allow-origin", "*");
    expect_header("cache-control", "no-store");
}

static void each_fate_has_its_status(void **state)
{
    (void)state;
    static const int STATUSES[COMPAT_API__COUNT][COMPAT_FATE__COUNT] = {
        {[COMPAT_ACCEPTED] = 202,
         [COMPAT_DROPPED] = 202,
         [COMPAT_SILENT] = 202,
         [COMPAT_UNKNOWN_SITE] = 202,
         [COMPAT_MALFORMED] = 400,
         [COMPAT_TOO_LARGE] = 413,
         [COMPAT_NO_ROOM] = 503,
         [COMPAT_TOO_EARLY] = 503},
        {[COMPAT_ACCEPTED] = 200,
         [COMPAT_DROPPED] = 200,
         [COMPAT_SILENT] = 200,
         [COMPAT_UNKNOWN_SITE] = 400,
         [COMPAT_MALFORMED] = 400,
         [COMPAT_TOO_LARGE] = 413,
         [COMPAT_NO_ROOM] = 503,
         [COMPAT_TOO_EARLY] = 503},
        {[COMPAT_ACCEPTED] = 200,
         [COMPAT_DROPPED] = 200,
         [COMPAT_SILENT] = 200,
         [COMPAT_UNKNOWN_SITE] = 404,
         [COMPAT_MALFORMED] = 400,
         [COMPAT_TOO_LARGE] = 413,
         [COMPAT_NO_ROOM] = 503,
         [COMPAT_TOO_EARLY] = 503},
    };
    for (int api = 0; api < COMPAT_API__COUNT; api++)
        for (int fate = 0; fate < COMPAT_FATE__COUNT; fate++) {
            make((enum compat_api)api,
                 (struct compat_result){.fate = (enum compat_fate)fate, .status = BEACON_NO_URL});
            assert_int_equal(reply.status, STATUSES[api][fate]);
        }
}

static void plausible_answers(void **state)
{
    (void)state;
    make(COMPAT_PLAUSIBLE, (struct compat_result){.fate = COMPAT_ACCEPTED});
    assert_true(str_eq(reply.body, STR_LIT("ok")));
    expect_header("x-plausible-dropped", NULL);
    expect_header("x-footfall-dropped", NULL);
    make(COMPAT_PLAUSIBLE,
         (struct compat_result){
             .fate = COMPAT_DROPPED, .has_reason = true, .reason = DROP_BOT, .not_counted = 1});
    assert_true(str_eq(reply.body, STR_LIT("ok")));
    expect_header("x-plausible-dropped", "1");
    expect_header("x-footfall-dropped", "bot");
    make(COMPAT_PLAUSIBLE,
         (struct compat_result){.fate = COMPAT_ACCEPTED, .not_counted = COMPAT_SITES_MAX});
    expect_header("x-plausible-dropped", "8");
    make(COMPAT_PLAUSIBLE, (struct compat_result){.fate = COMPAT_UNKNOWN_SITE, .not_counted = 1});
    assert_true(str_eq(reply.body, STR_LIT("ok")));
    expect_header("x-plausible-dropped", "1");
    expect_header("x-footfall-dropped", NULL);
}

static void umami_answers(void **state)
{
    (void)state;
    json_error_t error;
    make(COMPAT_UMAMI, (struct compat_result){.fate = COMPAT_ACCEPTED});
    json_t *json = json_loadb(reply.body.ptr, reply.body.len, 0, &error);
    assert_string_equal(json_string_value(json_object_get(json, "cache")), "");
    assert_int_equal(json_string_length(json_object_get(json, "sessionId")), 36);
    assert_int_equal(json_string_length(json_object_get(json, "visitId")), 36);
    json_decref(json);
    make(COMPAT_UMAMI,
         (struct compat_result){
             .fate = COMPAT_DROPPED, .has_reason = true, .reason = DROP_FOREIGN, .not_counted = 1});
    assert_true(str_eq(reply.body, STR_LIT("{\"beep\":\"boop\"}")));
    expect_header("x-footfall-dropped", "foreign_origin");
    expect_header("x-plausible-dropped", NULL);
}

static void goatcounter_answers_with_a_picture(void **state)
{
    (void)state;
    static const enum compat_fate FATES[] = {COMPAT_ACCEPTED, COMPAT_DROPPED};
    for (size_t i = 0; i < ARRAY_LEN(FATES); i++) {
        make(COMPAT_GOATCOUNTER, (struct compat_result){.fate = FATES[i]});
        assert_int_equal(reply.body.len, 43);
        assert_memory_equal(reply.body.ptr, "GIF89a", 6);
        assert_true(str_eq(reply.content_type, STR_LIT("image/gif")));
        expect_header("cross-origin-resource-policy", "cross-origin");
        expect_header("x-goatcounter", NULL);
    }
}

static bool is_sentence(const json_t *value)
{
    size_t len = json_string_length(value);
    return len > 10 && json_string_value(value)[len - 1] == '.';
}

/* Each fault, in each tool's words: JSON that holds a sentence. */
static void every_fault_is_told(void **state)
{
    (void)state;
    for (int api = 0; api < COMPAT_API__COUNT; api++)
        for (int status = 1; status < BEACON__COUNT; status++) {
            json_error_t error;
            make((enum compat_api)api,
                 (struct compat_result){.fate = COMPAT_MALFORMED,
                                        .status = (enum beacon_status)status});
            json_t *json = json_loadb(reply.body.ptr, reply.body.len, 0, &error);
            assert_non_null(json);
            if (api == COMPAT_PLAUSIBLE) {
                json_t *errors = json_object_get(json, "errors");
                json_t *list = json_object_iter_value(json_object_iter(errors));
                assert_int_equal(json_object_size(errors), 1);
                assert_true(is_sentence(json_array_get(list, 0)));
            } else if (api == COMPAT_UMAMI) {
                json_t *told = json_object_get(json, "error");
                assert_true(is_sentence(json_object_get(told, "message")));
                assert_string_equal(json_string_value(json_object_get(told, "code")),
                                    "bad-request");
                assert_int_equal(json_integer_value(json_object_get(told, "status")), 400);
            } else {
                assert_true(is_sentence(json_object_get(json, "error")));
                expect_header("x-goatcounter", beacon_status_sentence((enum beacon_status)status));
            }
            json_decref(json);
        }
}

static void any_page_may_send(void **state)
{
    (void)state;
    compat_reply_preflight(&reply);
    assert_int_equal(reply.status, 204);
    expect_header("access-control-allow-origin", "*");
    expect_header("access-control-allow-methods", "GET, POST");
    expect_header("access-control-allow-headers", "content-type, x-umami-cache");
    expect_header("access-control-max-age", "86400");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fate_has_its_status),
        cmocka_unit_test(plausible_answers),
        cmocka_unit_test(umami_answers),
        cmocka_unit_test(goatcounter_answers_with_a_picture),
        cmocka_unit_test(every_fault_is_told),
        cmocka_unit_test(any_page_may_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
