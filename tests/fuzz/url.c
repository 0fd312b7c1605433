/* URLs: host, path and query are slices of the text in their order, and say the same again when
 * they are put together. */

#include "tests/fuzz/fuzz.h"

#include "collector/url.h"
#include "common/buf.h"

#include <assert.h>

static const char *check_slice(struct str slice, const char *from, const char *end)
{
    if (slice.len == 0)
        return from;
    assert(slice.ptr >= from && slice.ptr + slice.len <= end);
    return slice.ptr + slice.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str text = {(const char *)data, len};
    struct url url, again;
    if (!url_split(text, &url))
        return 0;
    const char *end = text.ptr + text.len, *at = check_slice(url.host, text.ptr, end);
    check_slice(url.query, check_slice(url.path, at, end), end);
    assert(url.host.len > 0 && url.host.len <= HOST_BYTES_MAX);
    assert(url.path.len == 0 || url.path.ptr[0] == '/');
    assert(str_find(url.path, '?') == url.path.len && str_find(url.query, '#') == url.query.len);

    struct buf whole;
    buf_init(&whole, len + 16);
    buf_append_str(&whole, STR_LIT("https://u@"));
    buf_append_str(&whole, url.host);
    buf_append_str(&whole, STR_LIT(":1"));
    buf_append_str(&whole, url.path);
    buf_append_str(&whole, STR_LIT("?"));
    buf_append_str(&whole, url.query);
    buf_append_str(&whole, STR_LIT("#"));
    bool good = url_split(buf_str(&whole), &again);
    assert(good && str_eq(again.host, url.host) && str_eq(again.path, url.path) &&
           str_eq(again.query, url.query));
    buf_done(&whole);
    return 0;
}
