/* SCAN in steps of some hundred keys, so that Redis goes on with its work meanwhile; what comes and
 * goes during the scan may be told or not. Called by `footfall audit`. */

#include "cli/audit_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/model.h"
#include "cli/audit_days.h"
#include "cli/audit_values.h"

enum {
    SCAN_COUNT = 250,
    /* Redis may give more a step than it was asked for. */
    STEP_KEYS_MAX = 100 * 1000,
    QUESTIONS = 2, /* a key */
    STEPS_MAX = 10 * 1000 * 1000,
    CURSOR_BYTES = 32,
};
static const int64_t DAY_MS = INT64_C(24) * 60 * 60 * 1000;

/* A row of the inventory as it is found. */
struct tally {
    uint64_t count, bytes, lasting; /* without an expiry */
    int64_t least_ms, most_ms;      /* of the others; 0 when there are none */
};

struct inventory {
    struct audit_report *report;
    struct audit_search *search;
    struct redis *redis;
    struct audit_days days;
    struct tally *tallies; /* by pattern */
    json_t *strays;
    uint64_t keys, stray_count;
};

/* --- One key ---------------------------------------------------------------------------------- */

static void count_key(struct tally *tally, int64_t bytes, int64_t expires_ms)
{
    tally->count++;
    tally->bytes += bytes > 0 ? (uint64_t)bytes : 0;
    if (expires_ms < 0) {
        tally->lasting++;
        return;
    }
    bool first = tally->count - tally->lasting == 1;
    if (first || expires_ms < tally->least_ms)
        tally->least_ms = expires_ms;
    if (expires_ms > tally->most_ms)
        tally->most_ms = expires_ms;
}

static void tell_stray(struct inventory *inventory, struct str key)
{
    char name[AUDIT_NAME_BYTES];
    if (inventory->stray_count++ >= AUDIT_STRAYS_TOLD_MAX)
        return;
    json_array_append_new(inventory->strays, json_string(audit_name(key, name)));
    audit_breach(inventory->report, "Outside the inventory: %s", name);
}

/* PTTL: -1 has no expiry, -2 is gone. */
static bool audit_key(struct inventory *inventory, struct str key, int64_t bytes,
                      int64_t expires_ms)
{
    enum { GONE = -2 };
    size_t pattern;
    if (expires_ms == GONE)
        return true;
    inventory->keys++;
    bool known = model_pattern_of(key, &pattern);
    if (known)
        count_key(&inventory->tallies[pattern], bytes, expires_ms);
    else
        tell_stray(inventory, key);
    if (!audit_search_is_idle(inventory->search)) {
        audit_search_at(inventory->search,
                        known ? model_pattern_at(pattern)->text : "a key outside the inventory");
        audit_search_bytes(inventory->search, key, 0);
        if (!audit_values(inventory->search, inventory->redis, key))
            return false;
    }
    return audit_days_key(&inventory->days, key);
}

/* --- All of them ------------------------------------------------------------------------------ */

/* Both questions of each key of a step, sent together. NULL when Redis went away. */
static struct redis_reply **ask_step(struct redis *redis, const struct redis_reply *found)
{
    size_t count = redis_reply_count(found);
    struct str(*argv)[3] = calloc(count * QUESTIONS + 1, sizeof(*argv));
    const struct str **argvs = calloc(count * QUESTIONS + 1, sizeof(*argvs));
    size_t *argc = calloc(count * QUESTIONS + 1, sizeof(*argc));
    struct redis_reply **replies = calloc(count * QUESTIONS + 1, sizeof(struct redis_reply *));
    if (argv == NULL || argvs == NULL || argc == NULL || replies == NULL)
        abort();
    for (size_t i = 0; i < count * QUESTIONS; i += QUESTIONS) {
        struct str key = redis_reply_str(redis_reply_at(found, i / QUESTIONS));
        argv[i][0] = STR_LIT("MEMORY");
        argv[i][1] = STR_LIT("USAGE");
        argv[i][2] = key;
        argv[i + 1][0] = STR_LIT("PTTL");
        argv[i + 1][1] = key;
        argc[i] = 3;
        argc[i + 1] = 2;
        argvs[i] = argv[i];
        argvs[i + 1] = argv[i + 1];
    }
    bool good = count == 0 || redis_pipeline(redis, count * QUESTIONS, argc, argvs, replies);
    free(argv);
    free(argvs);
    free(argc);
    if (good)
        return replies;
    free(replies);
    return NULL;
}

static bool audit_step(struct inventory *inventory, const struct redis_reply *found)
{
    size_t count = redis_reply_count(found);
    if (count > STEP_KEYS_MAX)
        return false;
    struct redis_reply **replies = ask_step(inventory->redis, found);
    if (replies == NULL)
        return false;
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        int64_t bytes = redis_reply_integer(replies[QUESTIONS * i]);
        int64_t expires_ms = redis_reply_integer(replies[QUESTIONS * i + 1]);
        good = good &&
               audit_key(inventory, redis_reply_str(redis_reply_at(found, i)), bytes, expires_ms);
        for (size_t q = 0; q < QUESTIONS; q++)
            redis_reply_free(replies[QUESTIONS * i + q]);
    }
    free(replies);
    return good;
}

static bool scan(struct inventory *inventory)
{
    char cursor[CURSOR_BYTES] = "0", count[16];
    snprintf(count, sizeof(count), "%d", SCAN_COUNT);
    for (int step = 0; step < STEPS_MAX; step++) {
        struct redis_reply *reply = redis_do(inventory->redis, STR_LIT("SCAN"), str_from(cursor),
                                             STR_LIT("COUNT"), str_from(count));
        bool good = reply != NULL && redis_reply_count(reply) == 2 &&
                    audit_step(inventory, redis_reply_at(reply, 1));
        struct str next = redis_reply_str(redis_reply_at(reply, 0));
        snprintf(cursor, sizeof(cursor), "%.*s", STR_ARG(next));
        redis_reply_free(reply);
        if (!good || strcmp(cursor, "0") == 0)
            return good;
        audit_progress(inventory->report, "%" PRIu64 " keys", inventory->keys);
    }
    return false;
}

/* --- Telling ---------------------------------------------------------------------------------- */

static void judge(struct audit_report *report, const struct model_pattern *pattern,
                  const struct tally *tally)
{
    uint64_t expiring = tally->count - tally->lasting;
    if (pattern->kept == MODEL_EXPIRES && tally->lasting > 0)
        audit_breach(report, "%" PRIu64 " keys %s never expire.", tally->lasting, pattern->text);
    if (pattern->kept == MODEL_KEPT && expiring > 0)
        audit_breach(report, "%s would expire, and may not.", pattern->text);
    if (pattern->days_max > 0 && tally->most_ms > pattern->days_max * DAY_MS)
        audit_breach(report, "A key %s expires in %" PRId64 " days, and may last %" PRIu32 ".",
                     pattern->text, tally->most_ms / DAY_MS, pattern->days_max);
}

static void tell(struct inventory *inventory)
{
    struct audit_report *report = inventory->report;
    json_t *rows = json_array();
    for (size_t i = 0; i < model_pattern_count(); i++) {
        const struct model_pattern *pattern = model_pattern_at(i);
        const struct tally *tally = &inventory->tallies[i];
        json_t *row = json_pack("{s:s, s:I, s:I, s:I}", "pattern", pattern->text, "count",
                                (json_int_t)tally->count, "bytes", (json_int_t)tally->bytes,
                                "without_expiry", (json_int_t)tally->lasting);
        if (tally->count > tally->lasting) {
            json_object_set_new(row, "expires_least_ms", json_integer(tally->least_ms));
            json_object_set_new(row, "expires_most_ms", json_integer(tally->most_ms));
        }
        json_array_append_new(rows, row);
        judge(report, pattern, tally);
    }
    audit_tell(report, "keys", rows);
    audit_tell(report, "outside_inventory", json_incref(inventory->strays));
    if (inventory->stray_count == 0)
        audit_good(report, "No key is outside the inventory, of %" PRIu64 ".", inventory->keys);
    else if (inventory->stray_count > AUDIT_STRAYS_TOLD_MAX)
        audit_breach(report, "Keys outside the inventory: %" PRIu64 ".", inventory->stray_count);
    audit_days_tell(&inventory->days);
}

bool audit_keys(struct audit_report *report, struct audit_search *search, struct redis *redis)
{
    struct inventory inventory = {
        .report = report,
        .search = search,
        .redis = redis,
        .days = {.redis = redis, .report = report, .search = search},
        .tallies = calloc(model_pattern_count(), sizeof(struct tally)),
        .strays = json_array(),
    };
    if (inventory.tallies == NULL)
        abort();
    bool good = scan(&inventory);
    if (good)
        tell(&inventory);
    json_decref(inventory.strays);
    free(inventory.tallies);
    return good;
}
