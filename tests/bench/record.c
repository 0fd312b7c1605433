/* What a sealed day takes: one JSON line with the bytes of each part and the time to read it, for a
 * made-up site of 2,000 pages, 300 sources and 150 countries whose days share a month.
 *
 * Usage: bench_record [VIEWS_A_DAY [DAYS]]. Not a test: times depend on the machine. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "aggregator/record.h"
#include "aggregator/threshold.h"
#include "synthetic_day.h"

enum { RECORD_BYTES_MAX = 16 * 1024 * 1024, DAYS_MAX = 31, READ_ROUNDS = 20 };

static const struct synthetic_site SITE = {.pages = 2000, .sources = 300, .countries = 150};

struct figures {
    struct buf records[DAYS_MAX];
    struct buf names;
    double encode_us;
    uint32_t days, views;
    uint32_t cells, capped;
};

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void seal_days(struct figures *figures, struct record_names *month)
{
    struct thresholds standard = thresholds_of_preset(SITE_STANDARD);
    buf_init(&figures->names, RECORD_NAMES_BYTES_MAX);
    for (uint32_t d = 0; d < figures->days; d++) {
        struct day_names names;
        struct day day;
        day_names_init(&names);
        day_init(&day, 20260701 + d, &names);
        synthetic_day_fill(&day, &SITE, figures->views, d + 1);
        buf_init(&figures->records[d], RECORD_BYTES_MAX);
        double start = now_us();
        threshold_apply(&day, &standard);
        record_encode(&day, month, &figures->records[d], &figures->names);
        figures->encode_us += now_us() - start;
        for (int c = 0; c < CROSS__COUNT; c++) {
            figures->cells += day.crosses[c].count;
            figures->capped += day.crosses[c].count == model_cross_sealed_cap((enum cross)c);
        }
        day_done(&day);
        day_names_done(&names);
    }
}

static struct str part_of(const struct buf *bytes, const struct record *record, int table,
                          int cross)
{
    size_t at, len;
    uint32_t part = cross < 0 ? record_part_of_table((enum table)table)
                              : record_part_of_cross((enum cross)cross);
    return record_find_part(record, part, &at, &len)
               ? str_prefix(str_from_at(buf_str(bytes), at), len)
               : STR_EMPTY;
}

/* A table, or a cross when that is not negative, and what it takes a day. */
struct measure {
    int table, cross;
    uint32_t metrics;
    double bytes, us;
};

static struct measure measure(const struct figures *figures, struct record_names *month,
                              struct measure what)
{
    struct record_reader *reader = record_reader_new();
    struct record_wanted wanted = {(enum table)what.table, what.metrics,
                                   day_names_count(&month->names, (enum table)what.table)};
    struct record record;
    struct record_sums sums;
    struct day day;
    for (int round = 0; round < READ_ROUNDS; round++) {
        day_init(&day, 20260700, &month->names);
        record_sums_init(&sums, wanted);
        double start = now_us();
        for (uint32_t d = 0; d < figures->days; d++) {
            if (record_open(buf_str(&figures->records[d]), &record) != RECORD_OK)
                abort();
            struct str part = part_of(&figures->records[d], &record, what.table, what.cross);
            enum record_status status =
                what.cross < 0
                    ? record_sum_table(reader, &record, part, &sums)
                    : record_read_cross(reader, &record, part, (enum cross)what.cross, &day);
            if (status != RECORD_OK)
                abort();
            what.bytes += (double)part.len / figures->days / READ_ROUNDS;
        }
        what.us += (now_us() - start) / figures->days / READ_ROUNDS;
        day_done(&day);
        record_sums_done(&sums);
    }
    record_reader_free(reader);
    return what;
}

/* Bytes are those of the part, which small tables and crosses share with others. */
static void print_parts(const struct figures *figures, struct record_names *month)
{
    double cross_us = 0;
    printf(",\"tables\":{");
    for (int t = 0; t < TABLE__COUNT; t++) {
        struct measure all = measure(
            figures, month, (struct measure){.table = t, .cross = -1, .metrics = UINT32_MAX});
        printf("%s\"%s\":{\"part_bytes\":%.0f,\"read_us\":%.1f}", t == 0 ? "" : ",",
               model_table_name((enum table)t), all.bytes, all.us);
    }
    printf("},\"crosses\":{");
    for (int c = 0; c < CROSS__COUNT; c++) {
        struct measure all = measure(figures, month, (struct measure){.cross = c});
        printf("%s\"%s:%s\":{\"part_bytes\":%.0f,\"read_us\":%.1f}", c == 0 ? "" : ",",
               model_table_name(model_cross_left((enum cross)c)),
               model_table_name(model_cross_right((enum cross)c)), all.bytes, all.us);
        cross_us += all.us;
    }
    struct measure three =
        measure(figures, month,
                (struct measure){.table = TABLE_PAGE,
                                 .cross = -1,
                                 .metrics = 1u << METRIC_PAGEVIEWS | 1u << METRIC_VISITS |
                                            1u << METRIC_VISITORS});
    printf("},\"crosses_read_us\":%.1f,\"page_three_metrics_read_us\":%.1f", cross_us, three.us);
}

int main(int argc, char **argv)
{
    static struct figures figures;
    struct record_names month, again;
    size_t bytes = 0;
    figures.views = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000;
    figures.days = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 30;
    if (figures.days < 1 || figures.days > DAYS_MAX)
        return 2;
    record_names_init(&month);
    seal_days(&figures, &month);
    for (uint32_t d = 0; d < figures.days; d++)
        bytes += figures.records[d].len;
    double days = figures.days, start = now_us();
    record_names_init(&again);
    bool is_good = record_names_read(&again, buf_str(&figures.names));
    double names_us = now_us() - start;
    printf("{\"views_a_day\":%u,\"days\":%u,\"bytes_a_day\":%.0f,\"record_bytes_a_day\":%.0f,"
           "\"names_bytes_a_month\":%zu,\"names\":%u,\"names_read_us\":%.0f,"
           "\"megabytes_a_year\":%.2f,\"encode_us\":%.0f,\"cells_a_day\":%.0f,\"capped\":%.1f",
           figures.views, figures.days, ((double)bytes + (double)figures.names.len) / days,
           (double)bytes / days, figures.names.len, again.names.count, names_us,
           ((double)bytes + (double)figures.names.len) / days * 365 / 1e6, figures.encode_us / days,
           figures.cells / days, figures.capped / days);
    print_parts(&figures, &again);
    printf("}\n");
    for (uint32_t d = 0; d < figures.days; d++)
        buf_done(&figures.records[d]);
    buf_done(&figures.names);
    record_names_done(&month);
    record_names_done(&again);
    return is_good ? 0 : 1;
}
