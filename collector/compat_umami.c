/* Umami's events: POST /api/send, as its tracker and its server-side client send them.
 *
 *   {"type":"event","payload":{"website":"…","hostname":"example.com","url":"/a","referrer":"",
 *    "screen":"1920x1080","language":"nl","title":"…","name":"signup","data":{…}}}
 *
 * A website is a UUID there, which names nothing here: the page's host tells the site, unless the
 * website is a domain name. What a client may say of a visitor (ip, userAgent, id) or of the time
 * is not read. Pure; any thread. */

#include "collector/compat.h"

#include "collector/compat_json.h"

enum { UUID_BYTES = 36 };

static bool is_uuid(struct str text)
{
    if (text.len != UUID_BYTES)
        return false;
    for (size_t i = 0; i < UUID_BYTES; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text.ptr[i] != '-'
                    : memchr("0123456789abcdefABCDEF", text.ptr[i], 22) == NULL)
            return false;
    }
    return true;
}

/* The site by its name; none for a UUID. */
static enum beacon_status read_website(const json_t *payload, struct beacon_scratch *scratch,
                                       struct compat_beacon *compat)
{
    struct str website = compat_json_text(compat_json_member(payload, "website", NULL));
    if (compat_json_member(payload, "link", "pixel") != NULL || !beacon_is_site(website))
        return BEACON_BAD_WEBSITE;
    if (is_uuid(website))
        return BEACON_OK;
    compat->site_count = 1;
    return beacon_copy_lower(scratch, website, &compat->sites[0]) ? BEACON_OK : BEACON_TOO_LARGE;
}

/* A path becomes a URL on the page's host, so that both go one way. */
static enum beacon_status read_path(struct str host, struct str path,
                                    struct beacon_scratch *scratch, struct beacon *beacon)
{
    static const struct str SCHEME = {"http://", 7};
    size_t slash = str_starts_with(path, STR_LIT("/")) ? 0 : 1;
    size_t len = SCHEME.len + host.len + slash + path.len;
    if (host.len > HOST_BYTES_MAX || path.len > BEACON_URL_BYTES_MAX)
        return BEACON_BAD_URL;
    char *url = beacon_take(scratch, len), *at = url;
    if (url == NULL)
        return BEACON_TOO_LARGE;
    memcpy(at, SCHEME.ptr, SCHEME.len);
    at += SCHEME.len;
    memcpy(at, host.ptr, host.len);
    at += host.len;
    if (slash > 0)
        *at++ = '/';
    if (path.len > 0)
        memcpy(at, path.ptr, path.len);
    return beacon_read_url((struct str){url, len}, scratch, beacon);
}

static enum beacon_status read_page(const json_t *payload, struct beacon_scratch *scratch,
                                    struct compat_beacon *compat)
{
    struct beacon *beacon = &compat->beacon;
    struct str url = compat_json_text(compat_json_member(payload, "url", NULL));
    struct str host = compat_json_text(compat_json_member(payload, "hostname", NULL));
    if (beacon_looks_like_url(url))
        return beacon_read_url(url, scratch, beacon);
    if (host.len == 0 && compat->site_count > 0)
        host = compat->sites[0];
    if (host.len == 0 || (url.ptr == NULL && beacon->kind == BEACON_PAGEVIEW))
        return BEACON_NO_URL;
    enum beacon_status status = read_path(host, url.ptr == NULL ? STR_EMPTY : url, scratch, beacon);
    if (url.ptr == NULL)
        beacon->path = STR_LIT(COMPAT_NO_PAGE);
    return status;
}

static enum beacon_status read_event(json_t *payload, struct beacon_scratch *scratch,
                                     struct compat_beacon *compat)
{
    struct beacon *beacon = &compat->beacon;
    struct str name = compat_json_text(compat_json_member(payload, "name", NULL));
    struct str referrer = compat_json_text(compat_json_member(payload, "referrer", NULL));
    struct str screen = compat_json_text(compat_json_member(payload, "screen", NULL));
    enum beacon_status status = BEACON_OK;
    if (name.len > 0)
        status = compat_read_event(name, scratch, beacon);
    if (status == BEACON_OK)
        status = read_page(payload, scratch, compat);
    if (status == BEACON_OK)
        status = beacon_read_referrer(referrer, scratch, beacon);
    if (status == BEACON_OK)
        status = compat_read_props(compat_json_member(payload, "data", NULL), scratch, beacon);
    /* "1920x1080"; what is none says nothing. */
    if (!beacon_read_number(str_prefix(screen, str_find(screen, 'x')), UINT32_MAX,
                            &beacon->viewport_px))
        beacon->viewport_px = 0;
    return status;
}

static enum beacon_status read_request(const json_t *request, struct beacon_scratch *scratch,
                                       struct compat_beacon *compat)
{
    struct str type = compat_json_text(compat_json_member(request, "type", NULL));
    json_t *payload = compat_json_member(request, "payload", NULL);
    bool is_event = str_eq(type, STR_LIT("event"));
    compat->is_silent = str_eq(type, STR_LIT("identify")) || str_eq(type, STR_LIT("performance"));
    if (!json_is_object(payload) || !(is_event || compat->is_silent))
        return BEACON_BAD_TYPE;
    enum beacon_status status = read_website(payload, scratch, compat);
    if (status != BEACON_OK || compat->is_silent)
        return status;
    status = read_event(payload, scratch, compat);
    if (compat->site_count == 0) {
        compat->site_count = 1;
        compat->sites[0] = compat->beacon.host;
    }
    compat->beacon.site = compat->sites[0];
    return status;
}

enum beacon_status compat_parse_umami(struct str body, struct beacon_scratch *scratch,
                                      struct compat_beacon *ret_beacon)
{
    struct compat_beacon compat = {.beacon = beacon_nothing()};
    json_t *request;
    scratch->used = 0;
    enum beacon_status status = compat_json_load(body, &request);
    if (status != BEACON_OK)
        return status;
    status = read_request(request, scratch, &compat);
    json_decref(request);
    if (status == BEACON_OK)
        *ret_beacon = compat;
    return status;
}
