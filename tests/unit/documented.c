/* The documents tell of every metric, every check and every reason for which nothing is counted, in
 * the words of the lists in the code. Without an argument; FOOTFALL_SOURCE_DIR is where they are.
 */

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregator/aggregate_metrics.h"
#include "aggregator/batch.h"
#include "aggregator/trouble.h"
#include "collector/collect_metrics.h"
#include "dashboards/server/dashboards_metrics.h"

enum { DOCUMENT_BYTES_MAX = 256 * 1024, LINE_BYTES_MAX = 1024 };

static char *read_document(const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/docs/%s", FOOTFALL_SOURCE_DIR, name);
    char *text = calloc(1, DOCUMENT_BYTES_MAX);
    FILE *file = fopen(path, "re");
    assert_non_null(text);
    assert_non_null(file);
    size_t len = fread(text, 1, DOCUMENT_BYTES_MAX - 1, file);
    assert_true(len < DOCUMENT_BYTES_MAX - 1);
    fclose(file);
    return text;
}

static void assert_has_line(const char *document, const char *line)
{
    const char *at = strstr(document, line);
    if (at == NULL || (at != document && at[-1] != '\n'))
        fail_msg("the document lacks:\n%s", line);
}

static void assert_has_metrics(const char *document, const struct metrics_row *rows, size_t count)
{
    struct buf table;
    buf_init(&table, DOCUMENT_BYTES_MAX);
    metrics_describe(rows, count, &table);
    for (struct str rest = buf_str(&table); rest.len > 0;) {
        char line[LINE_BYTES_MAX];
        struct str whole = str_prefix(rest, str_find(rest, '\n') + 1);
        assert_true(whole.len < sizeof(line));
        memcpy(line, whole.ptr, whole.len);
        line[whole.len] = '\0';
        assert_has_line(document, line);
        rest = str_from_at(rest, whole.len);
    }
    buf_done(&table);
}

static void operations_name_every_metric(void **state)
{
    char *document = read_document("operations.md");
    (void)state;
    assert_has_metrics(document, COLLECT_METRIC_ROWS, COLLECT__COUNT);
    assert_has_metrics(document, AGGREGATE_METRIC_ROWS, AGGREGATE__COUNT);
    assert_has_metrics(document, DASHBOARDS_METRIC_ROWS, DASHBOARDS__COUNT);
    free(document);
}

static void assert_has_checks(const char *document, const char *role, const struct health_row *rows,
                              size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char line[LINE_BYTES_MAX];
        snprintf(line, sizeof(line), "| %s | `%s` | %s | %s |\n", role, rows[i].name,
                 rows[i].needed ? "yes" : "no", rows[i].bad);
        assert_has_line(document, line);
    }
}

static void operations_name_every_check(void **state)
{
    char *document = read_document("operations.md");
    (void)state;
    assert_has_checks(document, "collect", COLLECT_CHECK_ROWS, COLLECT_CHECK__COUNT);
    assert_has_checks(document, "aggregate", AGGREGATE_CHECK_ROWS, AGGREGATE_CHECK__COUNT);
    assert_has_checks(document, "dashboards", DASHBOARDS_CHECK_ROWS, DASHBOARDS_CHECK__COUNT);
    free(document);
}

/* In a check's words, or as a reason in quarantine. */
static void operations_name_every_trouble(void **state)
{
    char *document = read_document("operations.md");
    (void)state;
    for (int kind = 0; kind < TROUBLE__COUNT; kind++) {
        const char *words = trouble_words((enum trouble_kind)kind);
        if (strstr(document, words) == NULL)
            fail_msg("the document lacks: %s", words);
    }
    for (int status = BATCH_OK + 1; status < BATCH__COUNT; status++)
        if (strstr(document, batch_status_name((enum batch_status)status)) == NULL)
            fail_msg("the document lacks: %s", batch_status_name((enum batch_status)status));
    free(document);
}

static void limits_name_every_reason(void **state)
{
    static const char *const LINES[] = {
#define X(id, name, meaning) "| `" name "` | " meaning " |",
        DROP_REASONS(X)
#undef X
    };
    char *document = read_document("limits.md");
    (void)state;
    for (size_t i = 0; i < DROP__COUNT; i++)
        assert_has_line(document, LINES[i]);
    free(document);
}

/* What a scrape needs of every row, so that no reader of it stumbles. */
static void assert_well_formed(const struct metrics_row *rows, size_t count, const char *prefix)
{
    for (size_t i = 0; i < count; i++) {
        const struct metrics_row *row = &rows[i];
        bool counts = row->type == METRICS_COUNTER || row->type == METRICS_COUNTER_MS;
        bool is_total = str_ends_with(str_from(row->name), STR_LIT("_total"));
        if (strncmp(row->name, prefix, strlen(prefix)) != 0 || counts != is_total ||
            strpbrk(row->help, "\"\\\n") != NULL || row->help[strlen(row->help) - 1] != '.' ||
            strspn(row->name, "abcdefghijklmnopqrstuvwxyz_") != strlen(row->name))
            fail_msg("%s{%s} is not well formed", row->name, row->labels);
        for (size_t j = 0; j < i; j++) {
            bool same_name = strcmp(row->name, rows[j].name) == 0;
            if (same_name &&
                (strcmp(row->labels, rows[j].labels) == 0 || strcmp(row->help, rows[j].help) != 0 ||
                 row->type != rows[j].type || (strcmp(rows[i - 1].name, row->name) != 0)))
                fail_msg("%s{%s} does not fit its namesake", row->name, row->labels);
        }
    }
}

static void every_row_is_well_formed(void **state)
{
    (void)state;
    assert_well_formed(COLLECT_METRIC_ROWS, COLLECT__COUNT, "footfall_collector_");
    assert_well_formed(AGGREGATE_METRIC_ROWS, AGGREGATE__COUNT, "footfall_aggregator_");
    assert_well_formed(DASHBOARDS_METRIC_ROWS, DASHBOARDS__COUNT, "footfall_dashboards_");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_name_every_metric),
        cmocka_unit_test(operations_name_every_check),
        cmocka_unit_test(operations_name_every_trouble),
        cmocka_unit_test(limits_name_every_reason),
        cmocka_unit_test(every_row_is_well_formed),
    };
    (void)argv;
    if (argc > 1) { /* prints the tables that belong into docs/operations.md */
        struct buf table;
        buf_init(&table, DOCUMENT_BYTES_MAX);
        metrics_describe(COLLECT_METRIC_ROWS, COLLECT__COUNT, &table);
        buf_printf(&table, "\n");
        metrics_describe(AGGREGATE_METRIC_ROWS, AGGREGATE__COUNT, &table);
        buf_printf(&table, "\n");
        metrics_describe(DASHBOARDS_METRIC_ROWS, DASHBOARDS__COUNT, &table);
        fwrite(table.ptr, 1, table.len, stdout);
        buf_done(&table);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
