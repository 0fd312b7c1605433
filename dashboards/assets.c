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
