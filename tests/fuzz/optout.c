/* Opting out, by requests of any bytes: a refusal is never refused, a foreign page takes none back,
 * and nothing of a request stands in an answer but the origin of a site that is counted.
 *
 * An input is consent and TLS in a byte, then Host, Origin, Sec-Fetch-Site, Sec-Fetch-Mode and the
 * body, a line each. */

#include "tests/fuzz/fuzz.h"

#include "collector/optout.h"

#include <assert.h>
#include <stdlib.h>

static struct site_list *sites;

static void done(void)
{
    site_list_unref(sites);
}

static void setup(void)
{
    char error[256];
    struct site *site = site_parse(
        STR_LIT("example.com"), STR_LIT("{\"aliases\":[\"*.example.net\"]}"), error, sizeof(error));
    assert(site != NULL);
    sites = site_list_new(&site, 1);
    atexit(done);
}

static bool has_header(const struct http_reply *reply, struct str name)
{
    for (size_t i = 0; i < reply->header_count; i++)
        if (str_eq(reply->headers[i].name, name))
            return true;
    return false;
}

static void check_headers(const struct optout_request *request, const struct http_reply *reply)
{
    static const struct str ALLOW_ORIGIN = STR_LIT("access-control-allow-origin");
    for (size_t i = 0; i < reply->header_count; i++) {
        struct str value = reply->headers[i].value;
        if (str_eq(reply->headers[i].name, ALLOW_ORIGIN))
            assert(str_eq(value, request->origin));
        else
            assert(value.ptr < request->host.ptr ||
                   value.ptr >= request->body.ptr + request->body.len);
    }
}

static void check_choice(struct optout_request request)
{
    struct http_reply reply;
    optout_reply_choice(&request, &reply);
    check_headers(&request, &reply);
    bool set = has_header(&reply, STR_LIT("set-cookie"));
    assert(set == (reply.status == 204 || reply.status == 303));
    assert(set || reply.status == 400 || reply.status == 403);
    request.body = STR_LIT("choice=out");
    optout_reply_choice(&request, &reply);
    assert(has_header(&reply, STR_LIT("set-cookie")));
    request.body = STR_LIT("choice=in");
    request.fetch_site = STR_LIT("cross-site");
    request.origin = STR_LIT("https://foreign.example");
    optout_reply_choice(&request, &reply);
    assert(reply.status == 403);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (sites == NULL)
        setup();
    struct str rest = {(const char *)data, len};
    struct http_reply reply;
    struct buf html;
    uint8_t flags = fuzz_take_byte(&rest);
    struct optout_request request = {
        .consent = (enum consent)(flags / 2 % (CONSENT_UNREADABLE + 1)),
        .tls = flags % 2 == 1,
        .sites = sites,
    };
    request.host = fuzz_take_line(&rest);
    request.origin = fuzz_take_line(&rest);
    request.fetch_site = fuzz_take_line(&rest);
    request.fetch_mode = fuzz_take_line(&rest);
    request.body = rest;
    check_choice(request);
    optout_reply_state(&request, &reply);
    check_headers(&request, &reply);
    optout_reply_preflight(&request, &reply);
    check_headers(&request, &reply);
    buf_init(&html, OPTOUT_PAGE_BYTES_MAX);
    optout_reply_page(&request, &html, &reply);
    assert(reply.status == 200);
    buf_done(&html);
    return 0;
}
