/* GoatCounter's hits: GET or POST /count, all of it in the query string.
 *
 *   p path, or an event's name · e 1 or true: an event · r referrer · q the page's query
 *   s width of the screen, or "width,height,scale" · b what the client thinks of its own steering
 *
 * Its path holds the page's query as well, of which campaign tags are read and nothing is kept. The
 * title, the cache buster and `ns` are not read. Pure; any thread. */

#include "collector/compat.h"

#include "collector/beacon_form.h"
#include "common/utf8.h"

#define LETTERS " pre s  qb"

enum { BOT_HINT_MIN = 150, BOT_HINT_MAX = 10000 };

static bool is_set(struct str flag)
{
    return str_eq(flag, STR_LIT("1")) || str_eq(flag, STR_LIT("true"));
}

/* The name of an event may be made from a link, whose query is not kept. */
static enum beacon_status read_event(struct str name, struct beacon *beacon)
{
    size_t query = str_find(name, '?');
    if (str_find(str_from_at(name, query), '=') < name.len - query)
        name = str_prefix(name, query);
    name = str_trim(utf8_cut(beacon_name_without_email(name), TAG_BYTES_MAX));
    if (name.len == 0)
        return BEACON_BAD_NAME;
    beacon->kind = BEACON_EVENT;
    beacon->event = name;
    beacon->path = STR_LIT(COMPAT_NO_PAGE);
    return BEACON_OK;
}

static enum beacon_status read_page(const struct beacon_form *form, struct beacon_scratch *scratch,
                                    struct beacon *beacon)
{
    struct str page = form->fields[BEACON_FIELD_URL];
    if (page.len == 0)
        return BEACON_NO_URL;
    if (is_set(form->fields[BEACON_FIELD_NAME]))
        return read_event(page, beacon);
    enum beacon_status status = beacon_looks_like_url(page)
                                    ? beacon_read_url(page, scratch, beacon)
                                    : beacon_read_target(page, scratch, beacon);
    /* Which page it is the client says; whose, the request does. */
    beacon->host = STR_EMPTY;
    return status;
}

static enum beacon_status read_hints(const struct beacon_form *form, struct beacon *beacon)
{
    struct str screen = form->fields[BEACON_FIELD_VIEWPORT];
    uint32_t hint = 0;
    if (!beacon_read_number(str_prefix(screen, str_find(screen, ',')), UINT32_MAX,
                            &beacon->viewport_px))
        return BEACON_BAD_NUMBER;
    if (!beacon_read_number(form->fields[BEACON_FIELD_BOT], BOT_HINT_MAX, &hint) ||
        (hint > 0 && hint < BOT_HINT_MIN))
        return BEACON_BAD_BOT;
    beacon->is_automated = hint >= BOT_HINT_MIN;
    return BEACON_OK;
}

static enum beacon_status read_tags(const struct beacon_form *form, struct beacon_scratch *scratch,
                                    struct beacon *beacon)
{
    struct str query = form->fields[BEACON_FIELD_QUERY];
    if (str_starts_with(query, STR_LIT("?")))
        query = str_from_at(query, 1);
    return beacon_read_query(query, BEACON_TAGS_SHORT, scratch, beacon);
}

enum beacon_status compat_parse_goatcounter(struct str query, struct beacon_scratch *scratch,
                                            struct compat_beacon *ret_beacon)
{
    struct beacon_form form;
    struct compat_beacon compat = {.beacon = beacon_nothing()};
    enum beacon_status status = beacon_form_read(query, LETTERS, scratch, &form);
    if (status == BEACON_OK)
        status = read_page(&form, scratch, &compat.beacon);
    if (status == BEACON_OK)
        status = read_tags(&form, scratch, &compat.beacon);
    if (status == BEACON_OK)
        status = beacon_read_referrer(form.fields[BEACON_FIELD_REFERRER], scratch, &compat.beacon);
    if (status == BEACON_OK)
        status = read_hints(&form, &compat.beacon);
    if (status == BEACON_OK)
        *ret_beacon = compat;
    return status;
}
