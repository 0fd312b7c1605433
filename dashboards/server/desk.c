/* How the API's answers look: JSON or CSV, kept by nobody on the way, framed and sniffed by nobody.
 * The dashboards' loop only. */

#include "dashboards/server/desk.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

static const struct http_header HEADERS[] = {
    {STR_LIT("cache-control"), STR_LIT("no-store")},
    {STR_LIT("x-content-type-options"), STR_LIT("nosniff")},
    {STR_LIT("referrer-policy"), STR_LIT("no-referrer")},
    {STR_LIT("cross-origin-resource-policy"), STR_LIT("same-origin")},
    {STR_LIT("content-security-policy"), STR_LIT("default-src 'none'; frame-ancestors 'none'")},
};
static_assert(ARRAY_LEN(HEADERS) + 2 <= HTTP_REPLY_HEADERS_MAX, "two more fit");

static const struct str BEHIND =
    STR_LIT("{\"error\":\"The store is behind with counting; it answers when it has caught up.\"}");

static struct http_reply reply_of(int status, struct str content_type, struct str body)
{
    struct http_reply reply = {.status = status, .content_type = content_type, .body = body};
    memcpy(reply.headers, HEADERS, sizeof(HEADERS));
    reply.header_count = ARRAY_LEN(HEADERS);
    if (status == 503)
        reply.headers[reply.header_count++] =
            (struct http_header){STR_LIT("retry-after"), STR_LIT("1")};
    /* A file to keep, named as the path is; never a page. */
    if (str_starts_with(content_type, STR_LIT("text/csv")))
        reply.headers[reply.header_count++] =
            (struct http_header){STR_LIT("content-disposition"), STR_LIT("attachment")};
    return reply;
}

/* The caller frees. */
static char *error_json(const char *sentence)
{
    json_t *root = json_pack("{s:s}", "error", sentence);
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (text == NULL)
        abort();
    return text;
}

void desk_reply(struct http_request *req, int status, struct str content_type, struct str body)
{
    struct http_reply reply = reply_of(status, content_type, body);
    http_reply(req, &reply);
}

void desk_reply_error(struct http_request *req, int status, const char *sentence)
{
    char *text = error_json(sentence);
    desk_reply(req, status, STR_LIT("application/json"), str_from(text));
    free(text);
}

void desk_reply_behind(struct http_request *req)
{
    struct http_reply reply = reply_of(503, STR_LIT("application/json"), BEHIND);
    static_assert(BACKLOG_RETRY_S == 10, "as is said");
    reply.headers[reply.header_count - 1].value = STR_LIT("10");
    http_reply(req, &reply);
}

void desk_held_reply(struct http_held *held, int status, struct str content_type, struct str body)
{
    struct http_reply reply = reply_of(status, content_type, body);
    http_held_reply(held, &reply);
}

void desk_held_reply_error(struct http_held *held, int status, const char *sentence)
{
    char *text = error_json(sentence);
    desk_held_reply(held, status, STR_LIT("application/json"), str_from(text));
    free(text);
}
