/* If-None-Match and Accept-Encoding of any bytes: what is put behind a list is found in it, and
 * "*" with q=0 takes nothing. */

#include "tests/fuzz/fuzz.h"

#include "common/buf.h"
#include "common/negotiate.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct str ETAG = STR_LIT("\"0123456789abcdef\"");
    struct str header = {(const char *)data, len};
    struct buf more;
    buf_init(&more, len + 64);
    buf_append_str(&more, header);
    buf_append_str(&more, STR_LIT(", W/\"0123456789abcdef\""));
    assert(negotiate_etag_matches(buf_str(&more), ETAG));
    buf_reset(&more);
    buf_append_str(&more, header);
    buf_append_str(&more, STR_LIT(", \"other\""));
    assert(negotiate_etag_matches(header, ETAG) == negotiate_etag_matches(buf_str(&more), ETAG));
    buf_reset(&more);
    buf_append_str(&more, header);
    buf_append_str(&more, STR_LIT(", br;q=1.0"));
    assert(negotiate_gzip(header) == negotiate_gzip(buf_str(&more)));
    buf_done(&more);
    return 0;
}
