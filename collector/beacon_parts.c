/* The parts of a page that every wire format has, read and cleaned.
 *
 * What identifies a person is left behind here and goes no further: the query but for campaign
 * tags, the referrer but for its host, secrets in the path. Pure; any thread. */

#include "collector/beacon_parts.h"

#include "collector/path.h"
#include "collector/url.h"
#include "common/percent.h"
#include "common/utf8.h"

/* --- The scratch ------------------------------------------------------------------------------ */
char *beacon_take(struct beacon_scratch *scratch, size_t len)
{
    if (len > sizeof(scratch->bytes) - scratch->used)
        return NULL;
    char *bytes = scratch->bytes + scratch->used;
    scratch->used += len;
    return bytes;
}

bool beacon_copy(struct beacon_scratch *scratch, struct str s, struct str *ret_copy)
{
    char *bytes = beacon_take(scratch, s.len);
    if (bytes == NULL)
        return false;
    memcpy(bytes, s.ptr, s.len);
    *ret_copy = (struct str){bytes, s.len};
    return true;
}

bool beacon_copy_lower(struct beacon_scratch *scratch, struct str s, struct str *ret_copy)
{
    char *bytes = beacon_take(scratch, s.len);
    if (bytes == NULL)
        return false;
    for (size_t i = 0; i < s.len; i++)
        bytes[i] = (char)(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? s.ptr[i] | 0x20 : s.ptr[i]);
    *ret_copy = (struct str){bytes, s.len};
    return true;
}

struct beacon beacon_nothing(void)
{
    struct beacon beacon = {.site = STR_EMPTY,
                            .host = STR_EMPTY,
                            .path = STR_EMPTY,
                            .referrer_host = STR_EMPTY,
                            .ref = STR_EMPTY,
                            .event = STR_EMPTY,
                            .scroll_percent = -1};
    for (size_t i = 0; i < UTM__COUNT; i++)
        beacon.utm[i] = STR_EMPTY;
    return beacon;
}

/* --- Values ----------------------------------------------------------------------------------- */
bool beacon_read_number(struct str text, uint32_t max, uint32_t *value)
{
    if (text.len == 0)
        return true;
    uint64_t number = 0;
    size_t dot = str_find(text, '.');
    for (size_t i = 0; i < text.len; i++) {
        if (i == dot)
            continue;
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || dot == 0)
            return false;
        if (i < dot && number <= max)
            number = number * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    *value = number > max ? max : (uint32_t)number;
    return true;
}

bool beacon_is_site(struct str site)
{
    for (size_t i = 0; i < site.len; i++)
        if (memchr(" /?#@\\", site.ptr[i], 6) != NULL)
            return false;
    return site.len > 0 && site.len <= HOST_BYTES_MAX;
}

struct str beacon_name_without_email(struct str name)
{
    return path_holds_email(name) ? STR_LIT(PATH_PRIVATE) : name;
}

/* --- The page --------------------------------------------------------------------------------- */
/* Where a parameter of the page's query goes, or NULL. */
static struct str *tag_of(struct str name, enum beacon_tags tags, struct beacon *beacon)
{
    static const struct str utm_names[UTM__COUNT] = {
        [UTM_SOURCE] = STR_LIT("utm_source"),     [UTM_MEDIUM] = STR_LIT("utm_medium"),
        [UTM_CAMPAIGN] = STR_LIT("utm_campaign"), [UTM_CONTENT] = STR_LIT("utm_content"),
        [UTM_TERM] = STR_LIT("utm_term"),
    };
    if (str_eq_ci(name, STR_LIT("ref")) || str_eq_ci(name, STR_LIT("source")))
        return &beacon->ref;
    for (size_t i = 0; i < UTM__COUNT; i++)
        if (str_eq_ci(name, utm_names[i]))
            return &beacon->utm[i];
    if (tags == BEACON_TAGS_SHORT && str_eq_ci(name, STR_LIT("campaign")))
        return &beacon->utm[UTM_CAMPAIGN];
    if (tags == BEACON_TAGS_SHORT && str_eq_ci(name, STR_LIT("src")))
        return &beacon->ref;
    return NULL;
}

static void note_click_id(struct str name, struct beacon *beacon)
{
    if (str_eq(name, STR_LIT("gclid")) || str_eq(name, STR_LIT("gbraid")) ||
        str_eq(name, STR_LIT("wbraid")))
        beacon->click_id_google = true;
    else if (str_eq(name, STR_LIT("msclkid")))
        beacon->click_id_microsoft = true;
}

/* One parameter; the first of a name that says something counts. Others are not even decoded. */
static enum beacon_status read_tag(struct str pair, enum beacon_tags tags,
                                   struct beacon_scratch *scratch, struct beacon *beacon)
{
    size_t equals = str_find(pair, '=');
    struct str name = str_prefix(pair, equals), value = str_from_at(pair, equals + 1);
    if (value.len > 0)
        note_click_id(name, beacon);
    struct str *tag = tag_of(name, tags, beacon);
    if (tag == NULL || tag->len > 0)
        return BEACON_OK;
    char *bytes = beacon_take(scratch, value.len);
    if (bytes == NULL)
        return BEACON_TOO_LARGE;
    if (!percent_decode(value, PERCENT_PLUS_IS_SPACE, bytes, &value) || !utf8_is_text(value))
        return BEACON_BAD_ENCODING;
    *tag = str_trim(utf8_cut(beacon_name_without_email(str_trim(value)), TAG_BYTES_MAX));
    return BEACON_OK;
}

enum beacon_status beacon_read_query(struct str query, enum beacon_tags tags,
                                     struct beacon_scratch *scratch, struct beacon *beacon)
{
    while (query.len > 0) {
        struct str pair = str_prefix(query, str_find(query, '&'));
        query = str_from_at(query, pair.len + 1);
        enum beacon_status status = read_tag(pair, tags, scratch, beacon);
        if (status != BEACON_OK)
            return status;
    }
    return BEACON_OK;
}

static enum beacon_status read_path(struct str raw, struct beacon_scratch *scratch,
                                    struct beacon *beacon)
{
    char *bytes = beacon_take(scratch, PATH_BYTES_MAX);
    if (bytes == NULL)
        return BEACON_TOO_LARGE;
    return path_normalise(raw, bytes, &beacon->path) ? BEACON_OK : BEACON_BAD_ENCODING;
}

enum beacon_status beacon_read_url(struct str text, struct beacon_scratch *scratch,
                                   struct beacon *beacon)
{
    struct url url;
    if (text.len > BEACON_URL_BYTES_MAX || !url_split(text, &url))
        return BEACON_BAD_URL;
    if (!beacon_copy_lower(scratch, url.host, &beacon->host))
        return BEACON_TOO_LARGE;
    enum beacon_status status = read_path(url.path, scratch, beacon);
    return status == BEACON_OK ? beacon_read_query(url.query, BEACON_TAGS_USUAL, scratch, beacon)
                               : status;
}

bool beacon_looks_like_url(struct str text)
{
    return str_eq_ci(str_prefix(text, 7), STR_LIT("http://")) ||
           str_eq_ci(str_prefix(text, 8), STR_LIT("https://"));
}

enum beacon_status beacon_read_target(struct str target, struct beacon_scratch *scratch,
                                      struct beacon *beacon)
{
    if (target.len > BEACON_URL_BYTES_MAX)
        return BEACON_BAD_URL;
    target = str_prefix(target, str_find(target, '#'));
    struct str path = str_prefix(target, str_find(target, '?'));
    enum beacon_status status = read_path(path, scratch, beacon);
    return status == BEACON_OK ? beacon_read_query(str_from_at(target, path.len + 1),
                                                   BEACON_TAGS_USUAL, scratch, beacon)
                               : status;
}

enum beacon_status beacon_add_route(struct str url, struct beacon_scratch *scratch,
                                    struct beacon *beacon)
{
    char bytes[PATH_BYTES_MAX];
    struct str fragment = str_from_at(url, str_find(url, '#') + 1), route;
    if (fragment.len == 0)
        return BEACON_OK;
    if (!path_normalise(fragment, bytes, &route))
        return BEACON_BAD_ENCODING;
    if (*fragment.ptr != '/')
        route = str_from_at(route, 1);
    if (route.len == 0)
        return BEACON_OK;
    char *whole = beacon_take(scratch, beacon->path.len + 1 + route.len);
    if (whole == NULL)
        return BEACON_TOO_LARGE;
    memcpy(whole, beacon->path.ptr, beacon->path.len);
    whole[beacon->path.len] = '#';
    memcpy(whole + beacon->path.len + 1, route.ptr, route.len);
    beacon->path = utf8_cut((struct str){whole, beacon->path.len + 1 + route.len}, PATH_BYTES_MAX);
    return BEACON_OK;
}

enum beacon_status beacon_read_referrer(struct str referrer, struct beacon_scratch *scratch,
                                        struct beacon *beacon)
{
    struct url url;
    if (referrer.len == 0 || !url_split(referrer, &url))
        return BEACON_OK;
    struct str host;
    if (!beacon_copy_lower(scratch, url.host, &host))
        return BEACON_TOO_LARGE;
    if (str_starts_with(host, STR_LIT("www.")) &&
        str_find(str_from_at(host, 4), '.') + 4 < host.len)
        host = str_from_at(host, 4);
    beacon->referrer_host = host;
    return BEACON_OK;
}
