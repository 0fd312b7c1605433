/* The bytes of the site list's copy: the worked example, every truncation, every flipped bit, and
 * what is whole and still no copy of this version. */

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/site_copy.h"
#include "common/crc32c.h"

static const int64_t WRITTEN_MS = 1795428000000; /* 2026-11-23T10:00:00Z */

static const struct {
    const char *domain, *settings;
} SITES[] = {
    {"a.example", "{\"timezone\":\"UTC\",\"preset\":\"standard\",\"aliases\":[]}"},
    {"b.example", "{\"timezone\":\"Asia/Kolkata\",\"preset\":\"strict\",\"aliases\":"
                  "[\"shop.example\",\"*.b.example\"],\"keep_days\":3,\"keep_months\":12}"},
    {"localhost", "{\"timezone\":\"Europe/Amsterdam\",\"preset\":\"standard\",\"aliases\":[]}"},
};

static struct site *parse(const char *domain, const char *settings)
{
    char error[256];
    struct site *site = site_parse(str_from(domain), str_from(settings), error, sizeof(error));
    assert_non_null(site);
    return site;
}

static struct site_list *list_of(size_t count)
{
    struct site *sites[ARRAY_LEN(SITES)];
    for (size_t i = 0; i < count; i++)
        sites[i] = parse(SITES[i].domain, SITES[i].settings);
    return site_list_new(sites, count);
}

static void make(struct buf *out, size_t count)
{
    struct site_list *list = list_of(count);
    buf_init(out, SITE_COPY_BYTES_MAX);
    site_copy_encode(out, list, WRITTEN_MS);
    site_list_unref(list);
}

/* Judges a copy of the exact size, so that a read past the end is seen; a list that is refused is
 * not given. */
static enum site_copy_verdict judge(const char *ptr, size_t len)
{
    struct site_list *list = NULL;
    int64_t written_ms = -1;
    char *copy = malloc(len + (len == 0));
    assert_non_null(copy);
    memcpy(copy, ptr, len);
    enum site_copy_verdict verdict = site_copy_decode((struct str){copy, len}, &list, &written_ms);
    assert_true((verdict == SITE_COPY_GOOD) == (list != NULL));
    assert_true((verdict == SITE_COPY_GOOD) == (written_ms == WRITTEN_MS));
    site_list_unref(list);
    free(copy);
    return verdict;
}

/* A whole copy with these sites, whatever they are, under a number of them and a version. */
static enum site_copy_verdict judge_sites(uint32_t version, uint32_t count, struct str sites)
{
    struct buf bytes;
    buf_init(&bytes, SITE_COPY_BYTES_MAX);
    buf_append_str(&bytes, STR_LIT("FFSITES\n"));
    buf_append_number(&bytes, version, 4);
    buf_append_number(&bytes, count, 4);
    buf_append_number(&bytes, SITE_COPY_HEADER_BYTES + sites.len + SITE_COPY_CRC_BYTES, 8);
    buf_append_number(&bytes, (uint64_t)WRITTEN_MS, 8);
    buf_append_str(&bytes, sites);
    buf_append_number(&bytes, crc32c(0, bytes.ptr, bytes.len), 4);
    enum site_copy_verdict verdict = judge(bytes.ptr, bytes.len);
    buf_done(&bytes);
    return verdict;
}

static void the_worked_example_is_read(void **state)
{
    (void)state;
    static const unsigned char BYTES[] = {
        0x46, 0x46, 0x53, 0x49, 0x54, 0x45, 0x53, 0x0a, 0x01, 0x00, 0x00, 0x00,
        0x01, 0x00, 0x00, 0x00, 0x2e, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x21, 0xd9, 0x07, 0xa2, 0x01, 0x00, 0x00, 0x04, 0x00, 0x02, 0x00,
        0x61, 0x2e, 0x6e, 0x6c, 0x7b, 0x7d, 0xc0, 0xbe, 0x4a, 0x1e,
    };
    struct site_list *list;
    int64_t written_ms;
    struct str bytes = {(const char *)BYTES, sizeof(BYTES)};
    assert_int_equal(site_copy_decode(bytes, &list, &written_ms), SITE_COPY_GOOD);
    assert_true(written_ms == WRITTEN_MS);
    assert_int_equal(site_list_count(list), 1);
    assert_non_null(site_list_find(list, STR_LIT("a.nl")));
    site_list_unref(list);
}

static void a_list_comes_back_as_it_was(void **state)
{
    (void)state;
    for (size_t count = 0; count <= ARRAY_LEN(SITES); count++) {
        struct buf bytes;
        struct site_list *list;
        int64_t written_ms;
        make(&bytes, count);
        assert_int_equal(site_copy_decode(buf_str(&bytes), &list, &written_ms), SITE_COPY_GOOD);
        assert_true(written_ms == WRITTEN_MS);
        assert_int_equal(site_list_count(list), count);
        for (size_t i = 0; i < count; i++) {
            char *settings = site_format(site_list_at(list, i));
            assert_string_equal(site_list_at(list, i)->domain.ptr, SITES[i].domain);
            assert_string_equal(settings, SITES[i].settings);
            free(settings);
        }
        site_list_unref(list);
        buf_done(&bytes);
    }
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct buf bytes;
    make(&bytes, ARRAY_LEN(SITES));
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(judge(bytes.ptr, len), SITE_COPY_DAMAGED);
    assert_int_equal(judge(bytes.ptr, bytes.len), SITE_COPY_GOOD);
    buf_append_byte(&bytes, 0);
    assert_int_equal(judge(bytes.ptr, bytes.len), SITE_COPY_DAMAGED);
    buf_done(&bytes);
}

static void a_flipped_bit_anywhere_is_refused(void **state)
{
    (void)state;
    struct buf bytes;
    make(&bytes, ARRAY_LEN(SITES));
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        bytes.ptr[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_equal(judge(bytes.ptr, bytes.len), SITE_COPY_DAMAGED);
        bytes.ptr[bit / 8] ^= (char)(1 << bit % 8);
    }
    buf_done(&bytes);
}

static void what_is_whole_and_not_known_is_refused(void **state)
{
    (void)state;
#define A                                                                                          \
    "\x01\x00\x02\x00"                                                                             \
    "a{}"
#define B                                                                                          \
    "\x01\x00\x02\x00"                                                                             \
    "b{}"
    static const struct {
        uint32_t version, count;
        struct str sites;
        enum site_copy_verdict verdict;
    } ROWS[] = {
        {1, 2, STR_LIT(A B), SITE_COPY_GOOD},
        {0, 2, STR_LIT(A B), SITE_COPY_FOREIGN},
        {2, 2, STR_LIT(A B), SITE_COPY_FOREIGN},
        {1, 1, STR_LIT(A B), SITE_COPY_FOREIGN},              /* more than it says */
        {1, 3, STR_LIT(A B), SITE_COPY_FOREIGN},              /* fewer */
        {1, 2, STR_LIT(B A), SITE_COPY_FOREIGN},              /* out of order */
        {1, 2, STR_LIT(A A), SITE_COPY_FOREIGN},              /* twice */
        {1, 2, STR_LIT(A "\x01\x00\x02"), SITE_COPY_FOREIGN}, /* half a length */
        {1, 1,
         STR_LIT("\x01\x00\x03\x00"
                 "a{}"),
         SITE_COPY_FOREIGN}, /* past the end */
        {1, 1,
         STR_LIT("\xff\xff\xff\xff"
                 "a{}"),
         SITE_COPY_FOREIGN},
        {1, 1,
         STR_LIT("\x00\x00\x02\x00"
                 "{}"),
         SITE_COPY_FOREIGN}, /* no domain */
        {1, 1,
         STR_LIT("\x01\x00\x02\x00"
                 "a[]"),
         SITE_COPY_FOREIGN},
        {1, 1,
         STR_LIT("\x01\x00\x09\x00"
                 "a{\"new\":1}"),
         SITE_COPY_FOREIGN},
        {1, 0, STR_LIT(""), SITE_COPY_GOOD},
        {1, SITES_MAX + 1, STR_LIT(A B), SITE_COPY_FOREIGN},
        {1, UINT32_MAX, STR_LIT(A B), SITE_COPY_FOREIGN},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        enum site_copy_verdict verdict = judge_sites(ROWS[i].version, ROWS[i].count, ROWS[i].sites);
        if (verdict != ROWS[i].verdict)
            fail_msg("row %zu: %d", i, (int)verdict);
    }
#undef A
#undef B
}

/* As many sites as there may be: one less is read, one more is not. */
static void a_list_has_as_many_sites_as_may_be(void **state)
{
    (void)state;
    for (size_t count = SITES_MAX - 1; count <= SITES_MAX + 1; count++) {
        struct buf sites;
        buf_init(&sites, SITE_COPY_BYTES_MAX);
        for (size_t i = 0; i < count; i++) {
            buf_append_number(&sites, 6, 2);
            buf_append_number(&sites, 2, 2);
            buf_printf(&sites, "s%05zu{}", i);
        }
        assert_int_equal(judge_sites(1, (uint32_t)count, buf_str(&sites)),
                         count <= SITES_MAX ? SITE_COPY_GOOD : SITE_COPY_FOREIGN);
        buf_done(&sites);
    }
}

/* The bound of the file is that of a list of such sites. */
static void the_largest_site_fits_its_share(void **state)
{
    (void)state;
    static const char *const LABELS =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    char domain[254], error[256];
    struct buf settings, bytes;
    snprintf(domain, sizeof(domain), "%.61s.%s.%s.%s", LABELS, LABELS, LABELS, LABELS);
    buf_init(&settings, SITE_SETTINGS_BYTES_MAX);
    buf_append_str(&settings, STR_LIT("{\"timezone\":\"America/Argentina/ComodRivadavia\","
                                      "\"preset\":\"standard\",\"keep_days\":240,"
                                      "\"keep_months\":239,\"aliases\":["));
    for (int i = 0; i < SITE_ALIASES_MAX; i++)
        buf_printf(&settings, "%s\"*.%s\"", i == 0 ? "" : ",", domain);
    buf_append_str(&settings, STR_LIT("]}"));
    struct site *site = site_parse(str_from(domain), buf_str(&settings), error, sizeof(error));
    if (site == NULL)
        fail_msg("%s", error);
    struct site_list *list = site_list_new(&site, 1);
    buf_init(&bytes,
             SITE_COPY_HEADER_BYTES + SITE_COPY_CRC_BYTES + SITE_COPY_BYTES_MAX / SITES_MAX);
    site_copy_encode(&bytes, list, WRITTEN_MS);
    assert_int_equal(judge(bytes.ptr, bytes.len), SITE_COPY_GOOD);
    site_list_unref(list);
    buf_done(&bytes);
    buf_done(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_example_is_read),
        cmocka_unit_test(a_list_comes_back_as_it_was),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(a_flipped_bit_anywhere_is_refused),
        cmocka_unit_test(what_is_whole_and_not_known_is_refused),
        cmocka_unit_test(a_list_has_as_many_sites_as_may_be),
        cmocka_unit_test(the_largest_site_fits_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
