/* How a visitor refuses to be counted, and takes it back.
 *
 * The collector's own cookie holds the refusal. Over TLS it is set twice from the page itself: as
 * `Partitioned`, which browsers that keep each site's cookies apart send along with that site's
 * beacons, and without, which the others send along with the beacons of every site. A script inside
 * a counted page sets the partitioned one alone, so that a choice made there is that site's.
 *
 * Who may do what, by the browser's own word (Sec-Fetch-Site, else Origin against Host):
 *
 *                        opt out      opt in       reads answers (CORS)
 *     this page          yes, 303     yes, 303     -
 *     a counted site     yes, 204     yes, 204     yes
 *     any other page     yes, 204     403          no
 *
 * HTTP is optout_http.c's. */

#include "collector/optout.h"

#include <assert.h>

#include "collector/url.h"
#include "embedded/optout_html.h"

#define COOKIE_OUT CONSENT_COOKIE_NAME "=1; Max-Age=34128000; Path=/; "
/* For a browser that should keep it after all, "0" says the same. */
#define COOKIE_IN CONSENT_COOKIE_NAME "=0; Max-Age=0; Path=/; "
#define COOKIE_PLAIN "SameSite=Lax"
#define COOKIE_TLS "SameSite=None; Secure"
#define COOKIE_TLS_PARTITIONED "SameSite=None; Secure; Partitioned"

#define PAGE_POLICY                                                                                \
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "                  \
    "frame-ancestors 'none'"

static void add_header(struct http_reply *reply, struct str name, struct str value)
{
    assert(reply->header_count < HTTP_REPLY_HEADERS_MAX);
    reply->headers[reply->header_count++] = (struct http_header){name, value};
}

/* --- Who asks -------------------------------------------------------------------------------- */

static bool is_own_page(const struct optout_request *request)
{
    if (request->fetch_site.len > 0)
        return str_eq(request->fetch_site, STR_LIT("same-origin")) ||
               str_eq(request->fetch_site, STR_LIT("none"));
    /* Browsers name the origin of every POST to another one; command lines name none. */
    if (request->origin.len == 0)
        return true;
    size_t scheme = str_starts_with(request->origin, STR_LIT("https://")) ? 8 : 7;
    return request->host.len > 0 && str_eq_ci(str_from_at(request->origin, scheme), request->host);
}

static bool is_counted_site(const struct optout_request *request)
{
    struct url url;
    return request->sites != NULL && url_split(request->origin, &url) &&
           site_list_find_host(request->sites, url.host) != NULL;
}

static bool is_script(const struct optout_request *request)
{
    return request->fetch_mode.len > 0 ? !str_eq(request->fetch_mode, STR_LIT("navigate"))
                                       : !is_own_page(request);
}

/* Whatever depends on the visitor or the asking page is kept by no cache. */
static void add_common(const struct optout_request *request, struct http_reply *reply)
{
    add_header(reply, STR_LIT("cache-control"), STR_LIT("no-store"));
    add_header(reply, STR_LIT("vary"), STR_LIT("Origin"));
    if (!is_counted_site(request))
        return;
    add_header(reply, STR_LIT("access-control-allow-origin"), request->origin);
    add_header(reply, STR_LIT("access-control-allow-credentials"), STR_LIT("true"));
}

static void reply_error(int status, struct str json, struct http_reply *reply)
{
    reply->status = status;
    reply->content_type = STR_LIT("application/json");
    reply->body = json;
    reply->body_is_static = true;
}

/* --- The choice ------------------------------------------------------------------------------ */

enum choice { CHOICE_OUT, CHOICE_IN, CHOICE_UNREADABLE };

/* Absent is out: a refusal must not fail for want of a word. */
static enum choice read_choice(struct str body)
{
    static const struct str NAME = STR_LIT("choice=");
    enum choice choice = CHOICE_OUT;
    bool seen = false;
    while (body.len > 0) {
        struct str pair = str_prefix(body, str_find(body, '&'));
        body = str_from_at(body, pair.len + 1);
        if (!str_starts_with(pair, NAME))
            continue;
        struct str value = str_trim(str_from_at(pair, NAME.len));
        bool in = str_eq(value, STR_LIT("in"));
        if (seen || (!in && !str_eq(value, STR_LIT("out"))))
            return CHOICE_UNREADABLE;
        seen = true;
        choice = in ? CHOICE_IN : CHOICE_OUT;
    }
    return choice;
}

static void add_cookies(const struct optout_request *request, bool out, struct http_reply *reply)
{
    static const struct str SET_COOKIE = STR_LIT("set-cookie");
    if (!request->tls) {
        add_header(reply, SET_COOKIE,
                   out ? STR_LIT(COOKIE_OUT COOKIE_PLAIN) : STR_LIT(COOKIE_IN COOKIE_PLAIN));
        return;
    }
    add_header(reply, SET_COOKIE,
               out ? STR_LIT(COOKIE_OUT COOKIE_TLS_PARTITIONED)
                   : STR_LIT(COOKIE_IN COOKIE_TLS_PARTITIONED));
    if (!out || !is_script(request))
        add_header(reply, SET_COOKIE,
                   out ? STR_LIT(COOKIE_OUT COOKIE_TLS) : STR_LIT(COOKIE_IN COOKIE_TLS));
}

void optout_reply_choice(const struct optout_request *request, struct http_reply *ret_reply)
{
    struct http_reply reply = {.status = 204};
    enum choice choice = read_choice(request->body);
    add_common(request, &reply);
    if (choice == CHOICE_UNREADABLE) {
        reply_error(400, STR_LIT("{\"error\":\"the choice must be one of out and in\"}\n"), &reply);
    } else if (choice == CHOICE_IN && !is_own_page(request) && !is_counted_site(request)) {
        reply_error(403,
                    STR_LIT("{\"error\":\"only this page and the sites that are counted here may "
                            "take a refusal back\"}\n"),
                    &reply);
    } else {
        add_cookies(request, choice == CHOICE_OUT, &reply);
        if (!is_script(request)) {
            reply.status = 303;
            /* Relative, for a collector that a front serves below a path. */
            add_header(&reply, STR_LIT("location"), STR_LIT("opt-out"));
        }
    }
    *ret_reply = reply;
}

/* --- The state ------------------------------------------------------------------------------- */

static struct str state_json(enum consent consent)
{
    switch (consent) {
    case CONSENT_COUNT:
        return STR_LIT("{\"opted_out\":false,\"by\":null}\n");
    case CONSENT_GPC:
        return STR_LIT("{\"opted_out\":true,\"by\":\"gpc\"}\n");
    case CONSENT_DNT:
        return STR_LIT("{\"opted_out\":true,\"by\":\"dnt\"}\n");
    case CONSENT_COOKIE:
    case CONSENT_UNREADABLE: /* taken for a refusal, since it may hold one */
        break;
    }
    return STR_LIT("{\"opted_out\":true,\"by\":\"cookie\"}\n");
}

void optout_reply_state(const struct optout_request *request, struct http_reply *ret_reply)
{
    struct http_reply reply = {
        .status = 200,
        .content_type = STR_LIT("application/json"),
        .body = state_json(request->consent),
        .body_is_static = true,
    };
    add_common(request, &reply);
    *ret_reply = reply;
}

void optout_reply_preflight(const struct optout_request *request, struct http_reply *ret_reply)
{
    struct http_reply reply = {.status = 204};
    add_common(request, &reply);
    if (is_counted_site(request)) {
        add_header(&reply, STR_LIT("access-control-allow-methods"), STR_LIT("GET, POST"));
        add_header(&reply, STR_LIT("access-control-allow-headers"), STR_LIT("content-type"));
        add_header(&reply, STR_LIT("access-control-max-age"), STR_LIT("86400"));
    }
    *ret_reply = reply;
}

/* --- The page -------------------------------------------------------------------------------- */

/* The words of a state. No byte of a request stands in the page. */
struct words {
    struct str mood;    /* a class of the style sheet */
    struct str verdict; /* the heading */
    struct str reason;
    struct str form;
};

#define FORM(choice, label)                                                                        \
    STR_LIT("<form method=\"post\" action=\"opt-out\">"                                            \
            "<input type=\"hidden\" name=\"choice\" value=\"" choice "\">"                         \
            "<button type=\"submit\">" label "</button></form>")

static const struct words WORDS[] = {
    [CONSENT_COUNT] = {STR_LIT("counted"), STR_LIT("Your visits are counted"),
                       STR_LIT("This browser has not asked to be left out."),
                       FORM("out", "Do not count me")},
    [CONSENT_COOKIE] =
        {STR_LIT("left-out"), STR_LIT("Your visits are not counted"),
         STR_LIT("This browser keeps a cookie that says so. It holds the number 1 and nothing "
                 "that could tell you from anyone else."),
         FORM("in", "Count me again")},
    [CONSENT_GPC] =
        {STR_LIT("left-out"), STR_LIT("Your visits are not counted"),
         STR_LIT("This browser sends Global Privacy Control, and that is enough. The button below "
                 "keeps your choice in a cookie as well, for the day that you turn the signal "
                 "off."),
         FORM("out", "Keep my choice in a cookie too")},
    [CONSENT_DNT] =
        {STR_LIT("left-out"), STR_LIT("Your visits are not counted"),
         STR_LIT("This browser sends Do Not Track, and that is enough. The button below keeps your "
                 "choice in a cookie as well, for the day that you turn the signal off."),
         FORM("out", "Keep my choice in a cookie too")},
    [CONSENT_UNREADABLE] =
        {STR_LIT("left-out"), STR_LIT("Your visits are not counted"),
         STR_LIT("This browser sends cookies that cannot be read here. They might hold your "
                 "refusal, so they are taken for one."),
         FORM("in", "Count me again")},
};

static struct str word(const struct words *words, struct str name)
{
    if (str_eq(name, STR_LIT("mood")))
        return words->mood;
    if (str_eq(name, STR_LIT("verdict")))
        return words->verdict;
    if (str_eq(name, STR_LIT("reason")))
        return words->reason;
    assert(str_eq(name, STR_LIT("form")));
    return words->form;
}

/* Copies the page with each {name} of it replaced; braces stand for nothing else in it. */
static void render(const struct words *words, struct buf *html)
{
    struct str rest = {(const char *)optout_html_bytes, optout_html_len};
    while (rest.len > 0) {
        size_t open = str_find(rest, '{');
        buf_append_str(html, str_prefix(rest, open));
        rest = str_from_at(rest, open + 1);
        if (rest.len == 0)
            break;
        size_t close = str_find(rest, '}');
        buf_append_str(html, word(words, str_prefix(rest, close)));
        rest = str_from_at(rest, close + 1);
    }
    assert(!html->overflow);
}

void optout_reply_page(const struct optout_request *request, struct buf *html,
                       struct http_reply *ret_reply)
{
    assert(request->consent < ARRAY_LEN(WORDS));
    render(&WORDS[request->consent], html);
    struct http_reply reply = {
        .status = 200,
        .content_type = STR_LIT("text/html; charset=utf-8"),
        .body = buf_str(html),
    };
    add_header(&reply, STR_LIT("cache-control"), STR_LIT("no-store"));
    add_header(&reply, STR_LIT("content-security-policy"), STR_LIT(PAGE_POLICY));
    add_header(&reply, STR_LIT("x-content-type-options"), STR_LIT("nosniff"));
    /* With no-referrer a browser would say "Origin: null" of the page's own form. */
    add_header(&reply, STR_LIT("referrer-policy"), STR_LIT("same-origin"));
    *ret_reply = reply;
}
