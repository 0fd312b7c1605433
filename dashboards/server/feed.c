/* Live streams. A site that somebody watches has a feed, which asks one question a second (today's
 * total), lays beside it what collectors tell, and sends the message to its streams when it differs
 * from the last one. It asks sooner when a collector tells something, so that a view shows as soon
 * as it is told; at a tick, since workers tell one after the other. A feed without streams ends.
 *
 *   {"active":2,"minutes":[0,…,3],"pages":[{"path":"/","visits":2}],
 *    "today":{"visitors":5,"visits":6,"pageviews":9}}
 *
 * The dashboards' loop only. */

#include "dashboards/server/feed.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "aggregator/query_answer.h"
#include "common/clock.h"
#include "dashboards/server/dashboards_metrics.h"
#include "dashboards/server/question.h"

static const unsigned FEED_MAGIC = 0x46454544;

/* Between two questions: usually; at least, when workers tell at different times; and while the
 * store is behind, when streams go on and ask for little. */
enum { FEED_ASK_MS = 1000, FEED_PAUSE_MS = 500, FEED_BEHIND_MS = 3000 };

struct watcher {
    struct watcher *next;
    struct feed *feed;
    struct http_stream *stream; /* NULL while it is started */
    bool is_new;                /* gets the next message whether it differs or not */
};

struct feed {
    unsigned magic;
    struct desk *desk;
    struct feed *next;
    char *domain;
    struct watcher *watchers;
    char *last;     /* the last message; NULL before the first */
    bool is_asking; /* a question is under way, which holds on to the feed */
    bool is_nudged; /* something was told since the last question */
    int64_t asked_ms;
};

static struct feed *feed_find(struct desk *desk, struct str domain)
{
    struct feed *feed = desk->feeds;
    while (feed != NULL && !str_eq(str_from(feed->domain), domain))
        feed = feed->next;
    return feed;
}

static struct feed *feed_new(struct desk *desk, struct str domain)
{
    struct feed *feed = calloc(1, sizeof(*feed));
    char *copy = strndup(domain.ptr, domain.len);
    if (feed == NULL || copy == NULL)
        abort();
    *feed = (struct feed){.magic = FEED_MAGIC, .desk = desk, .next = desk->feeds, .domain = copy};
    desk->feeds = feed;
    return feed;
}

static void feed_drop_if_unused(struct feed *feed)
{
    struct feed **link = &feed->desk->feeds;
    if (feed->watchers != NULL || feed->is_asking)
        return;
    while (*link != feed)
        link = &(*link)->next;
    *link = feed->next;
    feed->magic = 0;
    free(feed->domain);
    free(feed->last);
    free(feed);
}

/* --- The message --------------------------------------------------------------------------------
 */

/* Numbers of the answer's only row; null when they are not known. */
static json_t *today_json(const json_t *answer)
{
    static const char *const NAMES[] = {"visitors", "visits", "pageviews"};
    const json_t *row = json_array_get(json_object_get(answer, "results"), 0);
    const json_t *metrics = json_object_get(row, "metrics");
    json_t *today = json_object();
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        json_t *number = json_array_get(metrics, i);
        json_object_set_new(today, NAMES[i], number == NULL ? json_null() : json_incref(number));
    }
    return today;
}

static json_t *message_json(const struct live_now *now, const json_t *answer)
{
    json_t *minutes = json_array(), *pages = json_array();
    for (size_t i = LIVE_MINUTES; i-- > 0;)
        json_array_append_new(minutes, json_integer(now->views_by_minute[i]));
    for (size_t i = 0; i < now->page_count; i++) {
        json_t *path = json_stringn(now->pages[i].path.ptr, now->pages[i].path.len);
        if (path != NULL)
            json_array_append_new(pages, json_pack("{s:o, s:I}", "path", path, "visits",
                                                   (json_int_t)now->pages[i].visits));
    }
    return json_pack("{s:I, s:o, s:o, s:o}", "active", (json_int_t)now->active_visits, "minutes",
                     minutes, "pages", pages, "today", today_json(answer));
}

/* "data: {…}\n\n"; the caller frees. */
static char *message_text(const struct feed *feed, const json_t *answer)
{
    struct live_now now;
    char *text = NULL;
    overlay_expire(feed->desk->overlay, clock_mono_ms());
    overlay_now(feed->desk->overlay, str_from(feed->domain), &now);
    json_t *message = message_json(&now, answer);
    char *json = json_dumps(message, JSON_COMPACT);
    json_decref(message);
    if (json == NULL || asprintf(&text, "data: %s\n\n", json) < 0)
        abort();
    free(json);
    return text;
}

static void feed_send(struct feed *feed, bool to_all, struct str bytes)
{
    for (struct watcher *watcher = feed->watchers, *next; watcher != NULL; watcher = next) {
        next = watcher->next;
        if (watcher->stream == NULL || !(to_all || watcher->is_new))
            continue;
        watcher->is_new = false;
        http_stream_send(watcher->stream, bytes);
    }
}

static void on_today(enum question_outcome outcome, enum query_status status,
                     struct query_answer *answer, void *data)
{
    struct feed *feed = data;
    assert(feed->magic == FEED_MAGIC);
    (void)status;
    feed->is_asking = false;
    if (outcome == QUESTION_ANSWERED) {
        json_t *root = query_answer_json(answer);
        char *text = message_text(feed, root);
        bool differs = feed->last == NULL || strcmp(feed->last, text) != 0;
        feed_send(feed, differs, str_from(text));
        free(feed->last);
        feed->last = text;
        json_decref(root);
    }
    feed_drop_if_unused(feed);
}

static void feed_ask(struct feed *feed)
{
    struct desk *desk = feed->desk;
    const struct site *site =
        desk->sites == NULL ? NULL : site_list_find(desk->sites, str_from(feed->domain));
    struct query query;
    char json[512];
    if (feed->is_asking || site == NULL)
        return;
    int len = snprintf(json, sizeof(json),
                       "{\"site_id\":\"%s\",\"metrics\":[\"visitors\",\"visits\",\"pageviews\"],"
                       "\"date_range\":\"day\"}",
                       feed->domain);
    if (query_parse((struct str){json, (size_t)len}, &query) != QUERY_OK)
        return; /* cannot be: a listed domain is a valid one */
    feed->is_asking = true;
    feed->is_nudged = false;
    feed->asked_ms = clock_mono_ms();
    question_ask(desk, &query, site, NULL, on_today, feed);
}

/* --- Streams ------------------------------------------------------------------------------------
 */

static void on_stream_close(void *data)
{
    struct watcher *watcher = data;
    struct feed *feed = watcher->feed;
    struct watcher **link = &feed->watchers;
    while (*link != watcher)
        link = &(*link)->next;
    *link = watcher->next;
    free(watcher);
    feed_drop_if_unused(feed);
}

void feed_handle(struct http_request *req, void *worker_data)
{
    struct desk *desk = worker_data;
    struct str domain = str_from_at(http_request_path(req), strlen("/api/live/"));
    if (desk->sites == NULL) {
        desk_reply_error(req, 503, "The site list was not read yet.");
        return;
    }
    const struct site *site = site_list_find(desk->sites, domain);
    if (site == NULL) {
        desk_reply_error(req, 404, "This site is not known here.");
        return;
    }
    struct feed *feed = feed_find(desk, site->domain);
    if (feed == NULL)
        feed = feed_new(desk, site->domain);
    struct watcher *watcher = calloc(1, sizeof(*watcher));
    if (watcher == NULL)
        abort();
    *watcher = (struct watcher){.next = feed->watchers, .feed = feed, .is_new = true};
    feed->watchers = watcher;
    struct http_stream *stream =
        desk->stopping ? NULL : http_stream_start(req, on_stream_close, watcher);
    if (stream == NULL) {
        on_stream_close(watcher);
        metrics_add(desk->metrics, DASHBOARDS_STREAMS_REFUSED, 1);
        desk_reply_error(req, 503, "Too many live streams are open.");
        return;
    }
    watcher->stream = stream;
    feed_ask(feed);
}

void feed_tick(struct desk *desk)
{
    int64_t now_ms = clock_mono_ms();
    for (struct feed *feed = desk->feeds, *next; feed != NULL; feed = next) {
        next = feed->next; /* asking may end this one */
        int64_t pause_ms = desk->is_behind   ? FEED_BEHIND_MS
                           : feed->is_nudged ? FEED_PAUSE_MS
                                             : FEED_ASK_MS;
        if (now_ms - feed->asked_ms >= pause_ms)
            feed_ask(feed);
    }
}

void feed_nudge(struct desk *desk, struct str domain)
{
    struct feed *feed = feed_find(desk, domain);
    if (feed != NULL)
        feed->is_nudged = true;
}

unsigned feed_streams(const struct desk *desk)
{
    unsigned count = 0;
    for (const struct feed *feed = desk->feeds; feed != NULL; feed = feed->next)
        for (const struct watcher *watcher = feed->watchers; watcher != NULL;
             watcher = watcher->next)
            count++;
    return count;
}
