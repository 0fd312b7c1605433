/* The native beacon: fields of a form become one struct, or one reason why not.
 *
 * A visitor's browser writes these bytes, so every one is distrusted: strict encoding, known fields
 * once each, each with its cap. What identifies a person is left behind here and goes no further:
 * the query but for campaign tags, the referrer but for its host, secrets in the path. Called by a
 * collector's worker once a request; it works in the memory it is given. Pure; any thread. */

#include "collector/beacon.h"

#include <assert.h>

#include "collector/beacon_props.h"
#include "collector/path.h"
#include "collector/url.h"
#include "common/percent.h"
#include "common/utf8.h"

/* Half an hour: a report says what was added since the one before, and a visit ends by then. */
#define ENGAGED_MS_MAX (VISIT_IDLE_S * 1000)

enum field {
    FIELD_SITE,
    FIELD_URL,
    FIELD_REFERRER,
    FIELD_NAME,
    FIELD_PROPS,
    FIELD_VIEWPORT,
    FIELD_ENGAGED,
    FIELD_SCROLL,
    FIELD__COUNT
};

/* A form's known fields, decoded and trimmed. Absent ones have no ptr. */
struct form {
    struct str fields[FIELD__COUNT];
};

/* The letters of the fields in the order of enum field; ' ' where a form does not have one. */
#define BEACON_LETTERS "surnpwtd"
#define PIXEL_LETTERS "spr     "

const char *beacon_status_sentence(enum beacon_status status)
{
    static const char *const SENTENCES[BEACON__COUNT] = {[BEACON_OK] = "The beacon is good.",
#define X(id, name, sentence) [BEACON_##id] = sentence,
                                                         BEACON_FAULTS(X)
#undef X
    };
    assert(status < BEACON__COUNT);
    return SENTENCES[status];
}

/* --- The form --------------------------------------------------------------------------------- */
/* FIELD__COUNT for a name that is not known. */
static enum field field_of(struct str name, const char *letters)
{
    const char *at =
        name.len != 1 || *name.ptr == ' ' ? NULL : memchr(letters, *name.ptr, FIELD__COUNT);
    return at == NULL ? FIELD__COUNT : (enum field)(at - letters);
}

/* One "name=value". Properties may hold line breaks, and JSON has its own rules for the rest. */
static enum beacon_status form_read_pair(struct str pair, const char *letters,
                                         struct beacon_scratch *scratch, struct form *form)
{
    size_t equals = str_find(pair, '=');
    size_t used_before = scratch->used;
    char *bytes = beacon_take(scratch, pair.len);
    struct str name, value;
    if (bytes == NULL)
        return BEACON_TOO_LARGE;
    if (!percent_decode(str_prefix(pair, equals), PERCENT_PLUS_IS_SPACE, bytes, &name) ||
        !percent_decode(str_from_at(pair, equals + 1), PERCENT_PLUS_IS_SPACE, bytes + name.len,
                        &value))
        return BEACON_BAD_ENCODING;
    enum field field = field_of(name, letters);
    if (field == FIELD__COUNT) {
        scratch->used = used_before;
        return BEACON_OK;
    }
    if (form->fields[field].ptr != NULL)
        return BEACON_DUPLICATE_FIELD;
    value = str_trim(value);
    if (!(field == FIELD_PROPS && letters[FIELD_PROPS] != ' ') && !utf8_is_text(value))
        return BEACON_BAD_ENCODING;
    form->fields[field] = value;
    return BEACON_OK;
}

static enum beacon_status form_read(struct str body, const char *letters,
                                    struct beacon_scratch *scratch, struct form *form)
{
    *form = (struct form){0};
    scratch->used = 0;
    if (body.len > BEACON_BODY_BYTES_MAX)
        return BEACON_TOO_LARGE;
    while (body.len > 0) {
        struct str pair = str_prefix(body, str_find(body, '&'));
        body = str_from_at(body, pair.len + 1);
        enum beacon_status status = form_read_pair(pair, letters, scratch, form);
        if (status != BEACON_OK)
            return status;
    }
    return BEACON_OK;
}

/* --- Values ----------------------------------------------------------------------------------- */
static bool copy_lower(struct beacon_scratch *scratch, struct str s, struct str *ret_copy)
{
    char *bytes = beacon_take(scratch, s.len);
    if (bytes == NULL)
        return false;
    for (size_t i = 0; i < s.len; i++)
        bytes[i] = (char)(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? s.ptr[i] | 0x20 : s.ptr[i]);
    *ret_copy = (struct str){bytes, s.len};
    return true;
}

/* A decimal number; a fraction, which browsers' clocks have, is dropped. Empty and absent leave
 * *value alone; more than `max` is `max`. */
static bool read_number(struct str text, uint32_t max, uint32_t *value)
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

static bool read_numbers(const struct form *form, struct beacon *beacon)
{
    uint32_t scroll = 0;
    if (!read_number(form->fields[FIELD_VIEWPORT], UINT32_MAX, &beacon->viewport_px) ||
        !read_number(form->fields[FIELD_ENGAGED], ENGAGED_MS_MAX, &beacon->engaged_ms) ||
        !read_number(form->fields[FIELD_SCROLL], 100, &scroll))
        return false;
    bool says_scroll = form->fields[FIELD_SCROLL].len > 0;
    beacon->scroll_percent = says_scroll ? (int)scroll : -1;
    return beacon->kind != BEACON_ENGAGEMENT || says_scroll || form->fields[FIELD_ENGAGED].len > 0;
}

/* Whatever could be a site's name; whether it is one, the site list knows. */
static bool is_site(struct str site)
{
    for (size_t i = 0; i < site.len; i++)
        if (memchr(" /?#@\\", site.ptr[i], 6) != NULL)
            return false;
    return site.len > 0 && site.len <= HOST_BYTES_MAX;
}

static struct str without_email(struct str text)
{
    return path_holds_email(text) ? STR_LIT(PATH_PRIVATE) : text;
}

static enum beacon_status read_name(const struct form *form, struct beacon *beacon)
{
    struct str name = form->fields[FIELD_NAME];
    if (name.ptr == NULL || str_eq(name, STR_LIT(BEACON_PAGEVIEW_NAME))) {
        beacon->kind = BEACON_PAGEVIEW;
    } else if (str_eq(name, STR_LIT(BEACON_ENGAGEMENT_NAME))) {
        beacon->kind = BEACON_ENGAGEMENT;
    } else if (name.len == 0 || name.len > TAG_BYTES_MAX) {
        return BEACON_BAD_NAME;
    } else {
        beacon->kind = BEACON_EVENT;
        beacon->event = without_email(name);
    }
    return BEACON_OK;
}

/* --- The page --------------------------------------------------------------------------------- */
/* Where a parameter of the page's query goes, or NULL. */
static struct str *tag_of(struct str name, struct beacon *beacon)
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
static enum beacon_status read_tag(struct str pair, struct beacon_scratch *scratch,
                                   struct beacon *beacon)
{
    size_t equals = str_find(pair, '=');
    struct str name = str_prefix(pair, equals), value = str_from_at(pair, equals + 1);
    if (value.len > 0)
        note_click_id(name, beacon);
    struct str *tag = tag_of(name, beacon);
    if (tag == NULL || tag->len > 0)
        return BEACON_OK;
    char *bytes = beacon_take(scratch, value.len);
    if (bytes == NULL)
        return BEACON_TOO_LARGE;
    if (!percent_decode(value, PERCENT_PLUS_IS_SPACE, bytes, &value) || !utf8_is_text(value))
        return BEACON_BAD_ENCODING;
    *tag = str_trim(utf8_cut(without_email(str_trim(value)), TAG_BYTES_MAX));
    return BEACON_OK;
}

static enum beacon_status read_query(struct str query, struct beacon_scratch *scratch,
                                     struct beacon *beacon)
{
    while (query.len > 0) {
        struct str pair = str_prefix(query, str_find(query, '&'));
        query = str_from_at(query, pair.len + 1);
        enum beacon_status status = read_tag(pair, scratch, beacon);
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

static enum beacon_status read_url(struct str text, struct beacon_scratch *scratch,
                                   struct beacon *beacon)
{
    struct url url;
    if (text.len > BEACON_URL_BYTES_MAX || !url_split(text, &url))
        return BEACON_BAD_URL;
    if (!copy_lower(scratch, url.host, &beacon->host))
        return BEACON_TOO_LARGE;
    enum beacon_status status = read_path(url.path, scratch, beacon);
    return status == BEACON_OK ? read_query(url.query, scratch, beacon) : status;
}

static enum beacon_status read_site(const struct form *form, struct beacon_scratch *scratch,
                                    struct beacon *beacon)
{
    struct str site = form->fields[FIELD_SITE];
    if (site.ptr == NULL)
        site = beacon->host;
    if (!is_site(site))
        return BEACON_BAD_SITE;
    return copy_lower(scratch, site, &beacon->site) ? BEACON_OK : BEACON_TOO_LARGE;
}

/* A referrer that is no http(s) URL is none: apps and browsers put all kinds of things there. */
static enum beacon_status read_referrer(const struct form *form, struct beacon_scratch *scratch,
                                        struct beacon *beacon)
{
    struct url url;
    if (form->fields[FIELD_REFERRER].len == 0 || !url_split(form->fields[FIELD_REFERRER], &url))
        return BEACON_OK;
    struct str host;
    if (!copy_lower(scratch, url.host, &host))
        return BEACON_TOO_LARGE;
    if (str_starts_with(host, STR_LIT("www.")) &&
        str_find(str_from_at(host, 4), '.') + 4 < host.len)
        host = str_from_at(host, 4);
    beacon->referrer_host = host;
    return BEACON_OK;
}

/* --- Beacons ---------------------------------------------------------------------------------- */
static struct beacon beacon_nothing(void)
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

enum beacon_status beacon_parse(struct str body, struct beacon_scratch *scratch,
                                struct beacon *ret_beacon)
{
    struct form form;
    struct beacon beacon = beacon_nothing();
    enum beacon_status status = form_read(body, BEACON_LETTERS, scratch, &form);
    if (status == BEACON_OK && form.fields[FIELD_URL].len == 0)
        status = BEACON_NO_URL;
    if (status == BEACON_OK)
        status = read_url(form.fields[FIELD_URL], scratch, &beacon);
    if (status == BEACON_OK)
        status = read_site(&form, scratch, &beacon);
    if (status == BEACON_OK)
        status = read_referrer(&form, scratch, &beacon);
    if (status == BEACON_OK)
        status = read_name(&form, &beacon);
    if (status == BEACON_OK && !read_numbers(&form, &beacon))
        status = BEACON_BAD_NUMBER;
    if (status == BEACON_OK)
        status = beacon_props_parse(form.fields[FIELD_PROPS], scratch, &beacon);
    if (status == BEACON_OK)
        *ret_beacon = beacon;
    return status;
}

/* A path on the site itself; with a query, its tags are read as those of a URL. */
static enum beacon_status read_pixel_path(struct str text, struct beacon_scratch *scratch,
                                          struct beacon *beacon)
{
    if (text.len > BEACON_URL_BYTES_MAX)
        return BEACON_BAD_URL;
    beacon->host = beacon->site;
    text = str_prefix(text, str_find(text, '#'));
    struct str path = str_prefix(text, str_find(text, '?'));
    enum beacon_status status = read_path(path, scratch, beacon);
    return status == BEACON_OK ? read_query(str_from_at(text, path.len + 1), scratch, beacon)
                               : status;
}

static bool looks_like_url(struct str text)
{
    return str_eq_ci(str_prefix(text, 7), STR_LIT("http://")) ||
           str_eq_ci(str_prefix(text, 8), STR_LIT("https://"));
}

enum beacon_status beacon_parse_pixel(struct str query, struct beacon_scratch *scratch,
                                      struct beacon *ret_beacon)
{
    struct form form;
    struct beacon beacon = beacon_nothing();
    enum beacon_status status = form_read(query, PIXEL_LETTERS, scratch, &form);
    struct str page = form.fields[FIELD_URL];
    if (status == BEACON_OK && page.len == 0)
        status = BEACON_NO_URL;
    if (status == BEACON_OK && looks_like_url(page))
        status = read_url(page, scratch, &beacon);
    if (status == BEACON_OK)
        status = read_site(&form, scratch, &beacon);
    if (status == BEACON_OK && !looks_like_url(page))
        status = read_pixel_path(page, scratch, &beacon);
    if (status == BEACON_OK)
        status = read_referrer(&form, scratch, &beacon);
    if (status == BEACON_OK)
        *ret_beacon = beacon;
    return status;
}
