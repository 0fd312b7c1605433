/* Which embedded file is which page of the demo site. It is there to be counted: somebody who has
 * just started Footfall clicks through it and watches the dashboard. Its pages name the site
 * demo.localhost. Knows no server. */

#include "collector/demo.h"

#include "embedded/demo_art_svg.h"
#include "embedded/demo_demo_css.h"
#include "embedded/demo_demo_js.h"
#include "embedded/demo_index_html.h"
#include "embedded/demo_journal_html.h"
#include "embedded/demo_shelf_html.h"
#include "embedded/demo_shelf_js.h"
#include "embedded/demo_tides_html.h"
#include "embedded/demo_visit_html.h"
#include "static/etags.h"

#define DEMO_POLICY                                                                                \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "                    \
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"

/* Asked for again each time: another build may have other pages. */
#define DEMO_FILE(name, tag, type)                                                                 \
    ((struct asset){ASSET_PLAIN(name, tag, type), .cache_control = STR_LIT("no-cache")})
#define DEMO_PAGE(name, tag)                                                                       \
    ((struct asset){ASSET_PLAIN(name, tag, "text/html; charset=utf-8"),                            \
                    .cache_control = STR_LIT("no-cache"), .policy = STR_LIT(DEMO_POLICY)})

enum demo_result demo_find(struct str path, struct asset *ret_asset)
{
    if (str_eq(path, STR_LIT("/demo")))
        return DEMO_IS_FOLDER;
    if (str_eq(path, STR_LIT("/demo/")))
        *ret_asset = DEMO_PAGE(demo_index_html, ETAG_DEMO_INDEX_HTML);
    else if (str_eq(path, STR_LIT("/demo/journal")))
        *ret_asset = DEMO_PAGE(demo_journal_html, ETAG_DEMO_JOURNAL_HTML);
    else if (str_eq(path, STR_LIT("/demo/journal/reading-the-tides")))
        *ret_asset = DEMO_PAGE(demo_tides_html, ETAG_DEMO_TIDES_HTML);
    else if (str_eq(path, STR_LIT("/demo/visit")))
        *ret_asset = DEMO_PAGE(demo_visit_html, ETAG_DEMO_VISIT_HTML);
    else if (str_starts_with(path, STR_LIT("/demo/shelf/")))
        *ret_asset = DEMO_PAGE(demo_shelf_html, ETAG_DEMO_SHELF_HTML);
    else if (str_eq(path, STR_LIT("/demo/demo.css")))
        *ret_asset = DEMO_FILE(demo_demo_css, ETAG_DEMO_DEMO_CSS, "text/css; charset=utf-8");
    else if (str_eq(path, STR_LIT("/demo/demo.js")))
        *ret_asset = DEMO_FILE(demo_demo_js, ETAG_DEMO_DEMO_JS, "text/javascript; charset=utf-8");
    else if (str_eq(path, STR_LIT("/demo/shelf.js")))
        *ret_asset = DEMO_FILE(demo_shelf_js, ETAG_DEMO_SHELF_JS, "text/javascript; charset=utf-8");
    else if (str_eq(path, STR_LIT("/demo/art.svg")))
        *ret_asset = DEMO_FILE(demo_art_svg, ETAG_DEMO_ART_SVG, "image/svg+xml");
    else
        return DEMO_NOT_FOUND;
    return DEMO_FOUND;
}
