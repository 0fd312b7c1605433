/* Lines of access logs: what is read of each format, and what is no line. */

#include "collector/access_log.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/limits.h"
#include "tests/test.h"

#define S(text) STR_LIT(text)
#define AGENT "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
#define TIME "[17/May/2015:10:05:03 +0000]"
/* 2015-05-17T10:05:03Z. */
#define AT INT64_C(1431857103000)

static const struct access_rules RULES = {.honour_gpc = true, .honour_dnt = true};

static struct access_reader *reader_of(enum access_format format)
{
    return access_reader_new(format, &RULES);
}

static void assert_str(struct str actual, const char *expected)
{
    assert_int_equal(actual.len, strlen(expected));
    assert_memory_equal(actual.ptr, expected, actual.len);
}

static void a_combined_line(void **state)
{
    struct access_reader *reader = reader_of(ACCESS_AUTO);
    struct access_line line;
    (void)state;
    assert_true(access_read(reader,
                            S("83.149.9.216 - frank [17/May/2015:10:05:03 +0000] \"GET /a?b=c "
                              "HTTP/1.1\" 200 203023 \"http://example.com/x\" \"" AGENT "\" 12 ms"),
                            &line));
    assert_int_equal(access_reader_format(reader), ACCESS_COMBINED);
    assert_true(line.time_ms == AT && line.status == 200 && !line.refused);
    assert_str(line.method, "GET");
    assert_str(line.target, "/a?b=c");
    assert_str(line.referrer, "http://example.com/x");
    assert_str(line.user_agent, AGENT);
    assert_str(line.host, "");
    assert_true(line.address.family == 4 && line.address.bytes[0] == 83);
    access_reader_free(reader);
}

static void what_servers_escape_is_undone(void **state)
{
    struct access_reader *reader = reader_of(ACCESS_COMBINED);
    struct access_line line;
    (void)state;
    assert_true(access_read(reader,
                            S("::1 - - " TIME " \"GET /caf\\xc3\\xa9\\\\ HTTP/1.1\" 304 - \"-\" "
                              "\"say \\\"hi\\\" \\x22 \\q \\x2\""),
                            &line));
    assert_str(line.target, "/caf\xc3\xa9\\");
    assert_str(line.user_agent, "say \"hi\" \" \\q \\x2");
    assert_str(line.referrer, "");
    assert_int_equal(line.address.family, 6);
    access_reader_free(reader);
}

static void requests_of_all_kinds(void **state)
{
    static const struct {
        const char *request, *method, *target;
    } CASES[] = {
        {"GET / HTTP/1.0", "GET", "/"},
        {"GET /", "GET", "/"}, /* HTTP/0.9 */
        {"GET /a b HTTP/1.1", "GET", "/a b"},
        {"GET /a HTTP /b", "GET", "/a HTTP /b"},
        {"OPTIONS * HTTP/1.1", "OPTIONS", "*"},
        {"-", "", ""},
        {"", "", ""},
        {"\\x16\\x03\\x01", "\x16\x03\x01", ""},
    };
    struct access_reader *reader = reader_of(ACCESS_COMBINED);
    struct access_line line;
    char text[300];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        int len = snprintf(text, sizeof(text), "1.2.3.4 - - " TIME " \"%s\" 200 1 \"-\" \"a\"",
                           CASES[i].request);
        assert_true(access_read(reader, (struct str){text, (size_t)len}, &line));
        assert_str(line.method, CASES[i].method);
        assert_str(line.target, CASES[i].target);
    }
    access_reader_free(reader);
}

static void times_of_all_zones(void **state)
{
    static const struct {
        const char *time;
        int64_t at_ms; /* -1: none */
    } CASES[] = {
        {"17/May/2015:12:05:03 +0200", AT},
        {"17/May/2015:04:35:03 -0530", AT},
        {"31/Dec/2016:23:59:60 +0000", INT64_C(1483228800000)}, /* a leap second */
        {"29/Feb/2016:00:00:00 +0000", INT64_C(1456704000000)},
        {"29/Feb/2015:00:00:00 +0000", -1},
        {"00/May/2015:00:00:00 +0000", -1},
        {"17/may/2015:00:00:00 +0000", -1},
        {"17/May/2015:24:00:00 +0000", -1},
        {"17/May/2015:10:60:00 +0000", -1},
        {"17/May/2015:10:00:61 +0000", -1},
        {"17/May/2015:10:00:00 +0060", -1},
        {"17/May/2015:10:00:00 0000", -1},
        {"17/May/1969:10:00:00 +0000", -1},
        {"17/May/2015:10:00:00", -1},
        {"2015-05-17T10:05:03+00:00", -1},
        {"", -1},
    };
    struct access_reader *reader = reader_of(ACCESS_COMBINED);
    struct access_line line;
    char text[300];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        int len = snprintf(text, sizeof(text),
                           "1.2.3.4 - - [%s] \"GET / HTTP/1.1\" 200 1 \"-\" \"a\"", CASES[i].time);
        bool good = access_read(reader, (struct str){text, (size_t)len}, &line);
        assert_int_equal(good, CASES[i].at_ms >= 0);
        if (good)
            assert_true(line.time_ms == CASES[i].at_ms);
    }
    access_reader_free(reader);
}

static void a_vhost_line(void **state)
{
    struct access_reader *reader = reader_of(ACCESS_AUTO);
    struct access_line line;
    (void)state;
    assert_true(access_read(
        reader,
        S("WWW.Example.com:443 192.0.2.7 - - " TIME " \"GET / HTTP/1.1\" 200 1 \"-\" \"a\""),
        &line));
    assert_int_equal(access_reader_format(reader), ACCESS_VHOST);
    assert_str(line.host, "www.example.com");
    assert_true(access_read(
        reader, S("[2001:db8::1]:80 192.0.2.7 - - " TIME " \"GET / HTTP/1.1\" 200 1 \"-\" \"a\""),
        &line));
    assert_str(line.host, "2001:db8::1");
    access_reader_free(reader);
}

static void a_caddy_line(void **state)
{
    struct access_reader *reader = reader_of(ACCESS_AUTO);
    struct access_line line;
    (void)state;
    assert_true(access_read(
        reader,
        S("{\"ts\":1431857103.9,\"request\":{\"remote_ip\":\"10.0.0.1\",\"client_ip\":"
          "\"2001:db8::7\",\"method\":\"GET\",\"host\":\"Example.com:8443\",\"uri\":\"/a?b\","
          "\"headers\":{\"User-Agent\":[\"x\"],\"referer\":[\"http://r.example/\"],"
          "\"Accept-Language\":[\"nl\"],\"Cookie\":[\"REDACTED\"],\"Sec-Purpose\":[\"prefetch\"]}},"
          "\"status\":200,\"resp_headers\":{\"Content-Type\":[\"text/html\"]}}"),
        &line));
    assert_int_equal(access_reader_format(reader), ACCESS_CADDY);
    assert_true(line.time_ms == AT + 900 && line.status == 200 && !line.refused);
    assert_str(line.host, "example.com");
    assert_str(line.target, "/a?b");
    assert_str(line.user_agent, "x");
    assert_str(line.referrer, "http://r.example/");
    assert_str(line.language, "nl");
    assert_str(line.content_type, "text/html");
    assert_str(line.ahead.sec_purpose, "prefetch");
    assert_true(line.address.family == 6);
    access_reader_free(reader);
}

/* One Caddy line with these headers and this time. */
static bool read_caddy(const struct access_rules *rules, const char *ts, const char *headers,
                       struct access_line *line)
{
    struct access_reader *reader = access_reader_new(ACCESS_CADDY, rules);
    char text[1000];
    int len = snprintf(text, sizeof(text),
                       "{\"ts\":%s,\"request\":{\"remote_addr\":\"192.0.2.7:4711\",\"method\":"
                       "\"GET\",\"uri\":\"/\",\"headers\":{%s}},\"status\":200}",
                       ts, headers);
    bool good = access_read(reader, (struct str){text, (size_t)len}, line);
    access_reader_free(reader);
    return good;
}

static void caddy_tells_who_has_refused(void **state)
{
    static const struct {
        const char *headers;
        bool refused, refused_where_signals_are_off;
    } CASES[] = {
        {"", false, false},
        {"\"Sec-Gpc\":[\"1\"]", true, false},
        {"\"sec-gpc\":[\"0\",\"1\"]", true, false},
        {"\"Dnt\":[\"1\"]", true, false},
        {"\"Dnt\":[\"0\"]", false, false},
        {"\"Cookie\":[\"a=b; footfall_optout=1\"]", true, true},
        {"\"Cookie\":[\"footfall_optout=0\"]", false, false},
        {"\"Cookie\":[\"REDACTED\"]", false, false},
    };
    const struct access_rules off = {0};
    struct access_line line;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        assert_true(read_caddy(&RULES, "1", CASES[i].headers, &line));
        assert_int_equal(line.refused, CASES[i].refused);
        assert_true(read_caddy(&off, "1", CASES[i].headers, &line));
        assert_int_equal(line.refused, CASES[i].refused_where_signals_are_off);
    }
}

static void caddy_tells_time_in_several_ways(void **state)
{
    static const struct {
        const char *ts;
        int64_t at_ms; /* -1: none */
    } CASES[] = {
        {"1431857103", AT},
        {"\"2015-05-17T10:05:03Z\"", AT},
        {"\"2015-05-17T12:05:03.123+02:00\"", AT},
        {"\"2015-05-17T12:05:03+0200\"", AT},
        {"\"2015/05/17 10:05:03.5\"", AT},
        {"\"2015/05/17 10:05:03\"", AT},
        {"-1", -1},
        {"1e300", -1},
        {"null", -1},
        {"\"\"", -1},
        {"\"2015-05/17 10:05:03\"", -1},
        {"\"2015-05-17T10:05:03+1\"", -1},
        {"\"2015-02-30T10:05:03Z\"", -1},
    };
    struct access_line line;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        bool good = read_caddy(&RULES, CASES[i].ts, "", &line);
        assert_int_equal(good, CASES[i].at_ms >= 0);
        if (good)
            assert_true(line.time_ms == CASES[i].at_ms);
    }
}

static void anything_else_is_no_line(void **state)
{
    static const struct {
        enum access_format format;
        const char *line;
    } BAD[] = {
        {ACCESS_AUTO, ""},
        {ACCESS_AUTO, "# Fields: date time"},
        {ACCESS_AUTO, "host.example - - " TIME " \"GET / HTTP/1.1\" 200 1 \"-\" \"a\""},
        {ACCESS_COMBINED, "1.2.3.4 - - " TIME " \"GET / HTTP/1.1\" 200 1"}, /* common */
        {ACCESS_COMBINED, "1.2.3.4 - - " TIME " \"GET / HTTP/1.1\" 200 1 \"-\" \"a"},
        {ACCESS_COMBINED, "1.2.3.4 - - " TIME " \"GET / HTTP/1.1\" 200 1 \"-\" \"a\\\""},
        {ACCESS_COMBINED, "1.2.3.4 - - " TIME " \"GET / HTTP/1.1\" 20 1 \"-\" \"a\""},
        {ACCESS_COMBINED, "1.2.3.4 - - " TIME " \"GET / HTTP/1.1\" 099 1 \"-\" \"a\""},
        {ACCESS_COMBINED, "1.2.3.4 - - " TIME " \"GET / HTTP/1.1\" 200 x \"-\" \"a\""},
        {ACCESS_COMBINED, "1.2.3.400 - - " TIME " \"GET / HTTP/1.1\" 200 1 \"-\" \"a\""},
        {ACCESS_CADDY, "{}"},
        {ACCESS_CADDY, "[1]"},
        {ACCESS_CADDY, "{\"request\":{\"remote_ip\":\"1.2.3.4\"},\"status\":200}"},
        {ACCESS_CADDY, "{\"ts\":1,\"request\":{\"remote_ip\":\"x\"},\"status\":200}"},
        {ACCESS_CADDY, "{\"ts\":1,\"request\":{\"remote_ip\":\"1.2.3.4\"},\"status\":99}"},
        {ACCESS_CADDY, "{\"ts\":1,\"request\":{\"remote_ip\":\"1.2.3.4\"},\"status\":200"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct access_reader *reader = reader_of(BAD[i].format);
        struct access_line line;
        assert_false(access_read(reader, str_from(BAD[i].line), &line));
        assert_int_equal(access_reader_format(reader), BAD[i].format);
        access_reader_free(reader);
    }
}

static void a_line_has_a_cap(void **state)
{
    static const char HEAD[] = "1.2.3.4 - - " TIME " \"GET /",
                      TAIL[] = " HTTP/1.1\" 200 1 \"-\" \"a\"";
    struct access_reader *reader = reader_of(ACCESS_COMBINED);
    struct access_line line;
    char *text = malloc(IMPORT_LINE_BYTES_MAX + 1);
    (void)state;
    for (size_t len = IMPORT_LINE_BYTES_MAX - 1; len <= IMPORT_LINE_BYTES_MAX + 1; len++) {
        memset(text, '\\', len); /* escapes fill the reader's memory */
        memcpy(text, HEAD, sizeof(HEAD) - 1);
        text[len - sizeof(TAIL)] = 'x';
        memcpy(text + len - (sizeof(TAIL) - 1), TAIL, sizeof(TAIL) - 1);
        assert_int_equal(access_read(reader, (struct str){text, len}, &line),
                         len <= IMPORT_LINE_BYTES_MAX);
    }
    free(text);
    access_reader_free(reader);
}

static void formats_have_names(void **state)
{
    (void)state;
    for (int i = 0; i < ACCESS__COUNT; i++) {
        enum access_format format;
        assert_true(
            access_format_from_name(str_from(access_format_name((enum access_format)i)), &format));
        assert_int_equal(format, i);
    }
    enum access_format format = ACCESS_CADDY;
    assert_false(access_format_from_name(S("iis"), &format));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_combined_line),
        cmocka_unit_test(what_servers_escape_is_undone),
        cmocka_unit_test(requests_of_all_kinds),
        cmocka_unit_test(times_of_all_zones),
        cmocka_unit_test(a_vhost_line),
        cmocka_unit_test(a_caddy_line),
        cmocka_unit_test(caddy_tells_who_has_refused),
        cmocka_unit_test(caddy_tells_time_in_several_ways),
        cmocka_unit_test(anything_else_is_no_line),
        cmocka_unit_test(a_line_has_a_cap),
        cmocka_unit_test(formats_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
