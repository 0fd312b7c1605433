/* Parts of counters, and how their sums are written down.
 *
 *   metrics ── part 0 (worker 0's) ── value of row 0, row 1, …
 *          └── part 1 (worker 1's) ── value of row 0, row 1, …
 *
 * A part begins on a cache line of its own, so that one worker's counting never slows another's.
 * Relaxed atomics: a sum may be a moment old, and two rows of one answer may be of two moments. */

#include "common/metrics.h"

#include <assert.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

enum { CACHE_LINE_BYTES = 64 };

struct metrics {
    const struct metrics_row *rows;
    size_t row_count;
    unsigned part_count;
    struct metrics_part **parts;
};

static struct metrics_part *part_new(size_t row_count)
{
    size_t bytes = row_count * sizeof(atomic_ullong);
    bytes = (bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
    struct metrics_part *part = aligned_alloc(CACHE_LINE_BYTES, bytes);
    if (part == NULL)
        abort();
    for (size_t i = 0; i < row_count; i++)
        atomic_init(&part->values[i], 0);
    return part;
}

struct metrics *metrics_new(const struct metrics_row *rows, size_t row_count, unsigned parts)
{
    assert(row_count > 0 && parts > 0);
    struct metrics *metrics = calloc(1, sizeof(*metrics));
    if (metrics == NULL || (metrics->parts = calloc(parts, sizeof(*metrics->parts))) == NULL)
        abort();
    metrics->rows = rows;
    metrics->row_count = row_count;
    metrics->part_count = parts;
    for (unsigned i = 0; i < parts; i++)
        metrics->parts[i] = part_new(row_count);
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (metrics == NULL)
        return;
    for (unsigned i = 0; i < metrics->part_count; i++)
        free(metrics->parts[i]);
    free(metrics->parts);
    free(metrics);
}

struct metrics_part *metrics_part(struct metrics *metrics, unsigned index)
{
    assert(index < metrics->part_count);
    return metrics->parts[index];
}

uint64_t metrics_value(const struct metrics *metrics, unsigned row)
{
    uint64_t sum = 0;
    assert(row < metrics->row_count);
    for (unsigned i = 0; i < metrics->part_count; i++)
        sum += atomic_load_explicit(&metrics->parts[i]->values[row], memory_order_relaxed);
    return sum;
}

/* --- Writing down ----------------------------------------------------------------------------- */

static bool is_counter(const struct metrics_row *row)
{
    return row->type == METRICS_COUNTER || row->type == METRICS_COUNTER_MS;
}

static void append_head(struct buf *out, const char *name, bool counter, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
               counter ? "counter" : "gauge");
}

static void append_value(struct buf *out, const struct metrics_row *row, uint64_t value)
{
    bool in_ms = row->type == METRICS_COUNTER_MS || row->type == METRICS_GAUGE_MS;
    bool labelled = row->labels[0] != '\0';
    buf_printf(out, "%s%s%s%s ", row->name, labelled ? "{" : "", row->labels, labelled ? "}" : "");
    if (in_ms)
        buf_printf(out, "%" PRIu64 ".%03" PRIu64 "\n", value / 1000, value % 1000);
    else
        buf_printf(out, "%" PRIu64 "\n", value);
}

static bool has_name_of_last(const struct metrics_row *rows, size_t at)
{
    return at > 0 && strcmp(rows[at].name, rows[at - 1].name) == 0;
}

void metrics_render(const struct metrics *metrics, struct buf *out)
{
    for (size_t i = 0; i < metrics->row_count; i++) {
        const struct metrics_row *row = &metrics->rows[i];
        if (!has_name_of_last(metrics->rows, i))
            append_head(out, row->name, is_counter(row), row->help);
        append_value(out, row, metrics_value(metrics, (unsigned)i));
    }
}

void metrics_describe(const struct metrics_row *rows, size_t row_count, struct buf *out)
{
    buf_printf(out, "| name | labels | type | what it tells |\n|---|---|---|---|\n");
    for (size_t i = 0; i < row_count; i++) {
        bool labelled = rows[i].labels[0] != '\0';
        buf_printf(out, "| `%s` | %s%s%s | %s | %s |\n", rows[i].name, labelled ? "`" : "",
                   rows[i].labels, labelled ? "`" : "", is_counter(&rows[i]) ? "counter" : "gauge",
                   rows[i].help);
    }
}

/* --- The process ------------------------------------------------------------------------------ */

static double seconds_of(clockid_t clock)
{
    struct timespec time = {0};
    (void)clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Field 22 of /proc/self/stat, counted from after the name, which may hold spaces. */
static bool started_at(double *ret_unix_s)
{
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    if (file == NULL)
        return false;
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    const char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (at == NULL)
        return false;
    double since_boot_s = (double)strtoull(at, NULL, 10) / (double)sysconf(_SC_CLK_TCK);
    *ret_unix_s = seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME) + since_boot_s;
    return true;
}

static uint64_t resident_bytes(void)
{
    unsigned long long pages = 0;
    char text[128];
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    const char *second = strchr(text, ' ');
    if (second != NULL)
        pages = strtoull(second, NULL, 10);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static unsigned open_files(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count - 1; /* without the one that reads */
}

void metrics_render_process(struct buf *out)
{
    double started_s;
    append_head(out, "process_cpu_seconds_total", true, "Processor time that it has used.");
    buf_printf(out, "process_cpu_seconds_total %.2f\n", seconds_of(CLOCK_PROCESS_CPUTIME_ID));
    append_head(out, "process_resident_memory_bytes", false, "Memory that it has now.");
    buf_printf(out, "process_resident_memory_bytes %" PRIu64 "\n", resident_bytes());
    append_head(out, "process_open_fds", false, "Files and sockets that it has open.");
    buf_printf(out, "process_open_fds %u\n", open_files());
    append_head(out, "process_max_fds", false, "How many it may open.");
    buf_printf(out, "process_max_fds %ld\n", sysconf(_SC_OPEN_MAX));
    if (!started_at(&started_s))
        return;
    append_head(out, "process_start_time_seconds", false, "When it started, since 1970.");
    buf_printf(out, "process_start_time_seconds %.1f\n", started_s);
}
