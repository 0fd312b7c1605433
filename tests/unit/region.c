/* Countries and regions from databases made here, and from MaxMind's test databases where the
 * folder with them stands beside the checkout. */

#include "collector/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mmdb_writer.h"

static const uint64_t BUILT_S = 1700000000;

static const struct mmdb_row NESTED_ROWS[] = {
    {"81.2.69.0/24", "GB", "ENG"},   {"145.97.0.0/16", "NL", "NH"}, {"8.8.8.8/32", "US", NULL},
    {"5.1.0.0/16", NULL, "NH"},      {"5.2.0.0/16", "nl", "NH"},    {"5.3.0.0/16", "NLD", "NH"},
    {"5.4.0.0/16", "", ""},          {"5.5.0.0/16", "ZZ", NULL},    {"5.6.0.0/16", "NL", "n h"},
    {"5.7.0.0/16", "NL", "ABCD"},    {"5.8.0.0/16", "NL", ""},      {"10.0.0.0/8", "XX", "SEC"},
    {"203.0.113.0/24", "XX", "DOC"}, {"2001:218::/32", "JP", "13"}, {"2001:db8::/32", "XX", "DOC"},
};

static const struct mmdb_row FLAT_IPV4_ROWS[] = {
    {"81.2.69.0/24", "GB", "England"},
    {"145.97.0.0/16", "NL", "North Holland"},
    {"145.98.0.0/16", "CH", "Zürich"},
    {"5.1.0.0/16", "NL", ""},
    {"5.2.0.0/16", "NL", "line\nbreak"},
    {"5.3.0.0/16", "NL", "\xff\xfe"},
    {"5.4.0.0/16", "NL",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {"5.5.0.0/16", "NL", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xbc"},
};

static const struct mmdb_row FLAT_IPV6_ROWS[] = {
    {"2001:218::/32", "JP", "Tokyo"},
    {"2a00::/12", "NL", NULL},
};

/* --- Files --------------------------------------------------------------------------------------
 */

static char folder[] = "/tmp/footfall-region-XXXXXX";

/* A path in this run's folder; valid until the fourth next call. */
static const char *path_of(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    DIR *dir = opendir(folder);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    (void)closedir(dir);
    return rmdir(folder);
}

static void write_bytes(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static struct mmdb_options nested_options(void)
{
    return (struct mmdb_options){.ip_version = 6,
                                 .record_bits = 24,
                                 .schema = MMDB_NESTED,
                                 .built_s = BUILT_S,
                                 .rows = NESTED_ROWS,
                                 .row_count = ARRAY_LEN(NESTED_ROWS)};
}

static const char *nested_file(void)
{
    const char *path = path_of("nested.mmdb");
    struct mmdb_options options = nested_options();
    mmdb_write(path, &options);
    return path;
}

static struct region_database *open_files(const char *const *paths, size_t count)
{
    char error[256] = "";
    struct region_database *database = region_database_open(paths, count, error, sizeof(error));
    if (database == NULL)
        fail_msg("%s", error);
    return database;
}

static struct region find(const struct region_database *database, const char *text)
{
    struct client_address address = {.family = strchr(text, ':') == NULL ? 4 : 6};
    assert_int_equal(inet_pton(address.family == 4 ? AF_INET : AF_INET6, text, address.bytes), 1);
    struct region region;
    memset(&region, 'x', sizeof(region));
    region_lookup(database, &address, &region);
    return region;
}

struct found_row {
    const char *address, *country, *region;
};

static void assert_found(const struct region_database *database, const struct found_row *rows,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct region got = find(database, rows[i].address);
        if (strcmp(got.country, rows[i].country) != 0 || strcmp(got.region, rows[i].region) != 0)
            fail_msg("%s is in '%s' '%s'", rows[i].address, got.country, got.region);
    }
}

static void assert_refused(const char *path, const char *reason)
{
    char error[512] = "";
    struct region_database *database = region_database_open(&path, 1, error, sizeof(error));
    region_database_unref(database);
    if (database != NULL)
        fail_msg("%s was opened", path);
    size_t len = strlen(error);
    assert_true(len > 0 && error[len - 1] == '.');
    assert_non_null(strstr(error, path));
    if (strstr(error, reason) == NULL)
        fail_msg("%s", error);
}

/* --- Lookups ------------------------------------------------------------------------------------
 */

static void the_nested_schema_gives_iso_codes(void **state)
{
    (void)state;
    static const struct found_row ROWS[] = {
        {"81.2.69.142", "GB", "GB-ENG"},
        {"145.97.1.2", "NL", "NL-NH"},
        {"2001:218::1", "JP", "JP-13"},
        {"8.8.8.8", "US", ""},
        {"8.8.8.9", "", ""},
        {"81.2.68.255", "", ""},
        {"81.2.70.0", "", ""},
        {"2001:219::1", "", ""},
        /* A record without a country, or with something else for one. */
        {"5.1.0.1", "", ""},
        {"5.2.0.1", "", ""},
        {"5.3.0.1", "", ""},
        {"5.4.0.1", "", ""},
        {"5.5.0.1", "", ""},
        /* A region that is no code. */
        {"5.6.0.1", "NL", ""},
        {"5.7.0.1", "NL", ""},
        {"5.8.0.1", "NL", ""},
    };
    for (unsigned bits = 24; bits <= 32; bits += 4) {
        const char *path = path_of("nested.mmdb");
        struct mmdb_options options = nested_options();
        options.record_bits = bits;
        mmdb_write(path, &options);
        struct region_database *database = open_files(&path, 1);
        assert_found(database, ROWS, ARRAY_LEN(ROWS));
        region_database_unref(database);
    }
}

static void the_flat_schema_gives_names(void **state)
{
    (void)state;
    struct mmdb_options options = {.ip_version = 4,
                                   .record_bits = 28,
                                   .schema = MMDB_FLAT,
                                   .built_s = BUILT_S,
                                   .rows = FLAT_IPV4_ROWS,
                                   .row_count = ARRAY_LEN(FLAT_IPV4_ROWS)};
    const char *paths[] = {path_of("flat4.mmdb"), path_of("flat6.mmdb")};
    mmdb_write(paths[0], &options);
    options.ip_version = 6;
    options.built_s = BUILT_S - 1;
    options.rows = FLAT_IPV6_ROWS;
    options.row_count = ARRAY_LEN(FLAT_IPV6_ROWS);
    mmdb_write(paths[1], &options);

    static const struct found_row ROWS[] = {
        {"81.2.69.142", "GB", "GB-England"},
        {"145.97.1.2", "NL", "NL-North Holland"},
        {"145.98.1.2", "CH", "CH-Zürich"},
        {"2001:218::1", "JP", "JP-Tokyo"},
        {"2a02::1", "NL", ""},
        {"1.1.1.1", "", ""},
        {"2001:219::1", "", ""},
        {"5.1.0.1", "NL", ""},
        {"5.2.0.1", "NL", ""},
        {"5.3.0.1", "NL", ""},
        /* Cut to 63 bytes, between characters. */
        {"5.4.0.1", "NL", "NL-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {"5.5.0.1", "NL", "NL-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    };
    struct region_database *database = open_files(paths, 2);
    assert_found(database, ROWS, ARRAY_LEN(ROWS));
    assert_int_equal(region_database_built_s(database), BUILT_S - 1);
    region_database_unref(database);

    const char *reversed[] = {paths[1], paths[0]};
    database = open_files(reversed, 2);
    assert_found(database, ROWS, ARRAY_LEN(ROWS));
    assert_int_equal(region_database_built_s(database), BUILT_S - 1);
    region_database_unref(database);
}

static void the_first_file_that_knows_answers(void **state)
{
    (void)state;
    static const struct mmdb_row ROWS[] = {{"81.2.69.0/24", "FR", NULL},
                                           {"9.9.9.0/24", "CH", NULL}};
    struct mmdb_options options = nested_options();
    options.rows = ROWS;
    options.row_count = ARRAY_LEN(ROWS);
    const char *paths[] = {nested_file(), path_of("second.mmdb")};
    mmdb_write(paths[1], &options);
    static const struct found_row FOUND[] = {
        {"81.2.69.142", "GB", "GB-ENG"}, {"9.9.9.9", "CH", ""}, {"9.9.8.9", "", ""}};
    struct region_database *database = open_files(paths, 2);
    assert_found(database, FOUND, ARRAY_LEN(FOUND));
    region_database_unref(database);
}

static void addresses_that_are_not_public_are_unknown(void **state)
{
    (void)state;
    static const struct found_row ROWS[] = {
        {"10.1.2.3", "", ""}, {"203.0.113.9", "", ""}, {"2001:db8::1", "", ""}};
    const char *path = nested_file();
    struct region_database *database = open_files(&path, 1);
    assert_found(database, ROWS, ARRAY_LEN(ROWS));
    region_database_unref(database);
}

static void an_unknown_family_is_unknown(void **state)
{
    (void)state;
    const char *path = nested_file();
    struct region_database *database = open_files(&path, 1);
    struct client_address address = {.family = 0, .bytes = {81, 2, 69, 142}};
    struct region region = {"XX", "XX-1"};
    region_lookup(database, &address, &region);
    assert_string_equal(region.country, "");
    assert_string_equal(region.region, "");
    region_database_unref(database);
}

static void without_a_database_everything_is_unknown(void **state)
{
    (void)state;
    struct region got = find(NULL, "81.2.69.142");
    assert_string_equal(got.country, "");
    assert_string_equal(got.region, "");
    struct region_database *database = open_files(NULL, 0);
    got = find(database, "81.2.69.142");
    assert_string_equal(got.country, "");
    assert_int_equal(region_database_built_s(database), 0);
    assert_false(region_database_changed(database));
    region_database_unref(database);
    region_database_unref(NULL);
}

static void a_handle_lives_as_long_as_its_last_reference(void **state)
{
    (void)state;
    const char *path = nested_file();
    struct region_database *database = open_files(&path, 1);
    assert_ptr_equal(region_database_ref(database), database);
    region_database_unref(database);
    assert_string_equal(find(database, "81.2.69.142").country, "GB");
    region_database_unref(database);
}

/* --- Files that change --------------------------------------------------------------------------
 */

static void a_file_overwritten_in_place_hurts_nobody(void **state)
{
    (void)state;
    const char *path = nested_file();
    struct region_database *database = open_files(&path, 1);
    assert_int_equal(truncate(path, 0), 0);
    assert_string_equal(find(database, "81.2.69.142").region, "GB-ENG");
    write_bytes(path, "not a database", 14);
    assert_string_equal(find(database, "2001:218::1").region, "JP-13");
    assert_true(region_database_changed(database));
    region_database_unref(database);
}

static void a_replaced_file_is_noticed(void **state)
{
    (void)state;
    const char *path = nested_file();
    struct region_database *database = open_files(&path, 1);
    assert_false(region_database_changed(database));

    /* The same bytes, later. */
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_true(region_database_changed(database));
    region_database_unref(database);

    /* Another file of the same size and time under the name. */
    database = open_files(&path, 1);
    assert_false(region_database_changed(database));
    struct mmdb_options options = nested_options();
    const char *other = path_of("other.mmdb");
    mmdb_write(other, &options);
    assert_int_equal(utimensat(AT_FDCWD, other, times, 0), 0);
    assert_int_equal(rename(other, path), 0);
    assert_true(region_database_changed(database));
    region_database_unref(database);

    /* No file at all is nothing to load. */
    database = open_files(&path, 1);
    assert_int_equal(unlink(path), 0);
    assert_false(region_database_changed(database));
    assert_string_equal(find(database, "81.2.69.142").country, "GB");
    region_database_unref(database);
}

/* --- Broken files -------------------------------------------------------------------------------
 */

static void what_is_no_database_is_refused(void **state)
{
    (void)state;
    assert_refused(path_of("missing.mmdb"), "No such file");
    assert_refused(folder, "is not a file");
    assert_refused("/dev/null", "is not a file");
    write_bytes(path_of("empty.mmdb"), "", 0);
    assert_refused(path_of("empty.mmdb"), "is not a database");
    write_bytes(path_of("text.mmdb"), "country,region\n", 15);
    assert_refused(path_of("text.mmdb"), "is not a database");
    assert_int_equal(mkfifo(path_of("pipe.mmdb"), 0600), 0);
    assert_refused(path_of("pipe.mmdb"), "is not a file");
}

static void a_file_past_the_cap_is_refused(void **state)
{
    (void)state;
    const char *path = path_of("large.mmdb");
    write_bytes(path, "", 0);
    assert_int_equal(truncate(path, (off_t)REGION_FILE_BYTES_MAX + 1), 0);
    assert_refused(path, "is larger than 512 MiB");
    assert_int_equal(unlink(path), 0);
}

static void a_database_without_countries_is_refused(void **state)
{
    (void)state;
    static const struct mmdb_row ROWS[] = {{"81.2.69.0/24", NULL, "ENG"}, {"9.9.9.0/24", "?", "X"}};
    struct mmdb_options options = nested_options();
    options.rows = ROWS;
    options.row_count = ARRAY_LEN(ROWS);
    mmdb_write(path_of("countryless.mmdb"), &options);
    assert_refused(path_of("countryless.mmdb"), "has no countries");
}

static void the_second_of_two_files_can_be_the_broken_one(void **state)
{
    (void)state;
    write_bytes(path_of("text.mmdb"), "country,region\n", 15);
    const char *paths[] = {nested_file(), path_of("text.mmdb")};
    char error[256] = "";
    assert_null(region_database_open(paths, 2, error, sizeof(error)));
    assert_non_null(strstr(error, "text.mmdb"));
}

/* Eight lists of ten pointers, each to the list before: a few hundred bytes that unfold to a
 * hundred million values. */
static void a_record_that_unfolds_to_gigabytes_is_refused(void **state)
{
    (void)state;
    enum { LEVELS = 8, WIDTH = 10 };
    uint8_t data[LEVELS * (2 + 2 * WIDTH) + 2] = {0x41, 'x'}; /* the string "x" */
    size_t len = 2, target = 0;
    for (int level = 0; level < LEVELS; level++) {
        size_t start = len;
        data[len++] = WIDTH;
        data[len++] = 11 - 7; /* a list */
        for (int i = 0; i < WIDTH; i++) {
            data[len++] = (uint8_t)(1 << 5 | target >> 8); /* a pointer of eleven bits */
            data[len++] = (uint8_t)target;
        }
        target = start;
    }
    struct mmdb_options options = nested_options();
    options.data = (struct str){(const char *)data, len};
    options.data_offset = (uint32_t)target;
    options.row_count = 1;
    mmdb_write(path_of("bomb.mmdb"), &options);
    assert_refused(path_of("bomb.mmdb"), "is broken");
}

/* Reads a file of at most `bytes_max`; returns its size. */
static size_t read_bytes(const char *path, uint8_t *bytes, size_t bytes_max)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, bytes_max, file);
    assert_int_equal(fclose(file), 0);
    assert_true(len < bytes_max);
    return len;
}

/* Opens what may be broken, and looks everything up in what opens all the same. */
static bool survives(const char *path)
{
    char error[256];
    struct region_database *database = region_database_open(&path, 1, error, sizeof(error));
    if (database == NULL)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(NESTED_ROWS); i++) {
        char address[64];
        (void)snprintf(address, sizeof(address), "%.*s", (int)strcspn(NESTED_ROWS[i].range, "/"),
                       NESTED_ROWS[i].range);
        struct region got = find(database, address);
        assert_true(strlen(got.country) == 0 || strlen(got.country) == 2);
        assert_non_null(memchr(got.region, '\0', sizeof(got.region)));
    }
    region_database_unref(database);
    return true;
}

static void any_one_broken_byte_is_refused_or_harmless(void **state)
{
    (void)state;
    static const struct mmdb_row ROWS[] = {{"81.0.0.0/8", "GB", "ENG"}, {"8.0.0.0/7", "US", "CA"}};
    struct mmdb_options options = nested_options();
    options.ip_version = 4;
    options.rows = ROWS;
    options.row_count = ARRAY_LEN(ROWS);
    const char *path = path_of("flipped.mmdb");
    mmdb_write(path, &options);
    uint8_t bytes[2048];
    size_t len = read_bytes(path, bytes, sizeof(bytes));
    size_t refused = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t good = bytes[i];
        bytes[i] = (uint8_t)(good ^ 0xff);
        write_bytes(path, bytes, len);
        refused += !survives(path);
        bytes[i] = good;
    }
    assert_true(refused > len / 4);
}

static void a_file_cut_anywhere_is_refused_or_harmless(void **state)
{
    (void)state;
    uint8_t bytes[16384];
    size_t len = read_bytes(nested_file(), bytes, sizeof(bytes));
    const char *path = path_of("cut.mmdb");
    for (size_t cut = 0; cut < len; cut += 1 + cut / 16) {
        write_bytes(path, bytes, cut);
        assert_false(survives(path));
    }
}

/* --- MaxMind's test databases -------------------------------------------------------------------
 */

static const char *shared_path(const char *name)
{
    static char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", FOOTFALL_SHARED_DATA, name);
    if (access(path, R_OK) != 0)
        skip();
    return path;
}

static void geoip2_databases_are_read(void **state)
{
    (void)state;
    static const struct found_row CITY[] = {
        {"81.2.69.142", "GB", "GB-ENG"},
        {"216.160.83.56", "US", "US-WA"},
        {"89.160.20.112", "SE", "SE-E"},
        {"2.125.160.216", "GB", "GB-ENG"},
        {"2001:218::1", "JP", ""},
        {"67.43.156.1", "BT", ""},
        {"8.8.8.8", "", ""},
    };
    const char *path = shared_path("GeoIP2-City-Test.mmdb");
    struct region_database *database = open_files(&path, 1);
    assert_found(database, CITY, ARRAY_LEN(CITY));
    region_database_unref(database);

    path = shared_path("GeoLite2-City-Test.mmdb");
    database = open_files(&path, 1);
    assert_found(database, CITY, 4);
    region_database_unref(database);

    static const struct found_row COUNTRY[] = {
        {"81.2.69.142", "GB", ""}, {"89.160.20.112", "SE", ""}, {"2001:218::1", "JP", ""}};
    path = shared_path("GeoLite2-Country-Test.mmdb");
    database = open_files(&path, 1);
    assert_found(database, COUNTRY, ARRAY_LEN(COUNTRY));
    region_database_unref(database);
}

static void known_broken_databases_are_refused(void **state)
{
    (void)state;
    char bad_folder[512];
    (void)snprintf(bad_folder, sizeof(bad_folder), "%s", shared_path("bad-mmdb"));
    DIR *dir = opendir(bad_folder);
    assert_non_null(dir);
    int count = 0;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] == '.')
            continue;
        char path[1024];
        (void)snprintf(path, sizeof(path), "%s/%s", bad_folder, entry->d_name);
        assert_refused(path, "The geo database");
        count++;
    }
    assert_int_equal(closedir(dir), 0);
    assert_true(count > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nested_schema_gives_iso_codes),
        cmocka_unit_test(the_flat_schema_gives_names),
        cmocka_unit_test(the_first_file_that_knows_answers),
        cmocka_unit_test(addresses_that_are_not_public_are_unknown),
        cmocka_unit_test(an_unknown_family_is_unknown),
        cmocka_unit_test(without_a_database_everything_is_unknown),
        cmocka_unit_test(a_handle_lives_as_long_as_its_last_reference),
        cmocka_unit_test(a_file_overwritten_in_place_hurts_nobody),
        cmocka_unit_test(a_replaced_file_is_noticed),
        cmocka_unit_test(what_is_no_database_is_refused),
        cmocka_unit_test(a_file_past_the_cap_is_refused),
        cmocka_unit_test(a_database_without_countries_is_refused),
        cmocka_unit_test(the_second_of_two_files_can_be_the_broken_one),
        cmocka_unit_test(a_record_that_unfolds_to_gigabytes_is_refused),
        cmocka_unit_test(any_one_broken_byte_is_refused_or_harmless),
        cmocka_unit_test(a_file_cut_anywhere_is_refused_or_harmless),
        cmocka_unit_test(geoip2_databases_are_read),
        cmocka_unit_test(known_broken_databases_are_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
