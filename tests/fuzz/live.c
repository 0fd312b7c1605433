/* Any bytes as a live message: what decodes encodes to the same bytes. */

#include "aggregator/live.h"

#include <assert.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct live_message message;
    struct str bytes = {(const char *)data, size};
    if (!live_decode(bytes, &message))
        return 0;
    struct buf out;
    buf_init(&out, LIVE_BYTES_MAX);
    live_encode(&out, &message);
    assert(str_eq(buf_str(&out), bytes));
    buf_done(&out);
    return 0;
}
