/* From a request to consent: every header of the three names, since a browser or a front may send
 * several. Looks at nothing else of the request. On the request's thread. */

#include "collector/consent_http.h"

static size_t collect_headers(const struct http_request *req, struct str name,
                              struct str values[CONSENT_HEADERS_MAX])
{
    size_t cursor = 0, count = 0;
    struct str value;
    while (http_request_next_header(req, name, &cursor, &value)) {
        if (count < CONSENT_HEADERS_MAX)
            values[count] = value;
        count++;
    }
    return count;
}

enum consent consent_of_request(const struct http_request *req, const struct config *config)
{
    struct consent_headers headers = {.honour_gpc = config->privacy.gpc,
                                      .honour_dnt = config->privacy.dnt};
    headers.cookie_count = collect_headers(req, STR_LIT("cookie"), headers.cookies);
    headers.gpc_count = collect_headers(req, STR_LIT("sec-gpc"), headers.gpc);
    headers.dnt_count = collect_headers(req, STR_LIT("dnt"), headers.dnt);
    return consent_check(&headers);
}
