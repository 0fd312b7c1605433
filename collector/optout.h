#pragma once

/* The opt-out page and its answers: from what a request says to a reply. Pure and thread-safe.
 *
 * A refusal is never refused, whoever asks for it. Taking one back is refused to pages of origins
 * that belong neither to a site that is counted here nor to the collector itself. */

#include <stdbool.h>

#include "aggregator/site.h"
#include "collector/consent.h"
#include "common/buf.h"
#include "common/http.h"

/* What decides an answer. Headers that are absent are empty. */
struct optout_request {
    enum consent consent; /* what the browser says now */
    bool tls;             /* between the visitor and us, a trusted proxy included */
    struct str host;      /* Host */
    struct str origin;
    struct str fetch_site, fetch_mode;
    struct str body;               /* form-encoded: choice=out or choice=in */
    const struct site_list *sites; /* NULL: no list is known yet */
};

/* GET /opt-out: a page without script. `html` has room for OPTOUT_PAGE_BYTES_MAX. */
#define OPTOUT_PAGE_BYTES_MAX (16 * 1024)
void optout_reply_page(const struct optout_request *request, struct buf *html,
                       struct http_reply *ret_reply);
/* POST /opt-out: 303 to the page after its own form, 204 to a script; 403 for a foreign opt-in,
 * 400 for a choice that is none. */
void optout_reply_choice(const struct optout_request *request, struct http_reply *ret_reply);
/* GET /opt-out/state: {"opted_out":true,"by":"cookie"}. */
void optout_reply_state(const struct optout_request *request, struct http_reply *ret_reply);
/* OPTIONS of both. */
void optout_reply_preflight(const struct optout_request *request, struct http_reply *ret_reply);
