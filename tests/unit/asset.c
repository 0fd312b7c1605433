/* The tracker and its neighbours as replies: what is sent, in which form, and when it is not. */

#define ZLIB_CONST
#include "collector/asset.h"

#include <zlib.h>

#include "common/macros.h"
#include "tests/test.h"
#include "tests/unit/reply.h"

static const struct str NONE = {NULL, 0};

static void the_tracker_is_sent_as_asked_for(void **state)
{
    (void)state;
    struct asset asset = asset_tracker();
    struct http_reply plain, gzip;
    asset_reply(&asset, NONE, NONE, &plain);
    asset_reply(&asset, NONE, STR_LIT("gzip, br"), &gzip);
    assert_int_equal(plain.status, 200);
    assert_int_equal(gzip.status, 200);
    assert_true(str_eq(plain.content_type, STR_LIT("text/javascript; charset=utf-8")));
    assert_true(str_starts_with(plain.body, STR_LIT("(()=>{")));
    assert_true(reply_has(&plain, "content-encoding", NULL));
    assert_true(reply_has(&gzip, "content-encoding", "gzip"));
    assert_false(str_eq(reply_header(&plain, "etag"), reply_header(&gzip, "etag")));
    for (int i = 0; i < 2; i++) {
        const struct http_reply *reply = i == 0 ? &plain : &gzip;
        assert_true(reply_has(reply, "cache-control", "public, max-age=86400"));
        assert_true(reply_has(reply, "vary", "Accept-Encoding"));
        assert_true(reply_has(reply, "cross-origin-resource-policy", "cross-origin"));
        assert_true(reply_has(reply, "x-content-type-options", "nosniff"));
        assert_int_equal(*reply_header(reply, "etag").ptr, '"');
    }
}

static void the_compressed_tracker_is_the_tracker(void **state)
{
    (void)state;
    unsigned char plain[8192];
    struct asset asset = asset_tracker();
    z_stream stream = {.next_in = (const Bytef *)asset.gzip.ptr,
                       .avail_in = (uInt)asset.gzip.len,
                       .next_out = plain,
                       .avail_out = sizeof(plain)};
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_true(str_eq((struct str){(char *)plain, stream.total_out}, asset.bytes));
    inflateEnd(&stream);
}

static void a_browser_that_has_it_gets_no_body(void **state)
{
    (void)state;
    struct asset asset = asset_tracker();
    struct http_reply reply;
    asset_reply(&asset, asset.gzip_etag, STR_LIT("gzip"), &reply);
    assert_int_equal(reply.status, 304);
    assert_int_equal(reply.body.len, 0);
    assert_int_equal(reply.content_type.len, 0);
    assert_true(str_eq(reply_header(&reply, "etag"), asset.gzip_etag));
    assert_true(reply_has(&reply, "cache-control", "public, max-age=86400"));
    assert_true(reply_has(&reply, "vary", "Accept-Encoding"));
    assert_true(reply_has(&reply, "content-encoding", NULL));
    /* The other form's tag names other bytes. */
    asset_reply(&asset, asset.etag, STR_LIT("gzip"), &reply);
    assert_int_equal(reply.status, 200);
}

static void what_has_no_compressed_form_is_sent_plain(void **state)
{
    (void)state;
    struct asset asset = asset_optout_style();
    struct http_reply reply;
    asset_reply(&asset, NONE, STR_LIT("gzip"), &reply);
    assert_int_equal(reply.status, 200);
    assert_true(reply_has(&reply, "content-encoding", NULL));
    assert_true(reply_has(&reply, "vary", NULL));
    assert_true(reply_has(&reply, "cross-origin-resource-policy", NULL));
    assert_true(str_eq(reply.body, asset.bytes));
    assert_true(reply.body.len > 0);
}

static void the_statement_about_gpc_follows_the_configuration(void **state)
{
    (void)state;
    struct asset honoured = asset_gpc(true), ignored = asset_gpc(false);
    assert_true(str_contains(honoured.bytes, "\"gpc\":true,\"lastUpdate\":\"20"));
    assert_true(str_contains(ignored.bytes, "\"gpc\":false,\"lastUpdate\":\"20"));
    assert_true(str_eq(honoured.content_type, STR_LIT("application/json")));
    assert_false(str_eq(honoured.etag, ignored.etag));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tracker_is_sent_as_asked_for),
        cmocka_unit_test(the_compressed_tracker_is_the_tracker),
        cmocka_unit_test(a_browser_that_has_it_gets_no_body),
        cmocka_unit_test(what_has_no_compressed_form_is_sent_plain),
        cmocka_unit_test(the_statement_about_gpc_follows_the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
