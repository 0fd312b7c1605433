/* The sentences are gathered and printed at the end, so that a progress line does not stand between
 * them. Called by the parts of `footfall audit`. */

#include "cli/audit_report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/findings.h"
#include "common/limits.h"

enum { SENTENCE_BYTES = 1024, LINE_WIDTH = 72 };

#define FORMAT(text, fmt)                                                                          \
    do {                                                                                           \
        va_list args;                                                                              \
        va_start(args, fmt);                                                                       \
        (void)vsnprintf(text, sizeof(text), fmt, args);                                            \
        va_end(args);                                                                              \
    } while (false)

void audit_report_init(struct audit_report *report, bool is_json)
{
    *report = (struct audit_report){
        .root = json_object(),
        .breaches = json_array(),
        .notes = json_array(),
        .good = json_array(),
        .is_json = is_json,
        .shows_progress = isatty(STDERR_FILENO) == 1,
    };
}

void audit_report_done(struct audit_report *report)
{
    json_decref(report->root);
    json_decref(report->breaches);
    json_decref(report->notes);
    json_decref(report->good);
}

void audit_good(struct audit_report *report, const char *fmt, ...)
{
    char text[SENTENCE_BYTES];
    FORMAT(text, fmt);
    json_array_append_new(report->good, json_string(text));
}

void audit_note(struct audit_report *report, const char *fmt, ...)
{
    char text[SENTENCE_BYTES];
    FORMAT(text, fmt);
    json_array_append_new(report->notes, json_string(text));
}

void audit_breach(struct audit_report *report, const char *fmt, ...)
{
    char text[SENTENCE_BYTES];
    FORMAT(text, fmt);
    if (report->breach_count++ < AUDIT_BREACHES_TOLD_MAX)
        json_array_append_new(report->breaches, json_string(text));
}

void audit_tell(struct audit_report *report, const char *name, json_t *value)
{
    json_object_set_new(report->root, name, value);
}

void audit_progress(struct audit_report *report, const char *fmt, ...)
{
    char text[LINE_WIDTH + 1];
    if (!report->shows_progress)
        return;
    FORMAT(text, fmt);
    fprintf(stderr, "\r%-*s", LINE_WIDTH, text);
    report->has_progress = true;
}

static void print_keys(const struct audit_report *report)
{
    json_t *row;
    size_t i;
    printf("%-38s %9s %13s  %s\n", "keys", "count", "bytes", "expire in hours");
    json_array_foreach(json_object_get(report->root, "keys"), i, row)
    {
        json_t *least = json_object_get(row, "expires_least_ms");
        json_t *most = json_object_get(row, "expires_most_ms");
        char expiry[64] = "kept";
        if (json_is_integer(least))
            snprintf(expiry, sizeof(expiry), "%.1f to %.1f",
                     (double)json_integer_value(least) / 3.6e6,
                     (double)json_integer_value(most) / 3.6e6);
        if (json_integer_value(json_object_get(row, "count")) == 0)
            expiry[0] = '\0';
        printf("%-38s %9" JSON_INTEGER_FORMAT " %13" JSON_INTEGER_FORMAT "  %s\n",
               json_string_value(json_object_get(row, "pattern")),
               json_integer_value(json_object_get(row, "count")),
               json_integer_value(json_object_get(row, "bytes")), expiry);
    }
    puts("");
}

static void print_sentences(const struct audit_report *report)
{
    struct findings findings = {0};
    json_t *sentence;
    size_t i;
    json_array_foreach(report->good, i, sentence) findings_good("%s", json_string_value(sentence));
    json_array_foreach(report->notes, i, sentence) findings_note("%s", json_string_value(sentence));
    json_array_foreach(report->breaches, i, sentence)
        findings_trouble(&findings, "%s", json_string_value(sentence));
    if (report->breach_count > AUDIT_BREACHES_TOLD_MAX)
        findings_trouble(&findings, "And %zu more.",
                         report->breach_count - AUDIT_BREACHES_TOLD_MAX);
}

bool audit_report_print(struct audit_report *report)
{
    if (report->has_progress)
        fprintf(stderr, "\r%*s\r", LINE_WIDTH, "");
    if (!report->is_json) {
        print_keys(report);
        print_sentences(report);
    } else {
        audit_tell(report, "good", json_incref(report->good));
        audit_tell(report, "notes", json_incref(report->notes));
        audit_tell(report, "breaches", json_incref(report->breaches));
        audit_tell(report, "breach_count", json_integer((json_int_t)report->breach_count));
        (void)json_dumpf(report->root, stdout, JSON_INDENT(2));
        (void)putchar('\n');
    }
    return report->breach_count == 0;
}

const char *audit_name(struct str key, char out[static AUDIT_NAME_BYTES])
{
    static const char CUT[] = "...";
    size_t len = 0;
    for (; len < key.len && len < AUDIT_NAME_BYTES - sizeof(CUT); len++)
        out[len] = key.ptr[len] >= ' ' && key.ptr[len] <= '~' ? key.ptr[len] : '?';
    memcpy(out + len, len < key.len ? CUT : "", len < key.len ? sizeof(CUT) : 1);
    return out;
}
