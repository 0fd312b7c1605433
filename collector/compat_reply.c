/* Answers to other tools' clients.
 *
 *               Plausible                  Umami                     GoatCounter
 *   counted     202 ok                     200 {"cache":"",…}        200 GIF
 *   dropped     202 ok, x-plausible-       200 {"beep":"boop"}       200 GIF
 *               dropped: how many
 *   unknown     the same                   400                       404
 *   malformed   400 {"errors":{…}}         400 {"error":{…}}         400, x-goatcounter: why
 *
 * Umami's client sends `cache` back and reads nothing else; it is empty, since it would be an
 * identifier of a visitor. All of it is constant text. Pure; any thread. */

#include "collector/compat_reply.h"

#include <assert.h>
#include <stdio.h>

#include "collector/picture.h"

#define UMAMI_COUNTED                                                                              \
    "{\"cache\":\"\",\"sessionId\":\"00000000-0000-0000-0000-000000000000\","                      \
    "\"visitId\":\"00000000-0000-0000-0000-000000000000\"}"

static const int STATUSES[COMPAT_API__COUNT][COMPAT_FATE__COUNT] = {
    [COMPAT_PLAUSIBLE] = {202, 202, 202, 202, 400, 413, 503, 503},
    [COMPAT_UMAMI] = {200, 200, 200, 400, 400, 413, 503, 503},
    [COMPAT_GOATCOUNTER] = {200, 200, 200, 404, 400, 413, 503, 503},
};

static void add_header(struct http_reply *reply, struct str name, struct str value)
{
    assert(reply->header_count < HTTP_REPLY_HEADERS_MAX);
    reply->headers[reply->header_count++] = (struct http_header){name, value};
}

static const char *sentence_of(const struct compat_result *result)
{
    switch (result->fate) {
    case COMPAT_MALFORMED:
        return beacon_status_sentence(result->status);
    case COMPAT_TOO_LARGE:
        return "The body is too large.";
    case COMPAT_UNKNOWN_SITE:
        return "This site is not counted here.";
    case COMPAT_NO_ROOM:
        return "The store is away and what may wait is full.";
    case COMPAT_TOO_EARLY:
        return "The site list is not known yet; try again in a moment.";
    default:
        return "";
    }
}

/* The field that Plausible's server would name. */
static const char *plausible_field(enum beacon_status status)
{
    switch (status) {
    case BEACON_NO_URL:
    case BEACON_BAD_URL:
        return "url";
    case BEACON_BAD_SITE:
        return "domain";
    case BEACON_BAD_NAME:
        return "event_name";
    case BEACON_BAD_PROPS:
        return "props";
    case BEACON_BAD_NUMBER:
        return "engagement_time";
    default:
        return "request";
    }
}

static const char *umami_code(int status)
{
    return status == 400 ? "bad-request" : status == 413 ? "payload-too-large" : "unavailable";
}

/* --- What is well ----------------------------------------------------------------------------- */
static void reply_good(enum compat_api api, const struct compat_result *result,
                       struct http_reply *reply)
{
    static const struct {
        struct str type, body, dropped_body;
    } GOOD[COMPAT_API__COUNT] = {
        [COMPAT_PLAUSIBLE] = {STR_LIT("text/plain; charset=utf-8"), STR_LIT("ok"), STR_LIT("ok")},
        [COMPAT_UMAMI] = {STR_LIT("application/json"), STR_LIT(UMAMI_COUNTED),
                          STR_LIT("{\"beep\":\"boop\"}")},
        [COMPAT_GOATCOUNTER] = {STR_LIT("image/gif"), {NULL, 0}, {NULL, 0}},
    };
    bool is_dropped = result->fate == COMPAT_DROPPED || result->fate == COMPAT_UNKNOWN_SITE;
    reply->content_type = GOOD[api].type;
    reply->body = api == COMPAT_GOATCOUNTER ? PICTURE
                  : is_dropped              ? GOOD[api].dropped_body
                                            : GOOD[api].body;
    reply->body_is_static = true;
}

/* The numbers that there are, as text. */
static struct str digit_of(size_t number)
{
    static const char DIGITS[] = "0123456789";
    static_assert(COMPAT_SITES_MAX < 10, "one digit tells how many sites");
    assert(number < 10);
    return (struct str){DIGITS + number, 1};
}

/* --- What is not ------------------------------------------------------------------------------ */
static void reply_bad(enum compat_api api, const struct compat_result *result,
                      char body[COMPAT_REPLY_BYTES_MAX], struct http_reply *reply)
{
    const char *sentence = sentence_of(result);
    int len;
    if (api == COMPAT_PLAUSIBLE && result->fate == COMPAT_MALFORMED)
        len = snprintf(body, COMPAT_REPLY_BYTES_MAX, "{\"errors\":{\"%s\":[\"%s\"]}}\n",
                       plausible_field(result->status), sentence);
    else if (api == COMPAT_UMAMI)
        len = snprintf(body, COMPAT_REPLY_BYTES_MAX,
                       "{\"error\":{\"message\":\"%s\",\"code\":\"%s\",\"status\":%d}}\n", sentence,
                       umami_code(reply->status), reply->status);
    else
        len = snprintf(body, COMPAT_REPLY_BYTES_MAX, "{\"error\":\"%s\"}\n", sentence);
    assert(len > 0 && len < COMPAT_REPLY_BYTES_MAX);
    reply->content_type = STR_LIT("application/json");
    reply->body = (struct str){body, (size_t)len};
    if (api == COMPAT_GOATCOUNTER)
        add_header(reply, STR_LIT("x-goatcounter"), str_from(sentence));
}

void compat_reply_make(enum compat_api api, const struct compat_result *result,
                       char body[COMPAT_REPLY_BYTES_MAX], struct http_reply *ret_reply)
{
    struct http_reply reply = {.status = STATUSES[api][result->fate]};
    add_header(&reply, STR_LIT("cache-control"), STR_LIT("no-store"));
    add_header(&reply, STR_LIT("access-control-allow-origin"), STR_LIT("*"));
    if (api == COMPAT_GOATCOUNTER)
        add_header(&reply, STR_LIT("cross-origin-resource-policy"), STR_LIT("cross-origin"));
    if (reply.status < 400)
        reply_good(api, result, &reply);
    else
        reply_bad(api, result, body, &reply);
    if (api == COMPAT_PLAUSIBLE && result->not_counted > 0)
        add_header(&reply, STR_LIT("x-plausible-dropped"), digit_of(result->not_counted));
    if (result->has_reason)
        add_header(&reply, STR_LIT("x-footfall-dropped"),
                   str_from(drop_reason_name(result->reason)));
    *ret_reply = reply;
}

/* Umami's client sends JSON, and with it what it was told to send back. */
void compat_reply_preflight(struct http_reply *ret_reply)
{
    struct http_reply reply = {.status = 204};
    add_header(&reply, STR_LIT("access-control-allow-origin"), STR_LIT("*"));
    add_header(&reply, STR_LIT("access-control-allow-methods"), STR_LIT("GET, POST"));
    add_header(&reply, STR_LIT("access-control-allow-headers"),
               STR_LIT("content-type, x-umami-cache"));
    add_header(&reply, STR_LIT("access-control-max-age"), STR_LIT("86400"));
    *ret_reply = reply;
}
