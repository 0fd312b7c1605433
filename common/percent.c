/* Percent-decoding: strict, since a stray '%' means that the sender encodes otherwise than we
 * decode, and a wrong guess would count a page under a wrong name. What the bytes mean (UTF-8,
 * control characters) is the caller's question. Pure; any thread. */

#include "common/percent.h"

#include <stdint.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool percent_decode(struct str raw, enum percent_plus plus, char *out, struct str *ret_decoded)
{
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];
        if (c == '%') {
            int high = i + 2 < raw.len ? hex_value(raw.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_value(raw.ptr[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus == PERCENT_PLUS_IS_SPACE) {
            c = ' ';
        }
        out[len++] = c;
    }
    *ret_decoded = (struct str){out, len};
    return true;
}
