/* Plausible's events: POST /api/event, as its trackers and its server-side clients send them.
 *
 *   {"n":"pageview","u":"https://example.com/a","d":"example.com","r":null,"p":{…},"i":false,"h":1}
 *   {"n":"engagement","u":"https://example.com/a","d":"example.com","sd":80,"e":4200}
 *
 * Each member has a long name as well. Revenue and the script's version are not read, nor are the
 * headers with which a client may name another address. Pure; any thread. */

#include "collector/compat.h"

#include <inttypes.h>
#include <stdio.h>

#include "collector/compat_json.h"

/* What Plausible's server takes for a time; longer is a clock that has jumped. */
#define ENGAGED_MS_SANE_MAX (UINT64_C(30) * 24 * 60 * 60 * 1000)

static enum beacon_status read_page(const json_t *event, struct beacon_scratch *scratch,
                                    struct beacon *beacon)
{
    const json_t *value = compat_json_member(event, "u", "url");
    struct str url = compat_json_text(value);
    if (value == NULL || (url.ptr != NULL && url.len == 0))
        return BEACON_NO_URL;
    if (url.ptr == NULL)
        return BEACON_BAD_URL;
    enum beacon_status status = beacon_read_url(url, scratch, beacon);
    const json_t *hash_mode = compat_json_member(event, "h", "hashMode");
    bool by_hash = json_is_true(hash_mode) || json_integer_value(hash_mode) == 1;
    return status == BEACON_OK && by_hash ? beacon_add_route(url, scratch, beacon) : status;
}

static bool has_site(const struct compat_beacon *compat, struct str site)
{
    for (size_t i = 0; i < compat->site_count; i++)
        if (str_eq(compat->sites[i], site))
            return true;
    return false;
}

/* "a.example,b.example": the event counts for each. Absent: the page's host. */
static enum beacon_status read_sites(const json_t *event, struct beacon_scratch *scratch,
                                     struct compat_beacon *compat)
{
    const json_t *value = compat_json_member(event, "d", "domain");
    struct str list = value == NULL ? compat->beacon.host : compat_json_text(value);
    while (list.len > 0) {
        struct str item = str_prefix(list, str_find(list, ',')), site = str_trim(item);
        list = str_from_at(list, item.len + 1);
        if (site.len == 0)
            continue;
        if (!beacon_is_site(site) || compat->site_count == COMPAT_SITES_MAX)
            return BEACON_BAD_SITE;
        if (!beacon_copy_lower(scratch, site, &site))
            return BEACON_TOO_LARGE;
        if (!has_site(compat, site))
            compat->sites[compat->site_count++] = site;
    }
    if (compat->site_count == 0)
        return BEACON_BAD_SITE;
    compat->beacon.site = compat->sites[0];
    return BEACON_OK;
}

static enum beacon_status read_name(const json_t *event, struct beacon_scratch *scratch,
                                    struct beacon *beacon)
{
    const json_t *value = compat_json_member(event, "n", "name");
    struct str name = compat_json_text(value);
    char number[24];
    if (json_is_integer(value)) {
        int len =
            snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        name = (struct str){number, (size_t)len};
    }
    if (str_eq(name, STR_LIT(BEACON_PAGEVIEW_NAME)))
        beacon->kind = BEACON_PAGEVIEW;
    else if (str_eq(name, STR_LIT(BEACON_ENGAGEMENT_NAME)))
        beacon->kind = BEACON_ENGAGEMENT;
    else
        return compat_read_event(name, scratch, beacon);
    return BEACON_OK;
}

/* What a report cannot use counts as not said; one of the two it needs. */
static enum beacon_status read_report(const json_t *event, struct beacon *beacon)
{
    uint64_t scroll, engaged;
    bool says_scroll = compat_json_number(compat_json_member(event, "sd", "scroll_depth"), &scroll);
    bool says_engaged =
        compat_json_number(compat_json_member(event, "e", "engagement_time"), &engaged) &&
        engaged < ENGAGED_MS_SANE_MAX;
    if (says_scroll)
        beacon->scroll_percent = scroll > 100 ? 100 : (int)scroll;
    if (says_engaged)
        beacon->engaged_ms =
            engaged > BEACON_ENGAGED_MS_MAX ? BEACON_ENGAGED_MS_MAX : (uint32_t)engaged;
    return says_scroll || says_engaged ? BEACON_OK : BEACON_BAD_NUMBER;
}

static enum beacon_status read_rest(const json_t *event, struct beacon_scratch *scratch,
                                    struct beacon *beacon)
{
    uint64_t width;
    if (compat_json_number(compat_json_member(event, "w", "screen_width"), &width))
        beacon->viewport_px = width > UINT32_MAX ? UINT32_MAX : (uint32_t)width;
    if (beacon->kind == BEACON_ENGAGEMENT)
        return read_report(event, beacon);
    json_t *props = compat_json_member(event, "p", "props");
    if (props == NULL)
        props = compat_json_member(event, "m", "meta");
    beacon->is_passive = beacon->kind == BEACON_EVENT &&
                         json_is_false(compat_json_member(event, "i", "interactive"));
    return compat_read_props(props, scratch, beacon);
}

static enum beacon_status read_event(const json_t *event, struct beacon_scratch *scratch,
                                     struct compat_beacon *compat)
{
    struct beacon *beacon = &compat->beacon;
    struct str referrer = compat_json_text(compat_json_member(event, "r", "referrer"));
    enum beacon_status status = read_name(event, scratch, beacon);
    if (status == BEACON_OK)
        status = read_page(event, scratch, beacon);
    if (status == BEACON_OK)
        status = read_sites(event, scratch, compat);
    if (status == BEACON_OK)
        status = beacon_read_referrer(referrer, scratch, beacon);
    if (status == BEACON_OK)
        status = read_rest(event, scratch, beacon);
    return status;
}

enum beacon_status compat_parse_plausible(struct str body, struct beacon_scratch *scratch,
                                          struct compat_beacon *ret_beacon)
{
    struct compat_beacon compat = {.beacon = beacon_nothing()};
    json_t *event;
    scratch->used = 0;
    enum beacon_status status = compat_json_load(body, &event);
    if (status != BEACON_OK)
        return status;
    status = read_event(event, scratch, &compat);
    json_decref(event);
    if (status == BEACON_OK)
        *ret_beacon = compat;
    return status;
}
