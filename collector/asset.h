#pragma once

/* What the collector serves as files: bytes built into the executable, and how a browser may keep
 * them. Pure and thread-safe; everything it gives is static. */

#include "common/http.h"
#include "common/str.h"

struct asset {
    struct str bytes;
    struct str gzip; /* the same bytes, compressed; empty: only plain */
    struct str content_type;
    struct str cache_control;
    struct str etag, gzip_etag; /* strong, quotes included; one for each form */
    struct str policy;          /* Content-Security-Policy; empty: none */
    bool for_any_site;          /* pages of other origins may load it */
};

/* One that comes plain; `name` as in footfall_embed, its tag as in static/etags.h. */
#define ASSET_PLAIN(name, tag, type)                                                               \
    .bytes = {(const char *)name##_bytes, name##_len}, .content_type = STR_LIT(type),              \
    .etag = STR_LIT("\"" tag "\"")

/* 200 with the bytes in the best form, or 304 when the browser has it already. */
void asset_reply(const struct asset *asset, struct str if_none_match, struct str accept_encoding,
                 struct http_reply *ret_reply);

/* GET /footfall.js: the tracker, for a day. */
struct asset asset_tracker(void);
/* GET /opt-out/style.css */
struct asset asset_optout_style(void);
/* GET /.well-known/gpc.json: whether Global Privacy Control is honoured here. */
struct asset asset_gpc(bool honoured);
