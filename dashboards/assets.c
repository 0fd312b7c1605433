/* Which embedded file answers which path, and the two request headers that decide its form. The
 * files come from dashboards/web by way of build.mjs. Knows no server: the HTTP side of the
 * dashboards asks, on any thread, and adds the headers. */

#include "dashboards/assets.h"

#include <stddef.h>

#include "aggregator/model.h"
#include "embedded/web_app_css.h"
#include "embedded/web_app_css_gz.h"
#include "embedded/web_app_js.h"
#include "embedded/web_app_js_gz.h"
#include "embedded/web_icon_svg.h"
#include "embedded/web_icon_svg_gz.h"
#include "embedded/web_index_html.h"
#include "embedded/web_index_html_gz.h"
#include "web/etags.h"

#define EMBEDDED(name, type, tag)                                                                  \
    ((struct asset){.bytes = {(const char *)name##_bytes, name##_len},                             \
                    .gzip = {(const char *)name##_gz_bytes, name##_gz_len},                        \
                    .content_type = STR_LIT(type),                                                 \
                    .etag = STR_LIT(tag)})

static bool is_page(struct str path)
{
    if (path.len == 0 || path.ptr[0] != '/')
        return false;
    struct str site = str_from_at(path, 1);
    if (str_ends_with(site, STR_LIT("/")))
        site = str_prefix(site, site.len - 1);
    if (str_eq(site, STR_LIT("api")) || str_eq(site, STR_LIT("assets")))
        return false;
    return path.len == 1 || model_site_valid(site);
}

bool assets_find(struct str path, struct asset *ret_asset)
{
    if (is_page(path))
        *ret_asset = EMBEDDED(web_index_html, "text/html; charset=utf-8", WEB_INDEX_HTML_ETAG);
    else if (str_eq(path, STR_LIT("/assets/app.js")))
        *ret_asset = EMBEDDED(web_app_js, "text/javascript; charset=utf-8", WEB_APP_JS_ETAG);
    else if (str_eq(path, STR_LIT("/assets/app.css")))
        *ret_asset = EMBEDDED(web_app_css, "text/css; charset=utf-8", WEB_APP_CSS_ETAG);
    else if (str_eq(path, STR_LIT("/assets/icon.svg")))
        *ret_asset = EMBEDDED(web_icon_svg, "image/svg+xml", WEB_ICON_SVG_ETAG);
    else
        return false;
    return true;
}

/* Cuts the next item off a comma-separated list; false at its end. */
static bool next_item(struct str *list, struct str *ret_item)
{
    if (list->len == 0)
        return false;
    size_t comma = str_find(*list, ',');
    *ret_item = str_trim(str_prefix(*list, comma));
    *list = str_from_at(*list, comma + 1);
    return true;
}

/* Weak comparison (RFC 9110, 8.8.3.2): `W/` does not count. */
static struct str etag_opaque(struct str etag)
{
    return str_starts_with(etag, STR_LIT("W/")) ? str_from_at(etag, 2) : etag;
}

bool assets_etag_matches(struct str if_none_match, struct str etag)
{
    struct str item;
    while (next_item(&if_none_match, &item)) {
        if (str_eq(item, STR_LIT("*")) || str_eq(etag_opaque(item), etag_opaque(etag)))
            return true;
    }
    return false;
}

/* "q=0", "q=0.0", "q=0.000": not acceptable. */
static bool weight_is_zero(struct str parameter)
{
    if (parameter.len < 3 || !str_eq_ci(str_prefix(parameter, 2), STR_LIT("q=")))
        return false;
    for (size_t at = 2; at < parameter.len; at++) {
        if (parameter.ptr[at] != '0' && parameter.ptr[at] != '.')
            return false;
    }
    return true;
}

bool assets_accepts_gzip(struct str accept_encoding)
{
    struct str item;
    while (next_item(&accept_encoding, &item)) {
        size_t semicolon = str_find(item, ';');
        struct str coding = str_trim(str_prefix(item, semicolon));
        struct str weight = str_trim(str_from_at(item, semicolon + 1));
        if (str_eq_ci(coding, STR_LIT("gzip")))
            return !weight_is_zero(weight);
    }
    return false;
}
