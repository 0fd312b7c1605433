/* If-None-Match and Accept-Encoding: what makes a file be left out, or be sent compressed. */

#include "common/negotiate.h"

#include "common/macros.h"
#include "tests/test.h"

static void an_etag_matches_as_the_standard_says(void **state)
{
    (void)state;
    static const struct {
        const char *header, *etag;
        bool matches;
    } rows[] = {
        {"\"a\"", "\"a\"", true},
        {"\"b\"", "\"a\"", false},
        {"\"b\", \"a\"", "\"a\"", true},
        {"\"b\",\"a\"", "\"a\"", true},
        {" W/\"a\" ", "\"a\"", true},
        {"\"a\"", "W/\"a\"", true},
        {"*", "\"a\"", true},
        {"a", "\"a\"", false},
        {"\"a", "\"a\"", false},
        {"", "\"a\"", false},
        {",,", "\"a\"", false},
        {"\"a-gzip\"", "\"a\"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (negotiate_etag_matches(str_from(rows[i].header), str_from(rows[i].etag)) !=
            rows[i].matches)
            fail_msg("%s against %s", rows[i].header, rows[i].etag);
    assert_false(negotiate_etag_matches((struct str){NULL, 0}, STR_LIT("\"a\"")));
}

static void gzip_is_taken_when_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        bool gzip;
    } rows[] = {
        {"gzip", true},
        {"gzip, deflate, br, zstd", true},
        {"deflate, GZIP", true},
        {"br,gzip;q=0.5", true},
        {"x-gzip", true},
        {"*", true},
        {"gzip;q=0.001", true},
        {"gzip;q=0", false},
        {"gzip; q=0.000", false},
        {"gzip ; Q=0", false},
        {"*;q=0", false},
        {"*, gzip;q=0", false},
        {"gzip;q=0, *", false},
        {"identity", false},
        {"", false},
        {"gzipped", false},
        {"br;q=0, gzip", true},
        {"gzip;q=", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (negotiate_gzip(str_from(rows[i].header)) != rows[i].gzip)
            fail_msg("%s", rows[i].header);
    assert_false(negotiate_gzip((struct str){NULL, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_etag_matches_as_the_standard_says),
        cmocka_unit_test(gzip_is_taken_when_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
