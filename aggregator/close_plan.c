/* Which days are over.
 *
 *     midnight ends the day        +15 minutes          a minute without a change
 *   ───────────┼─────────────────────────┼───────────────────────────┼──▶ closed
 *              │ last sections are sealed│ what comes late begins the minute anew
 *
 * Midnight is that of the site's own zone. A day is over nowhere before it is over at UTC+14, so
 * the days that are worth a look at a site's settings are known without them. Days of a site that
 * is gone from the list are not waited for: they go after CLOSE_FORGET_MS without a change.
 *
 * Example: 20261123 of a site in Amsterdam (UTC+1) ends at 23:00 UTC. It is looked at from 10:00
 * UTC on and closed at 23:15, when its last batch came at 23:04.
 *
 * Called by the close (close.c), with a fresh look each time. */

#include "aggregator/close_plan.h"

#include <assert.h>
#include <stdlib.h>

#include "aggregator/model.h"
#include "aggregator/retention.h"

enum { FIRST_DAYS = 64, HOUR_MS = 60 * 60 * 1000, DAY_MS = 24 * HOUR_MS, UNIX_EPOCH = 19700101 };
/* The zone whose days end first. */
enum { FIRST_ZONE_HOURS = 14 };

static void *with_room(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity == 0 ? FIRST_DAYS : 2 * *capacity;
    items = reallocarray(items, *capacity, size);
    if (items == NULL)
        abort();
    return items;
}

/* --- Memory ----------------------------------------------------------------------------------- */

static void days_free(struct close_day *days, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)days[i].site.ptr);
    free(days);
}

static void forget_settings(struct close_plan *plan)
{
    for (size_t i = 0; i < plan->site_count; i++)
        site_free(plan->sites[i]);
    plan->site_count = 0;
}

void close_plan_init(struct close_plan *plan)
{
    *plan = (struct close_plan){0};
}

void close_plan_done(struct close_plan *plan)
{
    forget_settings(plan);
    days_free(plan->days, plan->count);
    days_free(plan->before, plan->before_count);
    free(plan->sites);
    *plan = (struct close_plan){0};
}

/* --- Looking ---------------------------------------------------------------------------------- */

static int compare_days(const void *a, const void *b)
{
    const struct close_day *left = a, *right = b;
    size_t common = left->site.len < right->site.len ? left->site.len : right->site.len;
    int order = memcmp(left->site.ptr, right->site.ptr, common);
    if (order != 0)
        return order;
    if (left->site.len != right->site.len)
        return left->site.len < right->site.len ? -1 : 1;
    return left->date < right->date ? -1 : left->date > right->date;
}

void close_plan_begin(struct close_plan *plan)
{
    forget_settings(plan);
    days_free(plan->before, plan->before_count);
    plan->before = plan->days;
    plan->before_count = plan->count;
    plan->days = NULL;
    plan->count = plan->capacity = plan->next = 0;
    for (size_t i = 0; i < plan->before_count; i++)
        plan->before[i].settings = NULL;
}

/* The first moment at which it is over anywhere, and may be closed. */
static int64_t over_somewhere_ms(uint32_t date)
{
    return (date_diff_days(date, UNIX_EPOCH) + INT64_C(1)) * DAY_MS - FIRST_ZONE_HOURS * HOUR_MS +
           CLOSE_AFTER_MS;
}

void close_plan_see(struct close_plan *plan, struct str field, struct str mark, int64_t wall_ms,
                    int64_t mono_ms)
{
    struct close_day day = {.quiet_since_ms = mono_ms, .not_before_ms = mono_ms};
    if (plan->count == CLOSE_DAYS_MAX || !model_open_field_parse(field, &day.site, &day.date) ||
        !log_entry_id_set(&day.mark, mark))
        return;
    day.may_be_over = wall_ms >= over_somewhere_ms(day.date);
    const struct close_day *known =
        plan->before_count == 0
            ? NULL
            : bsearch(&day, plan->before, plan->before_count, sizeof(day), compare_days);
    if (known != NULL && str_eq(log_entry_id_str(&known->mark), mark)) {
        day.quiet_since_ms = known->quiet_since_ms;
        day.not_before_ms = known->not_before_ms;
    }
    day.is_told = known != NULL && known->is_told;
    char *copy = malloc(day.site.len);
    if (copy == NULL)
        abort();
    memcpy(copy, day.site.ptr, day.site.len);
    day.site.ptr = copy;
    plan->days = with_room(plan->days, plan->count, &plan->capacity, sizeof(day));
    plan->days[plan->count++] = day;
}

void close_plan_seen(struct close_plan *plan)
{
    if (plan->count > 0)
        qsort(plan->days, plan->count, sizeof(plan->days[0]), compare_days);
}

size_t close_plan_run(const struct close_plan *plan, size_t from)
{
    size_t end = from + 1;
    assert(from < plan->count);
    while (end < plan->count && str_eq(plan->days[end].site, plan->days[from].site))
        end++;
    return end;
}

bool close_plan_may_be_over(const struct close_plan *plan, size_t from)
{
    size_t end = close_plan_run(plan, from);
    bool may_be = false;
    for (size_t i = from; i < end; i++)
        may_be |= plan->days[i].may_be_over;
    return may_be;
}

void close_plan_settle(struct close_plan *plan, size_t from, struct site *settings)
{
    size_t end = close_plan_run(plan, from);
    if (settings != NULL) {
        plan->sites =
            with_room(plan->sites, plan->site_count, &plan->site_capacity, sizeof(struct site *));
        plan->sites[plan->site_count++] = settings;
    }
    for (size_t i = from; i < end; i++) {
        plan->days[i].settings = settings;
        plan->days[i].is_forgotten = settings == NULL;
    }
}

/* --- What is due ------------------------------------------------------------------------------ */

int64_t close_plan_due_ms(const struct site *settings, uint32_t date)
{
    return timezone_day_start_ms(settings->zone, date_add_days(date, 1)) + CLOSE_AFTER_MS;
}

static bool is_due(const struct close_day *day, int64_t wall_ms, int64_t mono_ms)
{
    int64_t quiet_ms = mono_ms - day->quiet_since_ms;
    if (mono_ms < day->not_before_ms)
        return false;
    if (day->is_forgotten)
        return quiet_ms >= CLOSE_FORGET_MS;
    return day->settings != NULL && quiet_ms >= CLOSE_QUIET_MS &&
           wall_ms >= close_plan_due_ms(day->settings, day->date);
}

struct close_day *close_plan_next(struct close_plan *plan, int64_t wall_ms, int64_t mono_ms)
{
    while (plan->next < plan->count) {
        struct close_day *day = &plan->days[plan->next++];
        if (is_due(day, wall_ms, mono_ms))
            return day;
    }
    return NULL;
}

static bool is_left_open(const struct close_day *day, struct str site, uint32_t month)
{
    return str_eq(day->site, site) && day->date / 100 == month && !day->is_closed && !day->is_told;
}

/* Days are in order, so those of both months are next to the day. */
bool close_plan_month_is_done(const struct close_plan *plan, const struct close_day *day,
                              uint32_t month, int64_t wall_ms)
{
    enum { NEAR = 2 * 31 };
    size_t at = (size_t)(day - plan->days), end = at + NEAR < plan->count ? at + NEAR : plan->count;
    bool is_open = false;
    assert(day->settings != NULL);
    for (size_t i = at < NEAR ? 0 : at - NEAR; i < end; i++)
        is_open |= is_left_open(&plan->days[i], day->site, month);
    return !is_open && wall_ms >= close_plan_due_ms(day->settings, month_last_day(month));
}

size_t close_plan_stuck(const struct close_plan *plan)
{
    size_t stuck = 0;
    for (size_t i = 0; i < plan->count; i++)
        stuck += plan->days[i].is_told;
    return stuck;
}
