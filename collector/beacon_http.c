/* The way of a beacon through a worker.
 *
 *   consent ─▶ parse ─▶ site ─▶ origin ─▶ bot? ─▶ region ─▶ agent ─▶ source ─▶ visit ─▶ section
 *     204       400      404     dropped  dropped                                        204 or 202
 *
 * The address is wiped before the function that read it returns. Runs on a worker's thread. */

#include "collector/beacon_http.h"

#include <string.h>

#include "collector/attributes.h"
#include "collector/bot.h"
#include "collector/collect_metrics.h"
#include "collector/consent_http.h"
#include "collector/locale.h"
#include "collector/picture.h"
#include "collector/source.h"
#include "collector/view.h"
#include "collector/visitor.h"
#include "common/clock.h"

/* More header lines than hops that are walked make the address unknown anyway. */
enum { FORWARDED_HEADERS_MAX = FORWARDED_HOPS_MAX + 1 };

/* --- Site and origin ------------------------------------------------------------------------- */

/* The host of "https://Example.com:8080/…" in lower case, without port; empty for anything else. */
static struct str host_of_url(struct http_request *req, struct str url)
{
    size_t scheme = str_starts_with(url, STR_LIT("https://"))  ? 8
                    : str_starts_with(url, STR_LIT("http://")) ? 7
                                                               : 0;
    if (scheme == 0)
        return STR_EMPTY;
    struct str host = str_from_at(url, scheme);
    host = str_prefix(host, str_find(host, '/'));
    size_t bracket = str_find(host, ']');
    size_t port = bracket < host.len ? bracket + 1 : str_find(host, ':');
    host = str_prefix(host, port);
    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = (struct str){host.ptr + 1, host.len - 2};
    if (host.len == 0 || host.len > HOST_BYTES_MAX)
        return STR_EMPTY;
    char *lower = http_request_alloc(req, host.len);
    for (size_t i = 0; i < host.len; i++)
        lower[i] =
            (char)(host.ptr[i] >= 'A' && host.ptr[i] <= 'Z' ? host.ptr[i] | 0x20 : host.ptr[i]);
    return (struct str){lower, host.len};
}

/* What the browser says of the page's host: the Origin, else the Referer, else the beacon itself.
 */
static bool is_from_site(struct http_request *req, const struct site *site,
                         const struct beacon *beacon)
{
    struct str origin = http_request_header(req, STR_LIT("origin"));
    struct str referer = http_request_header(req, STR_LIT("referer"));
    struct str host = origin.len > 0    ? host_of_url(req, origin)
                      : referer.len > 0 ? host_of_url(req, referer)
                                        : beacon->host;
    /* The pixel's path alone says no host: its Referer is its only witness. */
    return host.len == 0 && origin.len == 0 ? true : site_owns_host(site, host);
}

/* --- Address --------------------------------------------------------------------------------- */

static void find_address(const struct http_request *req, const struct worker *worker,
                         struct client_address *ret_address)
{
    struct sockaddr_storage peer;
    struct client_address peer_address;
    struct str forwarded[FORWARDED_HEADERS_MAX], value;
    size_t cursor = 0, count = 0;
    http_request_peer(req, &peer);
    client_address_from_peer(&peer, &peer_address);
    while (http_request_next_header(req, STR_LIT("x-forwarded-for"), &cursor, &value)) {
        /* The last lines are the nearest proxies'; the first are whatever the client has sent. */
        if (count == FORWARDED_HEADERS_MAX)
            memmove(&forwarded[0], &forwarded[1], --count * sizeof(forwarded[0]));
        forwarded[count++] = value;
    }
    client_address_resolve(&peer_address, &worker->collector->proxies, forwarded, count,
                           ret_address);
    client_address_wipe(&peer_address);
    explicit_bzero(&peer, sizeof(peer));
}

/* --- Counting -------------------------------------------------------------------------------- */

/* All that is known of one beacon, on the way to its section. */
struct passage {
    struct http_request *req;
    struct worker *worker;
    const struct beacon *beacon;
    const struct site *site;
    struct local_time local;
    struct str user_agent;
    const struct agent *agent;
    struct region region;
    struct source source;
    struct str page, event; /* as they are counted */
    char language[4];
};

static void note(const struct worker *worker, unsigned metric)
{
    metrics_add(worker->metrics, metric, 1);
}

static void reply_dropped(struct http_request *req, enum drop_reason reason)
{
    struct http_reply reply = WORKER_ACCEPTED;
    reply.headers[reply.header_count++] =
        (struct http_header){STR_LIT("x-footfall-dropped"), str_from(drop_reason_name(reason))};
    http_reply(req, &reply);
}

static void count_drop(const struct passage *passage, enum drop_reason reason)
{
    struct writer_section open;
    note(passage->worker, COLLECT_DROPS + reason);
    if (writer_open(passage->worker->writer, passage->site->domain, passage->local.date, &open))
        view_count_drops(open.section, reason, 1);
}

/* The values of the visit's tables as this view shows them. */
static void describe(struct passage *passage, struct visit_attributes *attributes)
{
    struct str accept = http_request_header(passage->req, STR_LIT("accept-language"));
    attributes_describe(
        &(struct attributes_facts){
            .preset = passage->site->preset,
            .beacon = passage->beacon,
            .agent = passage->agent,
            .region = &passage->region,
            .source = &passage->source,
            .language = locale_language(accept.ptr == NULL ? STR_EMPTY : accept, passage->language),
        },
        attributes);
}

static const struct visit_change *follow_visit(struct passage *passage, uint64_t tag,
                                               uint32_t pulse_site_number,
                                               const struct visit_attributes *attributes)
{
    const struct beacon *beacon = passage->beacon;
    struct worker *worker = passage->worker;
    if (passage->site->preset == SITE_STRICT)
        return NULL;
    visit_table_sign(worker->collector->visits,
                     &(struct visit_sign){
                         .tag = tag,
                         .site = pulse_site_number,
                         .date = passage->local.date,
                         .hour = passage->local.hour,
                         .now_ms = clock_mono_ms(),
                         .kind = beacon->kind,
                         .page = passage->page,
                         .event = passage->event,
                         .scroll_percent = beacon->scroll_percent,
                         .has_engagement = beacon->engaged_ms > 0,
                         .is_passive = beacon->is_passive,
                         .attributes = attributes,
                     },
                     &worker->change);
    return &worker->change;
}

/* Region and tag: all that is taken from the address, which does not leave this function. */
static uint64_t read_address(struct passage *passage, const struct day_key *key)
{
    struct client_address address;
    const struct visitor_rules rules = {
        .preset = passage->site->preset, .regions = passage->worker->regions, .key = key};
    find_address(passage->req, passage->worker, &address);
    return visitor_read(&rules, &address, passage->user_agent, &passage->region);
}

/* False when there is no room. */
static bool count_view(struct passage *passage)
{
    const struct beacon *beacon = passage->beacon;
    struct worker *worker = passage->worker;
    struct writer_section open;
    if (!writer_open(worker->writer, passage->site->domain, passage->local.date, &open))
        return false;
    uint64_t tag = read_address(passage, open.key);
    source_classify(beacon, site_owns_host(passage->site, beacon->referrer_host), &passage->source);
    struct visit_attributes attributes;
    describe(passage, &attributes);
    passage->page = beacon->path;
    passage->event = beacon->event;
    /* A report belongs to a view that was counted already. */
    if (open.section->folds_detail && beacon->kind != BEACON_ENGAGEMENT &&
        view_fold_detail(open.section, &attributes, &passage->page, &passage->event))
        note(worker, COLLECT_FOLDED);
    uint32_t pulse_number = pulse_site(worker->collector->pulse, passage->site->domain);
    const struct visit_change *visit = follow_visit(passage, tag, pulse_number, &attributes);
    if (beacon->kind == BEACON_PAGEVIEW)
        pulse_view(worker->collector->pulse, pulse_number, clock_wall_ms());
    view_count(open.section, open.key,
               &(struct view){
                   .kind = beacon->kind,
                   .hour = passage->local.hour,
                   .tag = tag,
                   .page = passage->page,
                   .event = passage->event,
                   .props = beacon->props,
                   .prop_count = beacon->prop_count,
                   .engaged_ms = beacon->engaged_ms,
                   .visit = visit,
                   /* A report may belong to no visit; its own attributes then count nothing. */
                   .attributes = visit == NULL || visit->attributes.values[TABLE_SOURCE].len == 0
                                     ? &attributes
                                     : &visit->attributes,
               });
    return true;
}

static bool is_dropped(struct passage *passage, enum drop_reason *ret_reason)
{
    const struct http_request *req = passage->req;
    const struct bot_headers headers = {
        .sec_purpose = http_request_header(req, STR_LIT("sec-purpose")),
        .purpose = http_request_header(req, STR_LIT("purpose")),
        .x_moz = http_request_header(req, STR_LIT("x-moz")),
        .x_purpose = http_request_header(req, STR_LIT("x-purpose")),
    };
    if (!is_from_site(passage->req, passage->site, passage->beacon)) {
        *ret_reason = DROP_FOREIGN;
        return true;
    }
    switch (bot_check(&headers, passage->agent)) {
    case BOT_NONE:
        *ret_reason = DROP_BOT;
        return passage->beacon->is_automated;
    case BOT_USER_AGENT:
        *ret_reason = DROP_BOT;
        return true;
    case BOT_PREFETCH:
        *ret_reason = DROP_PREFETCH;
        return true;
    }
    return false;
}

const struct site *beacon_find_site(const struct site_list *sites, struct str name)
{
    if (sites == NULL)
        return NULL;
    const struct site *site = site_list_find(sites, name);
    return site != NULL ? site : site_list_find_host(sites, name);
}

/* From a parsed beacon to its section. */
static enum beacon_outcome take(struct passage *passage, enum drop_reason *ret_reason)
{
    struct worker *worker = passage->worker;
    passage->site = beacon_find_site(worker->sites, passage->beacon->site);
    if (passage->site == NULL)
        return BEACON_UNKNOWN_SITE;
    passage->local = timezone_local(passage->site->zone, clock_wall_ms());
    struct str user_agent = http_request_header(passage->req, STR_LIT("user-agent"));
    passage->user_agent = user_agent.ptr == NULL ? STR_EMPTY : user_agent;
    passage->agent = agent_lookup(worker->agents, passage->user_agent, clock_mono_ms());
    if (is_dropped(passage, ret_reason)) {
        count_drop(passage, *ret_reason);
        return BEACON_DROPPED;
    }
    return count_view(passage) ? BEACON_COUNTED : BEACON_NO_ROOM;
}

enum beacon_outcome beacon_take_in(struct http_request *req, struct worker *worker,
                                   const struct beacon *beacon, enum drop_reason *ret_reason)
{
    struct passage passage = {.req = req, .worker = worker, .beacon = beacon};
    return take(&passage, ret_reason);
}

/* --- Handlers -------------------------------------------------------------------------------- */

static void reply_malformed(struct http_request *req, const struct worker *worker,
                            enum beacon_status status)
{
    note(worker, COLLECT_BAD);
    note(worker, COLLECT_FAULTS + status - 1);
    http_reply_error(req, 400, beacon_status_sentence(status));
}

static void reply_unknown_site(struct http_request *req, const struct worker *worker)
{
    bool is_unknown = worker_knows_sites(worker);
    note(worker, is_unknown ? COLLECT_UNKNOWN_SITE : COLLECT_TOO_EARLY);
    if (is_unknown)
        http_reply_error(req, 404, "this site is not counted here");
    else
        http_reply_error(req, 503, "the site list is not known yet; try again in a moment");
}

/* The writer counts it for its site as soon as there is room again. */
static void reply_no_room(struct http_request *req, const struct worker *worker)
{
    note(worker, COLLECT_NO_ROOM);
    note(worker, COLLECT_DROPS + DROP_NO_ROOM);
    http_reply_error(req, 503, "the store is away and what may wait is full");
}

/* Pages of any site may send with headers of their own; the answer tells nothing. */
static void reply_options(struct http_request *req)
{
    http_reply(req, &(struct http_reply){
                        .status = 204,
                        .headers =
                            {
                                {STR_LIT("access-control-allow-origin"), STR_LIT("*")},
                                {STR_LIT("access-control-allow-methods"), STR_LIT("POST")},
                                {STR_LIT("access-control-allow-headers"), STR_LIT("content-type")},
                                {STR_LIT("access-control-max-age"), STR_LIT("86400")},
                            },
                        .header_count = 4,
                    });
}

void beacon_handle(struct http_request *req, void *worker_data)
{
    struct worker *worker = worker_data;
    struct beacon beacon;
    enum drop_reason reason;
    if (http_request_method(req) == HTTP_OPTIONS) {
        reply_options(req);
        return;
    }
    if (consent_of_request(req, worker->collector->config) != CONSENT_COUNT) {
        http_reply(req, &WORKER_COUNTED);
        return;
    }
    worker->scratch.used = 0;
    enum beacon_status status = beacon_parse(http_request_body(req), &worker->scratch, &beacon);
    if (status != BEACON_OK) {
        reply_malformed(req, worker, status);
        return;
    }
    struct passage passage = {.req = req, .worker = worker, .beacon = &beacon};
    switch (take(&passage, &reason)) {
    case BEACON_COUNTED:
        writer_hold(worker->writer, passage.site->domain, req);
        return;
    case BEACON_UNKNOWN_SITE:
        reply_unknown_site(req, worker);
        return;
    case BEACON_DROPPED:
        note(worker, COLLECT_DROPPED);
        reply_dropped(req, reason);
        return;
    case BEACON_NO_ROOM:
        reply_no_room(req, worker);
        return;
    }
}

/* Consent comes before size as well: a refusal is answered and kept out of every counter. */
void beacon_handle_too_large(struct http_request *req, void *worker_data)
{
    const struct worker *worker = worker_data;
    if (str_eq(http_request_path(req), STR_LIT("/b"))) {
        if (consent_of_request(req, worker->collector->config) != CONSENT_COUNT) {
            http_reply(req, &WORKER_COUNTED);
            return;
        }
        note(worker, COLLECT_TOO_LARGE);
    }
    http_reply_error(req, 413, "the body is too large");
}

/* A page without script cannot see an answer, so the picture is always the same; only a mistake of
 * whoever wrote the page is told. */
void beacon_handle_pixel(struct http_request *req, void *worker_data)
{
    struct worker *worker = worker_data;
    struct beacon beacon;
    enum drop_reason reason;
    const struct http_reply picture = {
        .status = 200,
        .content_type = STR_LIT("image/gif"),
        .body = PICTURE,
        .body_is_static = true,
        .headers = {{STR_LIT("cache-control"), STR_LIT("no-store")},
                    {STR_LIT("cross-origin-resource-policy"), STR_LIT("cross-origin")}},
        .header_count = 2,
    };
    if (consent_of_request(req, worker->collector->config) != CONSENT_COUNT ||
        http_request_method(req) == HTTP_HEAD) {
        http_reply(req, &picture);
        return;
    }
    worker->scratch.used = 0;
    enum beacon_status status =
        beacon_parse_pixel(http_request_query(req), &worker->scratch, &beacon);
    if (status != BEACON_OK) {
        reply_malformed(req, worker, status);
        return;
    }
    struct passage passage = {.req = req, .worker = worker, .beacon = &beacon};
    switch (take(&passage, &reason)) {
    case BEACON_UNKNOWN_SITE:
        reply_unknown_site(req, worker);
        return;
    case BEACON_NO_ROOM:
        reply_no_room(req, worker);
        return;
    case BEACON_COUNTED:
        note(worker, COLLECT_PIXEL);
        http_reply(req, &picture);
        return;
    case BEACON_DROPPED:
        note(worker, COLLECT_PIXEL_DROPPED);
        http_reply(req, &picture);
        return;
    }
}
