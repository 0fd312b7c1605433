/* Entries by pages of XRANGE. Each batch is decoded into sections of its own, which checks
 * everything in it. Called by `footfall audit`. */

#include "cli/audit_log.h"

#include <inttypes.h>
#include <stdio.h>

#include "aggregator/batch.h"
#include "aggregator/log_entry.h"
#include "aggregator/model.h"
#include "aggregator/quarantine.h"

enum { SHARD = 0, PAGE = 100, KEY_BYTES_MAX = 64, FROM_BYTES = LOG_ENTRY_ID_BYTES + 2 };

static enum batch_status read_batch(struct str payload)
{
    struct day_set set;
    day_set_init(&set, APPLY_CELLS_MAX);
    enum batch_status status = batch_fold(payload, &set);
    day_set_done(&set);
    return status;
}

static void audit_entry(struct audit_report *report, const struct redis_reply *reply)
{
    struct log_entry entry;
    char name[AUDIT_NAME_BYTES];
    if (!log_entry_parse(reply, &entry)) {
        audit_breach(report, "Entry %s of the log is no batch.", audit_name(entry.id, name));
        return;
    }
    enum batch_status status = read_batch(entry.payload);
    if (status != BATCH_OK)
        audit_breach(report, "Entry %s of the log cannot be read: %s.", audit_name(entry.id, name),
                     batch_status_name(status));
}

/* The entries after *from, which goes on to the last of them. */
static struct redis_reply *log_page(struct redis *redis, struct str from)
{
    struct buf key;
    char page[16];
    buf_init(&key, KEY_BYTES_MAX);
    model_key_log(&key, SHARD);
    snprintf(page, sizeof(page), "%d", PAGE);
    struct redis_reply *reply = redis_do(redis, STR_LIT("XRANGE"), buf_str(&key), from,
                                         STR_LIT("+"), STR_LIT("COUNT"), str_from(page));
    buf_done(&key);
    return reply;
}

static bool audit_entries(struct audit_report *report, struct redis *redis, uint64_t *ret_entries)
{
    char from[FROM_BYTES] = "-";
    for (size_t count = PAGE; count == PAGE;) {
        struct redis_reply *reply = log_page(redis, str_from(from));
        if (reply == NULL)
            return false;
        if (redis_reply_type(reply) != REDIS_TYPE_ARRAY)
            audit_breach(report, "The log cannot be read: its key holds something else.");
        count = redis_reply_count(reply);
        for (size_t i = 0; i < count; i++)
            audit_entry(report, redis_reply_at(reply, i));
        *ret_entries += count;
        struct str last =
            redis_reply_str(redis_reply_at(redis_reply_at(reply, count == 0 ? 0 : count - 1), 0));
        snprintf(from, sizeof(from), "(%.*s", STR_ARG(str_prefix(last, sizeof(from) - 2)));
        redis_reply_free(reply);
    }
    return true;
}

static void audit_quarantined(struct audit_report *report, const struct quarantine_entry *entry)
{
    char name[AUDIT_NAME_BYTES];
    if (!entry->is_batch || read_batch(entry->payload) != BATCH_OK)
        audit_breach(report, "Entry %s of the quarantine cannot be read.",
                     audit_name(entry->id, name));
}

static bool audit_quarantine(struct audit_report *report, struct redis *redis,
                             uint64_t *ret_entries)
{
    struct trouble trouble;
    struct log_entry_id after;
    bool has_entry = log_entry_id_set(&after, STR_LIT("0-0"));
    for (int i = 0; has_entry && i <= QUARANTINE_ENTRIES_MAX; i++) {
        struct quarantine_entry entry;
        struct redis_reply *reply =
            quarantine_next(redis, SHARD, log_entry_id_str(&after), &has_entry, &entry, &trouble);
        if (reply == NULL && trouble.is_lost)
            return false;
        if (reply == NULL) {
            audit_breach(report, "The quarantine cannot be read: %s.", trouble.said);
            return true;
        }
        if (has_entry) {
            audit_quarantined(report, &entry);
            ++*ret_entries;
            has_entry = log_entry_id_set(&after, entry.id);
        }
        redis_reply_free(reply);
    }
    return true;
}

bool audit_log(struct audit_report *report, struct redis *redis)
{
    uint64_t entries = 0, aside = 0;
    if (!audit_entries(report, redis, &entries) || !audit_quarantine(report, redis, &aside))
        return false;
    audit_good(report, "Batches looked at: %" PRIu64 " in the log, %" PRIu64 " in quarantine.",
               entries, aside);
    audit_tell(
        report, "batches",
        json_pack("{s:I, s:I}", "log", (json_int_t)entries, "quarantine", (json_int_t)aside));
    return true;
}
