/* Sentences, numbers and a bar. Nothing of a log is shown but numbers of lines and dates. */

#include "cli/import_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

enum {
    BAR_CELLS = 24,
    BAR_EVERY_MS = 200,
    LINE_EVERY_MS = 10000,
    NUMBER_BYTES = 32,
    DATE_BYTES = 16,
    TEXT_BYTES = 64
};

struct number_text {
    char bytes[NUMBER_BYTES];
};

/* "1,234,567". */
static const char *grouped(uint64_t number, struct number_text *text)
{
    size_t at = sizeof(text->bytes) - 1;
    text->bytes[at] = '\0';
    for (size_t digits = 0; digits == 0 || number > 0; digits++, number /= 10) {
        if (digits > 0 && digits % 3 == 0)
            text->bytes[--at] = ',';
        text->bytes[--at] = (char)('0' + number % 10);
    }
    return text->bytes + at;
}

/* --- Progress --------------------------------------------------------------------------------- */

void import_progress_begin(struct import_progress *progress, const char *name, const char *unit)
{
    int64_t now_ms = clock_mono_ms();
    *progress = (struct import_progress){.name = name,
                                         .unit = unit,
                                         .is_terminal = isatty(STDERR_FILENO) == 1,
                                         .began_ms = now_ms,
                                         .shown_ms = now_ms};
}

static void format_left(uint64_t seconds, char out[TEXT_BYTES])
{
    if (seconds < 120)
        snprintf(out, TEXT_BYTES, "%" PRIu64 " s left", seconds);
    else
        snprintf(out, TEXT_BYTES, "%" PRIu64 " min left", (seconds + 30) / 60);
}

static void format_bar(uint64_t at, uint64_t size, char out[BAR_CELLS + 1])
{
    uint64_t full = at >= size ? BAR_CELLS : at * BAR_CELLS / size;
    memset(out, '.', BAR_CELLS);
    memset(out, '#', full);
    out[BAR_CELLS] = '\0';
}

void import_progress_show(struct import_progress *progress, uint64_t read,
                          const struct log_input *input)
{
    struct number_text units, rate;
    char left[TEXT_BYTES], bar[BAR_CELLS + 1];
    int64_t now_ms = clock_mono_ms(), passed_ms = now_ms - progress->began_ms;
    uint64_t at = log_input_position(input), size = log_input_size(input);
    if (now_ms - progress->shown_ms < (progress->is_terminal ? BAR_EVERY_MS : LINE_EVERY_MS))
        return;
    progress->shown_ms = now_ms;
    progress->is_shown = true;
    const char *rate_text = grouped(read * 1000 / (uint64_t)passed_ms, &rate);
    const char *read_text = grouped(read, &units);
    const char *begin = progress->is_terminal ? "\r\033[K" : "",
               *end = progress->is_terminal ? "" : "\n";
    if (size == 0 || at == 0) {
        fprintf(stderr, "%s%s: %s %ss, %s a second%s", begin, progress->name, read_text,
                progress->unit, rate_text, end);
        return;
    }
    format_left(at >= size ? 0 : (uint64_t)passed_ms * (size - at) / at / 1000, left);
    format_bar(at, size, bar);
    fprintf(stderr, "%s%s: [%s] %3" PRIu64 " %%, %s %ss, %s a second, %s%s", begin, progress->name,
            bar, at >= size ? 100 : at * 100 / size, read_text, progress->unit, rate_text, left,
            end);
}

void import_progress_end(struct import_progress *progress)
{
    if (progress->is_terminal && progress->is_shown)
        fputs("\r\033[K", stderr);
}

/* --- The summary ------------------------------------------------------------------------------ */

static const char *date_text(uint32_t date, char out[DATE_BYTES])
{
    snprintf(out, DATE_BYTES, "%04" PRIu32 "-%02" PRIu32 "-%02" PRIu32, date / 10000,
             date / 100 % 100, date % 100);
    return out;
}

static void show_views(const char *name, const struct import *import)
{
    const struct import_counts *counts = import_counts(import);
    struct number_text views, lines;
    char first[DATE_BYTES], last[DATE_BYTES];
    printf("%s: %s page views", name, grouped(counts->views, &views));
    if (counts->views > 0)
        printf(" from %s to %s", date_text(counts->first_date, first),
               date_text(counts->last_date, last));
    printf(" in %s lines (%s).\n", grouped(counts->lines - counts->before, &lines),
           access_format_name(import_format(import)));
}

static void show_left_out(const struct import_counts *counts)
{
    bool is_first = true;
    for (int i = PAGE_REQUEST_VIEW + 1; i < PAGE_REQUEST__COUNT; i++) {
        struct number_text number;
        if (counts->left_out[i] == 0)
            continue;
        if (is_first)
            puts("  Left out:");
        is_first = false;
        printf("  %12s  %s\n", grouped(counts->left_out[i], &number),
               page_request_meaning((enum page_request)i));
    }
}

static void show_notes(const struct import_counts *counts)
{
    struct number_text number, line;
    if (counts->malformed_line > 0)
        printf("  The first line that is not in the log's format is line %s.\n",
               grouped(counts->malformed_line, &line));
    if (counts->jumps > 0)
        printf("  The log goes back by more than a day, %s times, first at line %s: are these "
               "several logs in one? They are counted, each day for itself.\n",
               grouped(counts->jumps, &number), grouped(counts->jump_line, &line));
    if (counts->unfinished)
        puts("  The last line is not finished: it is left for the next time.");
}

void import_summary(const char *name, const struct import *import)
{
    const struct import_counts *counts = import_counts(import);
    struct number_text before;
    if (counts->lines == 0)
        printf("%s: there is nothing in it.\n", name);
    else if (counts->lines == counts->before)
        printf("%s: nothing is new; all of its %s lines were imported before.\n", name,
               grouped(counts->before, &before));
    else {
        show_views(name, import);
        if (counts->before > 0)
            printf("  %s lines before them were imported earlier.\n",
                   grouped(counts->before, &before));
        show_left_out(counts);
    }
    show_notes(counts);
}
