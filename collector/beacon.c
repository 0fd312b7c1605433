/* The native beacon: fields of a form become one struct, or one reason why not.
 *
 * A visitor's browser writes these bytes, so every one is distrusted: strict encoding, known fields
 * once each, each with its cap. Called by a collector's worker once a request; it works in the
 * memory it is given. Pure; any thread. */

#include "collector/beacon.h"

#include <assert.h>

#include "collector/beacon_form.h"
#include "collector/beacon_props.h"

/* The letters of the fields in the order of enum beacon_field. */
#define BEACON_LETTERS "surnpwtd  "
#define PIXEL_LETTERS "spr       "

static const struct beacon_props_caps PROPS_CAPS = {TAG_BYTES_MAX, TAG_BYTES_MAX};

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

static bool read_numbers(const struct beacon_form *form, struct beacon *beacon)
{
    uint32_t scroll = 0;
    if (!beacon_read_number(form->fields[BEACON_FIELD_VIEWPORT], UINT32_MAX,
                            &beacon->viewport_px) ||
        !beacon_read_number(form->fields[BEACON_FIELD_ENGAGED], BEACON_ENGAGED_MS_MAX,
                            &beacon->engaged_ms) ||
        !beacon_read_number(form->fields[BEACON_FIELD_SCROLL], 100, &scroll))
        return false;
    bool says_scroll = form->fields[BEACON_FIELD_SCROLL].len > 0;
    beacon->scroll_percent = says_scroll ? (int)scroll : -1;
    return beacon->kind != BEACON_ENGAGEMENT || says_scroll ||
           form->fields[BEACON_FIELD_ENGAGED].len > 0;
}

static enum beacon_status read_name(const struct beacon_form *form, struct beacon *beacon)
{
    struct str name = form->fields[BEACON_FIELD_NAME];
    if (name.ptr == NULL || str_eq(name, STR_LIT(BEACON_PAGEVIEW_NAME))) {
        beacon->kind = BEACON_PAGEVIEW;
    } else if (str_eq(name, STR_LIT(BEACON_ENGAGEMENT_NAME))) {
        beacon->kind = BEACON_ENGAGEMENT;
    } else if (name.len == 0 || name.len > TAG_BYTES_MAX) {
        return BEACON_BAD_NAME;
    } else {
        beacon->kind = BEACON_EVENT;
        beacon->event = beacon_name_without_email(name);
    }
    return BEACON_OK;
}

static enum beacon_status read_site(const struct beacon_form *form, struct beacon_scratch *scratch,
                                    struct beacon *beacon)
{
    struct str site = form->fields[BEACON_FIELD_SITE];
    if (site.ptr == NULL)
        site = beacon->host;
    if (!beacon_is_site(site))
        return BEACON_BAD_SITE;
    return beacon_copy_lower(scratch, site, &beacon->site) ? BEACON_OK : BEACON_TOO_LARGE;
}

enum beacon_status beacon_parse(struct str body, struct beacon_scratch *scratch,
                                struct beacon *ret_beacon)
{
    struct beacon_form form;
    struct beacon beacon = beacon_nothing();
    enum beacon_status status = beacon_form_read(body, BEACON_LETTERS, scratch, &form);
    if (status == BEACON_OK && form.fields[BEACON_FIELD_URL].len == 0)
        status = BEACON_NO_URL;
    if (status == BEACON_OK)
        status = beacon_read_url(form.fields[BEACON_FIELD_URL], scratch, &beacon);
    if (status == BEACON_OK)
        status = read_site(&form, scratch, &beacon);
    if (status == BEACON_OK)
        status = beacon_read_referrer(form.fields[BEACON_FIELD_REFERRER], scratch, &beacon);
    if (status == BEACON_OK)
        status = read_name(&form, &beacon);
    if (status == BEACON_OK && !read_numbers(&form, &beacon))
        status = BEACON_BAD_NUMBER;
    if (status == BEACON_OK)
        status = beacon_props_parse(form.fields[BEACON_FIELD_PROPS], &PROPS_CAPS, scratch, &beacon);
    if (status == BEACON_OK)
        *ret_beacon = beacon;
    return status;
}

enum beacon_status beacon_parse_pixel(struct str query, struct beacon_scratch *scratch,
                                      struct beacon *ret_beacon)
{
    struct beacon_form form;
    struct beacon beacon = beacon_nothing();
    enum beacon_status status = beacon_form_read(query, PIXEL_LETTERS, scratch, &form);
    struct str page = form.fields[BEACON_FIELD_URL];
    if (status == BEACON_OK && page.len == 0)
        status = BEACON_NO_URL;
    if (status == BEACON_OK && beacon_looks_like_url(page))
        status = beacon_read_url(page, scratch, &beacon);
    if (status == BEACON_OK)
        status = read_site(&form, scratch, &beacon);
    if (status == BEACON_OK && !beacon_looks_like_url(page)) {
        beacon.host = beacon.site;
        status = beacon_read_target(page, scratch, &beacon);
    }
    if (status == BEACON_OK)
        status = beacon_read_referrer(form.fields[BEACON_FIELD_REFERRER], scratch, &beacon);
    if (status == BEACON_OK)
        *ret_beacon = beacon;
    return status;
}
