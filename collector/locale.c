/* The coarse locale of a browser: one language of Accept-Language and one bucket of its width.
 *
 * Coarse on purpose: the whole Accept-Language header, or an exact screen size, tells people apart.
 * Not for negotiation: quality values are not read, since browsers list the preferred one first.
 * Called by the collector's worker for each view; pure, keeps nothing. */

#include "collector/locale.h"

static bool is_ascii_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct str locale_language(struct str accept_language, char out[4])
{
    struct str first = str_trim(str_prefix(accept_language, str_find(accept_language, ',')));
    if (str_trim(accept_language).len == 0)
        return STR_EMPTY;
    size_t len = 0;
    while (len < first.len && is_ascii_letter(first.ptr[len]))
        len++;
    /* A region ("-"; careless clients write "_") or a quality may follow the primary subtag. */
    bool ends_well = len == first.len || memchr("-_; \t", first.ptr[len], 5) != NULL;
    if (len < 2 || len > 3 || !ends_well)
        return STR_LIT("(other)");
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(first.ptr[i] | 0x20);
    out[len] = '\0';
    return (struct str){out, len};
}

struct str locale_screen(uint32_t viewport_px)
{
    if (viewport_px == 0)
        return STR_EMPTY;
    if (viewport_px < 576)
        return STR_LIT("Mobile");
    if (viewport_px < 992)
        return STR_LIT("Tablet");
    if (viewport_px < 1440)
        return STR_LIT("Laptop");
    return STR_LIT("Desktop");
}
