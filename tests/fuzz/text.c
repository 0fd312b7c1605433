/* Percent-decoding and UTF-8 of any bytes: decoding in place gives what decoding elsewhere gives,
 * what is encoded comes back, and text that is cut is still text. */

#include "tests/fuzz/fuzz.h"

#include "common/percent.h"
#include "common/utf8.h"

#include <assert.h>
#include <stdlib.h>

static void check_round_trip(struct str bytes)
{
    static const char HEX[] = "0123456789abcdef";
    char *encoded = malloc(3 * bytes.len + 1);
    struct str decoded;
    assert(encoded != NULL);
    for (size_t i = 0; i < bytes.len; i++) {
        encoded[3 * i] = '%';
        encoded[3 * i + 1] = HEX[(uint8_t)bytes.ptr[i] >> 4];
        encoded[3 * i + 2] = HEX[bytes.ptr[i] & 15];
    }
    struct str raw = {encoded, 3 * bytes.len};
    bool good = percent_decode(raw, PERCENT_PLUS_IS_SPACE, encoded, &decoded);
    assert(good && str_eq(decoded, bytes));
    free(encoded);
}

static void check_in_place(struct str bytes, enum percent_plus plus)
{
    char *out = malloc(bytes.len + 1), *same = malloc(bytes.len + 1);
    struct str decoded, in_place;
    assert(out != NULL && same != NULL);
    if (bytes.len > 0)
        memcpy(same, bytes.ptr, bytes.len);
    bool good = percent_decode(bytes, plus, out, &decoded);
    bool again = percent_decode((struct str){same, bytes.len}, plus, same, &in_place);
    assert(good == again && (!good || str_eq(decoded, in_place)));
    assert(!good || decoded.len <= bytes.len);
    free(out);
    free(same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str bytes = {(const char *)data, len};
    check_round_trip(bytes);
    check_in_place(bytes, PERCENT_PLUS_IS_PLUS);
    check_in_place(bytes, PERCENT_PLUS_IS_SPACE);
    if (!utf8_is_text(bytes))
        return 0;
    for (size_t most = 0; most <= len && most < 64; most++) {
        struct str cut = utf8_cut(bytes, most);
        assert(cut.len <= most && cut.len + 3 >= most && utf8_is_text(cut));
    }
    return 0;
}
