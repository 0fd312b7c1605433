/* The way of other tools' beacons: consent first, then a parser of their own, then the one way that
 * every beacon goes (beacon_http.c).
 *
 * Their answers do not wait for the store: none of them has a word for durable, so that what is
 * answered is accepted into the mixing window. On a worker's thread. */

#include "collector/compat_http.h"

#include <assert.h>

#include "collector/beacon_http.h"
#include "collector/collect_metrics.h"
#include "collector/compat_reply.h"
#include "collector/consent_http.h"
#include "collector/url.h"

static_assert(COLLECT_UMAMI_ACCEPTED - COLLECT_PLAUSIBLE_ACCEPTED == COMPAT_FATE__COUNT &&
                  COLLECT_GOATCOUNTER_ACCEPTED - COLLECT_UMAMI_ACCEPTED == COMPAT_FATE__COUNT &&
                  COLLECT_GOATCOUNTER_TOO_EARLY - COLLECT_GOATCOUNTER_ACCEPTED == COMPAT_TOO_EARLY,
              "a row a fate, in the order of the fates");

static const struct str PATHS[COMPAT_API__COUNT] = {
    [COMPAT_PLAUSIBLE] = STR_LIT("/api/event"),
    [COMPAT_UMAMI] = STR_LIT("/api/send"),
    [COMPAT_GOATCOUNTER] = STR_LIT("/count"),
};

static void reply_with(struct http_request *req, enum compat_api api,
                       const struct compat_result *result)
{
    char body[COMPAT_REPLY_BYTES_MAX];
    struct http_reply reply;
    compat_reply_make(api, result, body, &reply);
    http_reply(req, &reply);
}

/* --- Site ------------------------------------------------------------------------------------- */
/* The host of a header that holds a URL; empty when there is none. */
static struct str host_of_header(const struct http_request *req, struct str name)
{
    struct url url;
    struct str value = http_request_header(req, name);
    return value.len > 0 && url_split(value, &url) ? url.host : STR_EMPTY;
}

static struct str without_port(struct str host)
{
    size_t bracket = str_find(host, ']');
    size_t from = bracket < host.len ? bracket : 0;
    return str_prefix(host, from + str_find(str_from_at(host, from), ':'));
}

/* GoatCounter's clients name no site: it is the page's host that tells, or else the host that they
 * send to. The other way round, a page of one site that sends to another's host would be dropped.
 */
static const struct site *site_of_request(const struct http_request *req,
                                          const struct site_list *sites)
{
    const struct str hosts[] = {
        host_of_header(req, STR_LIT("origin")),
        host_of_header(req, STR_LIT("referer")),
        without_port(http_request_host(req)),
    };
    const struct site *site = NULL;
    for (size_t i = 0; i < ARRAY_LEN(hosts) && site == NULL; i++)
        site = site_list_find_host(sites, hosts[i]);
    return site;
}

/* --- Counting --------------------------------------------------------------------------------- */
static void add_metric(const struct worker *worker, unsigned metric)
{
    metrics_add(worker->metrics, metric, 1);
}

static void count_for_site(struct http_request *req, struct worker *worker,
                           const struct beacon *beacon, struct compat_result *result)
{
    enum drop_reason reason;
    switch (beacon_take_in(req, worker, beacon, &reason)) {
    case BEACON_COUNTED:
        result->fate = COMPAT_ACCEPTED;
        return;
    case BEACON_UNKNOWN_SITE:
        break;
    case BEACON_DROPPED:
        if (result->fate != COMPAT_ACCEPTED)
            result->fate = COMPAT_DROPPED;
        result->has_reason = true;
        result->reason = reason;
        break;
    case BEACON_NO_ROOM:
        if (result->fate != COMPAT_ACCEPTED)
            result->fate = COMPAT_NO_ROOM;
        add_metric(worker, COLLECT_DROPS + DROP_NO_ROOM);
        break;
    }
    result->not_counted++;
}

static bool is_among(const struct site *site, const struct site *const *sites, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sites[i] == site)
            return true;
    return false;
}

/* Once for each site, under whatever names it stands in the list. */
static void count_for_sites(struct http_request *req, struct worker *worker,
                            struct compat_beacon *compat, struct compat_result *result)
{
    const struct site *done[COMPAT_SITES_MAX];
    size_t done_count = 0;
    for (size_t i = 0; i < compat->site_count; i++) {
        const struct site *site = beacon_find_site(worker->sites, compat->sites[i]);
        if (site != NULL && is_among(site, done, done_count))
            continue;
        done[done_count++] = site;
        compat->beacon.site = compat->sites[i];
        count_for_site(req, worker, &compat->beacon, result);
    }
}

static void take_in(struct http_request *req, struct worker *worker, struct compat_beacon *compat,
                    struct compat_result *result)
{
    result->fate = worker_knows_sites(worker) ? COMPAT_UNKNOWN_SITE : COMPAT_TOO_EARLY;
    if (worker->sites == NULL)
        return;
    if (compat->site_count == 0) {
        const struct site *site = site_of_request(req, worker->sites);
        if (site == NULL)
            return;
        compat->site_count = 1;
        compat->sites[0] = site->domain;
        compat->beacon.host = site->domain;
    }
    count_for_sites(req, worker, compat, result);
}

/* --- Handlers --------------------------------------------------------------------------------- */
static enum beacon_status parse(struct http_request *req, struct worker *worker,
                                enum compat_api api, struct compat_beacon *ret_beacon)
{
    switch (api) {
    case COMPAT_PLAUSIBLE:
        return compat_parse_plausible(http_request_body(req), &worker->scratch, ret_beacon);
    case COMPAT_UMAMI:
        return compat_parse_umami(http_request_body(req), &worker->scratch, ret_beacon);
    default:
        return compat_parse_goatcounter(http_request_query(req), &worker->scratch, ret_beacon);
    }
}

static bool has_refused(const struct http_request *req, const struct worker *worker)
{
    return consent_of_request(req, worker->collector->config) != CONSENT_COUNT;
}

static void handle(struct http_request *req, struct worker *worker, enum compat_api api)
{
    struct compat_result result = {.fate = COMPAT_ACCEPTED};
    struct compat_beacon compat;
    if (http_request_method(req) == HTTP_OPTIONS) {
        struct http_reply reply;
        compat_reply_preflight(&reply);
        http_reply(req, &reply);
        return;
    }
    if (has_refused(req, worker) || http_request_method(req) == HTTP_HEAD) {
        reply_with(req, api, &result);
        return;
    }
    result.status = parse(req, worker, api, &compat);
    if (result.status != BEACON_OK) {
        result.fate = COMPAT_MALFORMED;
        add_metric(worker, COLLECT_FAULTS + result.status - 1);
    } else if (compat.is_silent) {
        result.fate = COMPAT_SILENT;
    } else {
        take_in(req, worker, &compat, &result);
    }
    add_metric(worker, COLLECT_PLAUSIBLE_ACCEPTED + COMPAT_FATE__COUNT * api + result.fate);
    reply_with(req, api, &result);
}

void compat_handle_plausible(struct http_request *req, void *worker_data)
{
    handle(req, worker_data, COMPAT_PLAUSIBLE);
}

void compat_handle_umami(struct http_request *req, void *worker_data)
{
    handle(req, worker_data, COMPAT_UMAMI);
}

void compat_handle_goatcounter(struct http_request *req, void *worker_data)
{
    handle(req, worker_data, COMPAT_GOATCOUNTER);
}

/* Consent comes before size as well: a refusal is answered and kept out of every counter. */
bool compat_handle_too_large(struct http_request *req, void *worker_data)
{
    const struct worker *worker = worker_data;
    for (unsigned api = 0; api < COMPAT_API__COUNT; api++) {
        struct compat_result result = {.fate = COMPAT_ACCEPTED};
        if (!str_eq(http_request_path(req), PATHS[api]))
            continue;
        if (!has_refused(req, worker)) {
            result.fate = COMPAT_TOO_LARGE;
            add_metric(worker, COLLECT_PLAUSIBLE_ACCEPTED + COMPAT_FATE__COUNT * api + result.fate);
        }
        reply_with(req, (enum compat_api)api, &result);
        return true;
    }
    return false;
}
