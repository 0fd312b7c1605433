#pragma once

/* What other tools' clients are answered, in the words of their own servers. Pure.
 *
 * The answer for what was counted is one constant a tool: whoever has refused gets the same bytes.
 */

#include "collector/compat.h"
#include "collector/drop.h"
#include "common/http.h"

enum compat_fate {
    COMPAT_ACCEPTED,
    COMPAT_DROPPED,
    COMPAT_SILENT, /* nothing that is counted */
    COMPAT_UNKNOWN_SITE,
    COMPAT_MALFORMED,
    COMPAT_TOO_LARGE,
    COMPAT_NO_ROOM,
    COMPAT_TOO_EARLY, /* the site list is not known yet */
    COMPAT_FATE__COUNT
};

struct compat_result {
    enum compat_fate fate;
    enum beacon_status status; /* for COMPAT_MALFORMED */
    bool has_reason;           /* of what was dropped, for a site that is known */
    enum drop_reason reason;
    size_t not_counted; /* sites for which it was not, of those that it names */
};

enum { COMPAT_REPLY_BYTES_MAX = 512 };

/* `body` is memory for the reply's, which http_reply() copies. */
void compat_reply_make(enum compat_api api, const struct compat_result *result,
                       char body[COMPAT_REPLY_BYTES_MAX], struct http_reply *ret_reply);
/* To the question whether a page may send, for any of them. */
void compat_reply_preflight(struct http_reply *ret_reply);
