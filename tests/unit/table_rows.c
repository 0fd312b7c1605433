/* Records of other tools' exports as cells: what each column becomes, what is left out and why, and
 * that nothing of a person comes along. */

#include "cli/table_reader.h"

#include <stdio.h>

#include "common/limits.h"
#include "tests/test.h"

enum { TEXT_BYTES = 4096 };

static struct site *site_of(const char *preset)
{
    char error[256], json[128];
    snprintf(json, sizeof(json), "{\"timezone\":\"Europe/Amsterdam\",\"preset\":\"%s\"}", preset);
    struct site *site = site_parse(STR_LIT("site.example"), str_from(json), error, sizeof(error));
    assert_non_null(site);
    return site;
}

static struct table_row row; /* of the last record */
static char record_text[TEXT_BYTES];

static struct csv_record split(const char *text)
{
    struct csv_record record;
    snprintf(record_text, sizeof(record_text), "%s", text);
    assert_true(csv_read(record_text, strlen(record_text), true, &record) == CSV_RECORD);
    row.count = row.memory.used = 0;
    return record;
}

/* "table value v1 s2|…" of the row's cells, in their order. */
static void assert_cells(const char *expected)
{
    struct buf out;
    buf_init(&out, TEXT_BYTES);
    for (size_t i = 0; i < row.count; i++) {
        buf_printf(&out, "%s%s", i == 0 ? "" : "|", model_table_name(row.cells[i].table));
        if (row.cells[i].value.len > 0)
            buf_printf(&out, " %.*s", STR_ARG(row.cells[i].value));
        for (int m = 0; m < METRIC__COUNT; m++)
            if (row.cells[i].sums[m] != 0)
                buf_printf(&out, " %c%lld", model_metric_letter((enum metric)m),
                           (long long)row.cells[i].sums[m]);
    }
    buf_append_byte(&out, 0);
    assert_string_equal(out.ptr, expected);
    buf_done(&out);
}

/* --- Plausible -------------------------------------------------------------------------------- */

struct family_case {
    enum plausible_table table;
    const char *head, *record, *cells;
};

static void assert_family(const struct site *site, const struct family_case *each)
{
    struct table_reader reader = {.site = site, .table = each->table};
    struct csv_record record = split(each->head);
    assert_true(plausible_read_head(&reader, &record));
    record = split(each->record);
    assert_int_equal(plausible_read_row(&reader, &record, &row), ROW_COUNTED);
    assert_int_equal(row.date, 20260131);
    assert_cells(each->cells);
}

static void each_file_of_the_family_has_its_tables(void **state)
{
    static const struct family_case CASES[] = {
        {PLAUSIBLE_VISITORS, "date,visitors,pageviews,bounces,visits,visit_duration",
         "2026-01-31,5,9,2,6,300", "total v9 s6 b2 d300 u5|time (other) v9 s6 b2 d300"},
        {PLAUSIBLE_VISITORS, "bounces,new,date", "4,x,2026-01-31", "total b4|time (other) b4"},
        {PLAUSIBLE_PAGES, "date,hostname,page,visits,visitors,pageviews,total_scroll_depth",
         "2026-01-31,other.example,/a?token=1,2,1,3,150", "page /a v3 s2 p150 u1"},
        {PLAUSIBLE_PAGES, "date,page,pageviews", "2026-01-31,/100% /jo@site.example,1",
         "page /100% /:id v1"},
        {PLAUSIBLE_ENTRY_PAGES, "date,entry_page,entrances,bounces", "2026-01-31,/a,4,1",
         "entry_page /a s4 b1"},
        {PLAUSIBLE_EXIT_PAGES, "date,exit_page,visitors,exits,pageviews", "2026-01-31,/a,3,4,9",
         "exit_page /a s4"},
        {PLAUSIBLE_LOCATIONS, "date,country,region,city,visits", "2026-01-31,NL,NL-NH,2759794,1",
         "country NL s1|region NL-NH s1"},
        {PLAUSIBLE_LOCATIONS, "date,country,region,visits", "2026-01-31,,,1",
         "country (unknown) s1|region (unknown) s1"},
        {PLAUSIBLE_DEVICES, "date,device,visits", "2026-01-31,Laptop,1", "device Desktop s1"},
        {PLAUSIBLE_DEVICES, "date,device,visits", "2026-01-31,TV,1", "device (other) s1"},
        {PLAUSIBLE_BROWSERS, "date,browser,browser_version,visits",
         "2026-01-31,Microsoft Edge,111.0,1", "browser Edge s1|browser_version Edge 111 s1"},
        {PLAUSIBLE_BROWSERS, "date,browser,browser_version,visits", "2026-01-31,,,1",
         "browser (other) s1|browser_version (other) s1"},
        {PLAUSIBLE_OPERATING_SYSTEMS, "date,operating_system,operating_system_version,visits",
         "2026-01-31,Mac,10.14,1", "os macOS s1|os_version macOS 10.14 s1"},
        {PLAUSIBLE_SOURCES, "date,source,referrer,utm_medium,utm_campaign,visits",
         "2026-01-31,Google,www.Google.com/x,cpc,spring,2",
         "source Google s2|referrer google.com s2|channel Paid Search s2|utm_medium cpc s2|"
         "utm_campaign spring s2"},
        {PLAUSIBLE_SOURCES, "date,source,visits", "2026-01-31,Google,2",
         "source Google s2|channel Organic Search s2"},
        {PLAUSIBLE_SOURCES, "date,source,visits", "2026-01-31,,2",
         "source Direct / None s2|referrer Direct / None s2|channel Direct s2"},
        {PLAUSIBLE_SOURCES, "date,source,utm_source,visits", "2026-01-31,jo@site.example,,2",
         "source :id s2|channel Referral s2"},
        {PLAUSIBLE_CUSTOM_EVENTS, "date,name,link_url,path,visitors,events",
         "2026-01-31,404,,/gone,1,2",
         "event 404 c2 u1|prop 404\x1fpath\x1f/gone c2 u1|total c2|time (other) c2"},
        {PLAUSIBLE_CUSTOM_EVENTS, "date,name,events", "2026-01-31,'@signup,2",
         "event @signup c2|total c2|time (other) c2"},
    };
    struct site *site = site_of("standard");
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        assert_family(site, &CASES[i]);
    site_free(site);
}

static void a_strict_site_has_no_campaigns(void **state)
{
    static const struct family_case CASE = {PLAUSIBLE_SOURCES, "date,source,utm_campaign,visits",
                                            "2026-01-31,Google,spring,2",
                                            "source Google s2|channel Organic Search s2"};
    struct site *site = site_of("strict");
    (void)state;
    assert_family(site, &CASE);
    site_free(site);
}

static void what_is_no_record_of_the_family_is_left_out(void **state)
{
    static const struct {
        const char *record;
        enum row_fault fault;
    } CASES[] = {
        {"2026-01-31,/a,1", ROW_COUNTED},
        {"2026-01-31,/a,1000000000", ROW_COUNTED},
        {"2026-01-31,/a,1000000001", ROW_MALFORMED},
        {"2026-01-31,/a,99999999999999999999", ROW_MALFORMED},
        {"2026-01-31,/a,-1", ROW_MALFORMED},
        {"2026-01-31,/a,1.5", ROW_MALFORMED},
        {"2026-02-30,/a,1", ROW_MALFORMED},
        {"31-01-2026,/a,1", ROW_MALFORMED},
        {",/a,1", ROW_MALFORMED},
        {"2026-01-31,/a,0", ROW_EMPTY},
        {"2026-01-31,/a", ROW_EMPTY},
        {"2026-01-31,,1", ROW_EMPTY},
        {"", ROW_EMPTY},
    };
    struct site *site = site_of("standard");
    struct table_reader reader = {.site = site, .table = PLAUSIBLE_PAGES};
    struct csv_record record = split("date,page,pageviews");
    (void)state;
    assert_true(plausible_read_head(&reader, &record));
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        record = split(i + 1 < ARRAY_LEN(CASES) ? CASES[i].record : "\n");
        assert_int_equal(plausible_read_row(&reader, &record, &row), CASES[i].fault);
    }
    record = split("date,hits");
    assert_false(plausible_read_head(&reader, &record));
    record = split("page,pageviews");
    assert_false(plausible_read_head(&reader, &record));
    site_free(site);
}

static void files_are_told_by_their_names(void **state)
{
    enum plausible_table table;
    (void)state;
    assert_true(plausible_table_of_file(STR_LIT("imported_pages_20260101_20260131.csv"), &table));
    assert_int_equal(table, PLAUSIBLE_PAGES);
    assert_true(plausible_table_of_file(STR_LIT("imported_exit_pages.csv"), &table));
    assert_int_equal(table, PLAUSIBLE_EXIT_PAGES);
    assert_false(plausible_table_of_file(STR_LIT("imported_pages_of_mine.csv"), &table));
    assert_false(plausible_table_of_file(STR_LIT("imported_cities.csv"), &table));
    assert_false(plausible_table_of_file(STR_LIT("pages.csv"), &table));
}

/* --- GoatCounter ------------------------------------------------------------------------------ */

#define HITS_HEAD                                                                                  \
    "2Path,Title,Event,UserAgent,Browser,System,Session,Bot,Referrer,Referrer scheme,Screen "      \
    "size,Location,FirstVisit,Date"
#define FIRST_HIT                                                                                  \
    "/a,A,false,,Chrome 119.0,Windows 10,s1,0,news.example.org/x,h,\"1440,900,2\",US-TX,true,"     \
    "2026-01-30T23:30:00Z"

static enum row_fault read_hit(struct table_reader *reader, const char *text)
{
    struct csv_record record = split(text);
    return goatcounter_read_row(reader, &record, &row);
}

static void begin_hits(struct table_reader *reader, struct site *site)
{
    struct csv_record record = split(HITS_HEAD);
    *reader = (struct table_reader){.site = site, .sessions = table_sessions_new()};
    assert_true(goatcounter_read_head(reader, &record));
}

static void hits_of_a_session_are_a_visit(void **state)
{
    struct site *site = site_of("standard");
    struct table_reader reader;
    (void)state;
    begin_hits(&reader, site);
    assert_int_equal(read_hit(&reader, FIRST_HIT), ROW_COUNTED);
    assert_int_equal(row.date, 20260131); /* in Amsterdam */
    assert_cells("exit_page /a s1|total v1 s1 b1 u1|time 00 v1 s1 b1 u1|"
                 "entry_page /a v1 s1 b1 u1|source news.example.org v1 s1 b1 u1|"
                 "referrer news.example.org v1 s1 b1 u1|channel Referral v1 s1 b1 u1|"
                 "country US v1 s1 b1 u1|region US-TX v1 s1 b1 u1|browser Chrome v1 s1 b1 u1|"
                 "browser_version Chrome 119 v1 s1 b1 u1|os Windows v1 s1 b1 u1|"
                 "os_version Windows 10 v1 s1 b1 u1|device (other) v1 s1 b1 u1|"
                 "language (unknown) v1 s1 b1 u1|screen Desktop v1 s1 b1 u1|page /a v1 s1 u1");
    assert_int_equal(read_hit(&reader, "/b,B,false,,Chrome 119.0,Windows 10,s1,0,,,\"1440,900,2\","
                                       "US-TX,true,2026-01-30T23:30:12Z"),
                     ROW_COUNTED);
    assert_cells("exit_page /b s1|exit_page /a s-1|total v1 b-1 d12|time 00 v1 b-1 d12|"
                 "entry_page /a v1 b-1 d12|source news.example.org v1 b-1 d12|"
                 "referrer news.example.org v1 b-1 d12|channel Referral v1 b-1 d12|"
                 "country US v1 b-1 d12|region US-TX v1 b-1 d12|browser Chrome v1 b-1 d12|"
                 "browser_version Chrome 119 v1 b-1 d12|os Windows v1 b-1 d12|"
                 "os_version Windows 10 v1 b-1 d12|device (other) v1 b-1 d12|"
                 "language (unknown) v1 b-1 d12|screen Desktop v1 b-1 d12|page /b v1 s1 u1");
    /* The next day it is another visit. */
    assert_int_equal(read_hit(&reader, "/b,,false,,,,s1,0,,,,,false,2026-02-01T10:00:00Z"),
                     ROW_COUNTED);
    assert_int_equal(row.cells[1].table, TABLE_TOTAL);
    assert_int_equal(row.cells[1].sums[METRIC_VISITS], 1);
    table_sessions_free(reader.sessions);
    site_free(site);
}

static void other_hits_are_goals_or_left_out(void **state)
{
    static const struct {
        const char *record;
        enum row_fault fault;
    } CASES[] = {
        {"/a,,false,,,,s1,1,,,,,true,2026-01-31T10:00:00Z", ROW_BOT},
        {"/a,,false,,,,s1,150,,,,,true,2026-01-31T10:00:00Z", ROW_BOT},
        {"/a,,false,,,,s1,0,,,,,true,yesterday", ROW_MALFORMED},
        {"/a,,false,,,,s1,0,,,,,true,2026-01-31", ROW_MALFORMED},
        {",,false,,,,s1,0,,,,,true,2026-01-31T10:00:00Z", ROW_EMPTY},
        {" ,,true,,,,s1,0,,,,,true,2026-01-31T10:00:00Z", ROW_EMPTY},
    };
    struct site *site = site_of("standard");
    struct table_reader reader;
    (void)state;
    begin_hits(&reader, site);
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        assert_int_equal(read_hit(&reader, CASES[i].record), CASES[i].fault);
    assert_int_equal(read_hit(&reader, "play,,true,,,,s1,0,,,,,true,2026-01-31T10:00:00Z"),
                     ROW_COUNTED);
    assert_cells("event play s1 c1 u1|total c1");
    /* Without a session the flag alone makes a visit. */
    for (int is_first = 0; is_first < 2; is_first++) {
        char text[256];
        snprintf(text, sizeof(text), "/a,,false,,,,0000-0000,0,,,,,%s,2026-01-31T10:00:00Z",
                 is_first ? "true" : "false");
        assert_int_equal(read_hit(&reader, text), ROW_COUNTED);
        int64_t visits = 0;
        for (size_t c = 0; c < row.count; c++)
            if (row.cells[c].table == TABLE_TOTAL)
                visits = row.cells[c].sums[METRIC_VISITS];
        assert_int_equal(visits, is_first);
    }
    struct csv_record record = split("Path,Date,FirstVisit");
    assert_false(goatcounter_read_head(&reader, &record));
    table_sessions_free(reader.sessions);
    site_free(site);
}

static void sessions_past_their_cap_begin_anew(void **state)
{
    struct site *site = site_of("standard");
    struct table_reader reader;
    char text[256];
    int64_t visits = 0;
    (void)state;
    begin_hits(&reader, site);
    for (int i = 0; i <= IMPORT_SESSIONS_MAX + 1; i++) {
        /* The first one comes again when the table is just full, and when it was emptied. */
        int session = i == IMPORT_SESSIONS_MAX ? 0 : i == IMPORT_SESSIONS_MAX + 1 ? -1 : i;
        snprintf(text, sizeof(text), "/,,false,,,,s%d,0,,,,,true,2026-01-31T10:00:00Z", session);
        assert_int_equal(read_hit(&reader, text), ROW_COUNTED);
        visits += row.cells[0].sums[METRIC_VISITS] > 0 && row.cells[0].table == TABLE_EXIT_PAGE;
    }
    assert_int_equal(visits, IMPORT_SESSIONS_MAX + 1);
    assert_int_equal(read_hit(&reader, "/,,false,,,,s0,0,,,,,true,2026-01-31T10:00:00Z"),
                     ROW_COUNTED);
    assert_true(row.cells[0].table == TABLE_EXIT_PAGE); /* a visit again */
    table_sessions_free(reader.sessions);
    site_free(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_of_the_family_has_its_tables),
        cmocka_unit_test(a_strict_site_has_no_campaigns),
        cmocka_unit_test(what_is_no_record_of_the_family_is_left_out),
        cmocka_unit_test(files_are_told_by_their_names),
        cmocka_unit_test(hits_of_a_session_are_a_visit),
        cmocka_unit_test(other_hits_are_goals_or_left_out),
        cmocka_unit_test(sessions_past_their_cap_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
