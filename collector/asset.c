/* The tracker and the small files around it, as replies.
 *
 * A browser asks for the tracker once a day; then its ETag, a hash of the content made by the
 * build, mostly makes the answer a 304. A strong tag names exact bytes, so the gzip form has a tag
 * of its own. Knows no server: asset_http.c asks, on any thread. */

#include "collector/asset.h"

#include "common/negotiate.h"
#include "embedded/optout_css.h"
#include "embedded/tracker_js.h"
#include "embedded/tracker_js_gz.h"
#include "static/etags.h"

static void add_header(struct http_reply *reply, struct str name, struct str value)
{
    if (value.len > 0)
        reply->headers[reply->header_count++] = (struct http_header){name, value};
}

void asset_reply(const struct asset *asset, struct str if_none_match, struct str accept_encoding,
                 struct http_reply *ret_reply)
{
    bool has_gzip = asset->gzip.len > 0;
    bool send_gzip = has_gzip && negotiate_gzip(accept_encoding);
    struct str etag = send_gzip ? asset->gzip_etag : asset->etag;
    struct http_reply reply = {.status = 200, .body = STR_EMPTY, .body_is_static = true};
    add_header(&reply, STR_LIT("etag"), etag);
    add_header(&reply, STR_LIT("cache-control"), asset->cache_control);
    if (has_gzip)
        add_header(&reply, STR_LIT("vary"), STR_LIT("Accept-Encoding"));
    if (asset->for_any_site)
        add_header(&reply, STR_LIT("cross-origin-resource-policy"), STR_LIT("cross-origin"));
    if (negotiate_etag_matches(if_none_match, etag)) {
        reply.status = 304;
        *ret_reply = reply;
        return;
    }
    add_header(&reply, STR_LIT("x-content-type-options"), STR_LIT("nosniff"));
    add_header(&reply, STR_LIT("content-security-policy"), asset->policy);
    if (send_gzip)
        add_header(&reply, STR_LIT("content-encoding"), STR_LIT("gzip"));
    reply.content_type = asset->content_type;
    reply.body = send_gzip ? asset->gzip : asset->bytes;
    *ret_reply = reply;
}

struct asset asset_tracker(void)
{
    return (struct asset){
        ASSET_PLAIN(tracker_js, ETAG_FOOTFALL_JS, "text/javascript; charset=utf-8"),
        .gzip = {(const char *)tracker_js_gz_bytes, tracker_js_gz_len},
        .gzip_etag = STR_LIT("\"" ETAG_FOOTFALL_JS "-gzip\""),
        .cache_control = STR_LIT("public, max-age=86400"),
        .for_any_site = true,
    };
}

struct asset asset_optout_style(void)
{
    return (struct asset){
        ASSET_PLAIN(optout_css, ETAG_OPTOUT_STYLE_CSS, "text/css; charset=utf-8"),
        .cache_control = STR_LIT("no-cache"),
    };
}

/* The date is the last change of this statement, as the specification wants it. */
struct asset asset_gpc(bool honoured)
{
    return (struct asset){
        .bytes = honoured ? STR_LIT("{\"gpc\":true,\"lastUpdate\":\"2026-11-23\"}\n")
                          : STR_LIT("{\"gpc\":false,\"lastUpdate\":\"2026-11-23\"}\n"),
        .content_type = STR_LIT("application/json"),
        .cache_control = STR_LIT("public, max-age=3600"),
        .etag = honoured ? STR_LIT("\"gpc-honoured\"") : STR_LIT("\"gpc-ignored\""),
    };
}
