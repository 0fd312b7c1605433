/* Lines of access logs: any bytes are a line or none, in each format, and what is read stands in
 * the line or in the reader. The first byte picks the format. */

#include "tests/fuzz/fuzz.h"

#include <assert.h>

#include "collector/access_log.h"
#include "collector/page_request.h"
#include "common/limits.h"

static void touch(struct str s)
{
    static volatile unsigned char sum;
    assert(s.ptr != NULL || s.len == 0);
    assert(s.len <= IMPORT_LINE_BYTES_MAX);
    for (size_t i = 0; i < s.len; i++)
        sum = (unsigned char)(sum + (unsigned char)s.ptr[i]);
}

static void check(const struct access_line *line)
{
    touch(line->method);
    touch(line->target);
    touch(line->referrer);
    touch(line->user_agent);
    touch(line->language);
    touch(line->content_type);
    touch(line->ahead.purpose);
    assert(line->host.len <= HOST_BYTES_MAX);
    assert(line->status >= 100 && line->status <= 999);
    assert(line->address.family == 4 || line->address.family == 6);
    /* The calendar's ends, with the largest offset. */
    assert(line->time_ms >= -100 * 3600 * INT64_C(1000) &&
           line->time_ms < INT64_C(253402400000000));
    (void)page_request_is_page(line->target, line->content_type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct access_rules rules = {.honour_gpc = true, .honour_dnt = true};
    struct access_line line;
    if (len == 0)
        return 0;
    enum access_format format = (enum access_format)(data[0] % ACCESS__COUNT);
    struct str rest = {(const char *)data + 1, len - 1};
    struct access_reader *reader = access_reader_new(format, &rules);
    while (rest.len > 0) {
        struct str text = str_prefix(rest, str_find(rest, '\n'));
        if (access_read(reader, text, &line))
            check(&line);
        rest = str_from_at(rest, text.len + 1);
    }
    access_reader_free(reader);
    return 0;
}
