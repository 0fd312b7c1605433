/* The second's live messages of one worker.
 *
 * Each worker tells of its own parts; worker 0 also tells, for the whole process, who is here now,
 * from the visit table and the pulse. Pages are gathered for at most NOW_PAGES_MAX visits, so that
 * a very busy second costs no more than a busy one; the number of visits is exact. */

#include "collector/broadcast.h"

#include <stdlib.h>

#include "common/clock.h"

enum { NOW_PAGES_MAX = 20000 };

struct now_page {
    uint32_t site;
    uint32_t page_at;
    uint16_t page_len;
};

struct broadcast {
    struct worker *worker;
    bool tells_now;
    int64_t wall_ms;
    uint32_t site_count;
    uint32_t *active; /* by site */
    bool *told;       /* by site */
    struct now_page *pages;
    size_t page_count;
    struct buf bytes; /* the pages' */
    struct buf message, channel;
};

static void on_visit(uint32_t site, struct str page, void *data)
{
    struct broadcast *all = data;
    if (site >= all->site_count)
        return; /* met after this second's count */
    all->active[site]++;
    if (all->page_count == NOW_PAGES_MAX)
        return;
    all->pages[all->page_count++] =
        (struct now_page){site, (uint32_t)all->bytes.len, (uint16_t)page.len};
    buf_append_str(&all->bytes, page);
}

static struct str page_of(const struct broadcast *all, const struct now_page *page)
{
    return (struct str){page->page_len == 0 ? "" : all->bytes.ptr + page->page_at, page->page_len};
}

static int compare_pages(const void *left, const void *right, void *data)
{
    const struct now_page *a = left, *b = right;
    if (a->site != b->site)
        return a->site < b->site ? -1 : 1;
    struct str x = page_of(data, a), y = page_of(data, b);
    int order = memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

/* Keeps the LIVE_TOP_PAGES most visited, in order. */
static void offer_page(struct live_now *now, struct str path, uint32_t visits)
{
    size_t at = now->page_count;
    while (at > 0 && now->pages[at - 1].visits < visits)
        at--;
    if (at == LIVE_TOP_PAGES)
        return;
    size_t last = now->page_count == LIVE_TOP_PAGES ? LIVE_TOP_PAGES - 1 : now->page_count++;
    memmove(&now->pages[at + 1], &now->pages[at], (last - at) * sizeof(now->pages[0]));
    now->pages[at] = (struct live_page){path, visits};
}

/* First of this site's pages; they are sorted by site. */
static size_t first_page(const struct broadcast *all, uint32_t site)
{
    size_t low = 0, high = all->page_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (all->pages[middle].site < site)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void fill_now(const struct broadcast *all, uint32_t site, struct live_now *now)
{
    now->active_visits = all->active[site];
    pulse_minutes(all->worker->collector->pulse, site, all->wall_ms, now->views_by_minute);
    size_t at = first_page(all, site);
    while (at < all->page_count && all->pages[at].site == site) {
        struct str path = page_of(all, &all->pages[at]);
        uint32_t visits = 0;
        while (at < all->page_count && all->pages[at].site == site &&
               str_eq(page_of(all, &all->pages[at]), path)) {
            visits++;
            at++;
        }
        offer_page(now, path, visits);
    }
}

static void tell(struct broadcast *all, struct live_message *message)
{
    struct writer *writer = all->worker->writer;
    message->writer = writer_id(writer);
    buf_reset(&all->message);
    live_encode(&all->message, message);
    buf_reset(&all->channel);
    model_channel_live(&all->channel, message->site);
    if (!all->message.overflow)
        writer_publish(writer, buf_str(&all->channel), buf_str(&all->message));
}

static void on_parts(struct str site, const struct live_part *parts, size_t count, void *data)
{
    struct broadcast *all = data;
    struct live_message message = {.site = site, .part_count = count};
    memcpy(message.parts, parts, count * sizeof(parts[0]));
    uint32_t number = pulse_site(all->worker->collector->pulse, site);
    if (all->tells_now && number < all->site_count) {
        message.has_now = true;
        fill_now(all, number, &message.now);
        all->told[number] = true;
    }
    tell(all, &message);
}

static void tell_others(struct broadcast *all)
{
    for (uint32_t site = 0; site < all->site_count; site++) {
        struct live_message message = {.site = pulse_domain(all->worker->collector->pulse, site),
                                       .has_now = true};
        if (all->told[site])
            continue;
        fill_now(all, site, &message.now);
        bool lively = message.now.active_visits > 0;
        for (size_t i = 0; i < LIVE_MINUTES; i++)
            lively = lively || message.now.views_by_minute[i] > 0;
        if (lively)
            tell(all, &message);
    }
}

static void gather_now(struct broadcast *all)
{
    struct collector *collector = all->worker->collector;
    all->site_count = pulse_site_count(collector->pulse);
    all->active = calloc(all->site_count + 1, sizeof(*all->active));
    all->told = calloc(all->site_count + 1, sizeof(*all->told));
    all->pages = malloc(NOW_PAGES_MAX * sizeof(*all->pages));
    if (all->active == NULL || all->told == NULL || all->pages == NULL)
        abort();
    visit_table_now(collector->visits, clock_mono_ms(), on_visit, all);
    qsort_r(all->pages, all->page_count, sizeof(*all->pages), compare_pages, all);
}

void broadcast(struct worker *worker)
{
    struct broadcast all = {
        .worker = worker, .tells_now = worker->index == 0, .wall_ms = clock_wall_ms()};
    if (!writer_is_connected(worker->writer))
        return;
    buf_init(&all.bytes, (size_t)NOW_PAGES_MAX * VALUE_BYTES_MAX);
    buf_init(&all.message, LIVE_BYTES_MAX);
    buf_init(&all.channel, HOST_BYTES_MAX + 64);
    if (all.tells_now)
        gather_now(&all);
    writer_each_live(worker->writer, on_parts, &all);
    if (all.tells_now)
        tell_others(&all);
    free(all.active);
    free(all.told);
    free(all.pages);
    buf_done(&all.bytes);
    buf_done(&all.message);
    buf_done(&all.channel);
}
