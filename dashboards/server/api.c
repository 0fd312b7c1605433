/* From HTTP to a question and back. Nothing here reads a store or decides what may be asked: that
 * is the query's, the question's and the plan's. A query is refused with 400 and the sentence that
 * says why, an unknown site with 404, and 503 asks to come again. The dashboards' loop only. */

#include "dashboards/server/api.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "aggregator/query_answer.h"
#include "common/config_value.h"
#include "common/negotiate.h"
#include "dashboards/assets.h"
#include "dashboards/server/dashboards_metrics.h"
#include "dashboards/server/desk.h"
#include "dashboards/server/export.h"
#include "dashboards/server/question.h"

static const struct str JSON_TYPE = {"application/json", 16};
static const struct str CSV_TYPE = {"text/csv; charset=utf-8", 23};

/* --- Questions ----------------------------------------------------------------------------------
 */

static const unsigned ASKED_MAGIC = 0x41534b44;

/* A request whose answer is awaited. */
struct asked {
    unsigned magic;
    struct desk *desk;
    struct http_held held;
    bool as_csv;
};

static bool is_wanted(void *data)
{
    const struct asked *asked = data;
    return asked->held.req != NULL;
}

/* Every row of a value, six bytes a control character, its time and all figures; for itself, for
 * what it is compared with, and once more among the rows of the compared period. */
enum { ROW_BYTES_MAX = 3 * (6 * VALUE_BYTES_MAX + 512) };

static void reply_answer(struct asked *asked, struct query_answer *answer)
{
    struct buf body;
    buf_init(&body, (size_t)QUERY_ROWS_MAX * ROW_BYTES_MAX + 2 * QUERY_BODY_BYTES_MAX);
    if (asked->as_csv) {
        json_t *root = query_answer_json(answer);
        export_append_csv(&body, root);
        json_decref(root);
    } else {
        query_answer_print(answer, &body);
    }
    assert(!body.overflow);
    desk_held_reply(&asked->held, 200, asked->as_csv ? CSV_TYPE : JSON_TYPE, buf_str(&body));
    buf_done(&body);
}

/* A question whose asker has gone is nobody's answer. */
static void count_outcome(const struct asked *asked, enum question_outcome outcome)
{
    static const enum dashboards_metric ROWS[] = {
        [QUESTION_ANSWERED] = DASHBOARDS_ANSWERED,
        [QUESTION_REFUSED] = DASHBOARDS_REFUSED,
        [QUESTION_FAILED] = DASHBOARDS_FAILED,
        [QUESTION_BUSY] = DASHBOARDS_BUSY,
    };
    if (asked->held.req != NULL)
        metrics_add(asked->desk->metrics, ROWS[outcome], 1);
}

static void on_answer(enum question_outcome outcome, enum query_status status,
                      struct query_answer *answer, void *data)
{
    struct asked *asked = data;
    assert(asked->magic == ASKED_MAGIC);
    count_outcome(asked, outcome);
    switch (outcome) {
    case QUESTION_ANSWERED:
        reply_answer(asked, answer);
        break;
    case QUESTION_REFUSED:
        desk_held_reply_error(&asked->held, 400, query_status_sentence(status));
        break;
    case QUESTION_FAILED:
        desk_held_reply_error(&asked->held, 503, "The store cannot be read at present.");
        break;
    case QUESTION_BUSY:
        desk_held_reply_error(&asked->held, 503, "Too many questions are asked at once.");
        break;
    }
    asked->magic = 0;
    free(asked);
}

static void ask(struct http_request *req, struct desk *desk, struct str json, bool as_csv)
{
    struct query query;
    enum query_status status = query_parse(json, &query);
    if (status != QUERY_OK) {
        metrics_add(desk->metrics, DASHBOARDS_REFUSED, 1);
        desk_reply_error(req, 400, query_status_sentence(status));
        return;
    }
    const struct site *site = desk->sites == NULL ? NULL : site_list_find(desk->sites, query.site);
    if (site == NULL) {
        query_done(&query);
        metrics_add(desk->metrics,
                    desk->sites == NULL ? DASHBOARDS_TOO_EARLY : DASHBOARDS_UNKNOWN_SITE, 1);
        if (desk->sites == NULL)
            desk_reply_error(req, 503, "The site list was not read yet.");
        else
            desk_reply_error(req, 404, "This site is not known here.");
        return;
    }
    struct asked *asked = calloc(1, sizeof(*asked));
    if (asked == NULL)
        abort();
    asked->magic = ASKED_MAGIC;
    asked->desk = desk;
    asked->as_csv = as_csv;
    http_request_hold(req, &asked->held);
    question_ask(desk, &query, site, is_wanted, on_answer, asked);
}

/* Before anything is read: a refusal has to be cheap. True: it was. */
static bool refuse_while_behind(struct http_request *req, const struct desk *desk)
{
    if (!desk->is_behind)
        return false;
    metrics_add(desk->metrics, DASHBOARDS_BEHIND, 1);
    desk_reply_behind(req);
    return true;
}

void api_handle_query(struct http_request *req, void *worker_data)
{
    if (!refuse_while_behind(req, worker_data))
        ask(req, worker_data, http_request_body(req), false);
}

void api_handle_export(struct http_request *req, void *worker_data)
{
    struct desk *desk = worker_data;
    struct str site = str_from_at(http_request_path(req), strlen("/api/v2/export/"));
    if (refuse_while_behind(req, desk))
        return;
    if (!str_ends_with(site, STR_LIT(".csv"))) {
        desk_reply_error(req, 404, "An export is at /api/v2/export/<site>.csv.");
        return;
    }
    site = str_prefix(site, site.len - strlen(".csv"));
    json_t *question = export_question(site, http_request_query(req));
    if (question == NULL) {
        metrics_add(desk->metrics, DASHBOARDS_REFUSED, 1);
        desk_reply_error(req, 400,
                         "An export takes metrics, dimensions, period or date_range, filters and "
                         "order_by, each once.");
        return;
    }
    char *text = json_dumps(question, JSON_COMPACT);
    json_decref(question);
    if (text == NULL)
        abort();
    ask(req, desk, str_from(text), true);
    free(text);
}

/* --- Sites --------------------------------------------------------------------------------------
 */

/* What a page's snippet points at: what the configuration says, or the listener, which a browser on
 * this machine reaches under localhost when it is on every address. */
static json_t *collector_url(const struct config *config)
{
    struct listen_address listen;
    if (config->collector.url != NULL)
        return json_string(config->collector.url);
    if (value_listen(str_from(config->collector.listen), &listen) &&
        (strcmp(listen.host, "0.0.0.0") == 0 || strcmp(listen.host, "::") == 0))
        return json_sprintf("http://localhost:%u", listen.port);
    return json_sprintf("http://%s", config->collector.listen);
}

void api_handle_sites(struct http_request *req, void *worker_data)
{
    const struct desk *desk = worker_data;
    json_t *sites = json_array();
    if (desk->sites == NULL) {
        json_decref(sites);
        desk_reply_error(req, 503, "The site list was not read yet.");
        return;
    }
    for (size_t i = 0; i < site_list_count(desk->sites); i++) {
        const struct site *site = site_list_at(desk->sites, i);
        json_array_append_new(
            sites, json_pack("{s:s#, s:s#, s:s, s:i, s:i}", "site_id", site->domain.ptr,
                             (int)site->domain.len, "timezone", site->timezone.ptr,
                             (int)site->timezone.len, "preset",
                             site->preset == SITE_STRICT ? "strict" : "standard", "keep_days",
                             site->keep_days, "keep_months", site->keep_months));
    }
    json_t *root =
        json_pack("{s:o, s:o}", "sites", sites, "collector_url", collector_url(desk->config));
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (text == NULL)
        abort();
    desk_reply(req, 200, JSON_TYPE, str_from(text));
    free(text);
}

/* --- Health -------------------------------------------------------------------------------------
 */

void api_handle_health(struct http_request *req, void *worker_data)
{
    (void)worker_data;
    desk_reply(req, 200, JSON_TYPE, STR_LIT("{\"status\":\"ok\"}"));
}

void api_handle_ready(struct http_request *req, void *worker_data)
{
    const struct desk *desk = worker_data;
    if (desk->sites == NULL)
        desk_reply_error(req, 503, "The site list was not read yet.");
    else if (!redis_link_is_up(desk->link))
        desk_reply_error(req, 503, "The store cannot be read at present.");
    else
        api_handle_health(req, worker_data);
}

/* --- Pages --------------------------------------------------------------------------------------
 */

static const struct http_header PAGE_HEADERS[] = {
    {STR_LIT("content-security-policy"), STR_LIT(ASSETS_CSP)},
    {STR_LIT("cache-control"), STR_LIT(ASSETS_CACHE_CONTROL)},
    {STR_LIT("x-content-type-options"), STR_LIT("nosniff")},
    {STR_LIT("referrer-policy"), STR_LIT("no-referrer")},
    {STR_LIT("cross-origin-resource-policy"), STR_LIT("same-origin")},
    {STR_LIT("cross-origin-opener-policy"), STR_LIT("same-origin")},
    {STR_LIT("vary"), STR_LIT("accept-encoding")},
};
static_assert(ARRAY_LEN(PAGE_HEADERS) + 2 <= HTTP_REPLY_HEADERS_MAX, "ETag and encoding fit too");

static void reply_asset(struct http_request *req, const struct asset *asset)
{
    struct str known = http_request_header(req, STR_LIT("if-none-match"));
    struct str encodings = http_request_header(req, STR_LIT("accept-encoding"));
    bool fresh = known.ptr != NULL && negotiate_etag_matches(known, asset->etag);
    bool gzip = encodings.ptr != NULL && negotiate_gzip(encodings);
    struct http_reply reply = {.status = fresh ? 304 : 200, .body_is_static = true};
    memcpy(reply.headers, PAGE_HEADERS, sizeof(PAGE_HEADERS));
    reply.header_count = ARRAY_LEN(PAGE_HEADERS);
    reply.headers[reply.header_count++] = (struct http_header){STR_LIT("etag"), asset->etag};
    if (!fresh) {
        reply.content_type = asset->content_type;
        reply.body = gzip ? asset->gzip : asset->bytes;
        if (gzip)
            reply.headers[reply.header_count++] =
                (struct http_header){STR_LIT("content-encoding"), STR_LIT("gzip")};
    }
    http_reply(req, &reply);
}

/* Any path that is neither the API's nor a file of the pages is a state of the page. */
void api_handle_page(struct http_request *req, void *worker_data)
{
    struct str path = http_request_path(req);
    struct asset asset;
    (void)worker_data;
    bool is_page =
        !str_starts_with(path, STR_LIT("/api/")) && !str_starts_with(path, STR_LIT("/assets/"));
    if (!assets_find(path, &asset) && !(is_page && assets_find(STR_LIT("/"), &asset)))
        desk_reply_error(req, 404, "There is nothing at this path.");
    else
        reply_asset(req, &asset);
}
