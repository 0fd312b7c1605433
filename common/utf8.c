/* Checks and cuts UTF-8. The decoding rules are glib's; what is ours is the answer for plain ASCII
 * without a call, since nearly every value of a beacon is, and the refusal of control characters,
 * which would reach a terminal, a CSV file or a log. Pure; any thread. */

#include "common/utf8.h"

#include <glib.h>
#include <stdint.h>

static bool is_ascii_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

/* U+0080..9F are C2 80..9F; in valid UTF-8 the byte C2 only ever starts a character. */
static bool has_c1_control(struct str s)
{
    for (size_t i = 0; i + 1 < s.len; i++)
        if ((unsigned char)s.ptr[i] == 0xc2 && (unsigned char)s.ptr[i + 1] < 0xa0)
            return true;
    return false;
}

bool utf8_is_text(struct str s)
{
    unsigned char any = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (is_ascii_control((unsigned char)s.ptr[i]))
            return false;
        any |= (unsigned char)s.ptr[i];
    }
    if (any < 0x80)
        return true;
    return g_utf8_validate(s.ptr, (gssize)s.len, NULL) && !has_c1_control(s);
}

struct str utf8_cut(struct str s, size_t bytes_max)
{
    if (s.len <= bytes_max)
        return s;
    /* Back over continuation bytes: the byte that would come next must start a character. */
    while (bytes_max > 0 && ((unsigned char)s.ptr[bytes_max] & 0xc0) == 0x80)
        bytes_max--;
    return str_prefix(s, bytes_max);
}
