/* Reads entries and folds them into the ledger, whose tables are loaded as they are met.
 *
 *   XREAD after `last` ─▶ take apart ─▶ decode ─▶ HKEYS of tables not known yet ─▶ fold ─▶ `last`
 *                             │            │              │
 *                             └────────────┴──────────────┴─▶ stuck: it is the quarantine's
 *
 * A day that is not among the open days has nothing at rest, so none of its tables is asked for: an
 * imported log brings hundreds of such days, of some sixty tables and crosses each. What an apply
 * has no room for stays, as it was read, for the next one; of a long log it is folded while Redis
 * works on the apply before, which cannot be asked anything meanwhile: then `redis` is NULL, and
 * the open days are those that were open before.
 *
 * All that can fail for good is tried before anything of the entry is folded. Called by the
 * aggregator. */

#include "aggregator/log_tail.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/batch.h"
#include "aggregator/fold.h"

enum { KEY_BYTES_MAX = 64 };

/* Entries that are read and not folded. */
static size_t left(const struct log_tail *tail)
{
    if (tail->read == NULL || redis_reply_count(tail->read) != 1)
        return 0;
    return redis_reply_count(redis_reply_at(redis_reply_at(tail->read, 0), 1)) - tail->read_at;
}

static void forget_open(struct log_tail *tail)
{
    redis_reply_free(tail->open);
    tail->open = NULL;
}

static void forget_read(struct log_tail *tail)
{
    redis_reply_free(tail->read);
    tail->read = NULL;
    tail->read_at = 0;
}

void log_tail_init(struct log_tail *tail, uint32_t shard)
{
    *tail = (struct log_tail){.shard = shard, .entries_max = APPLY_ENTRIES_MAX};
    buf_init(&tail->key, KEY_BYTES_MAX);
    model_key_log(&tail->key, shard);
    ledger_init(&tail->ledger);
}

void log_tail_done(struct log_tail *tail)
{
    forget_read(tail);
    forget_open(tail);
    ledger_forget(&tail->ledger);
    buf_done(&tail->key);
}

static void empty(struct log_tail *tail)
{
    tail->entries = tail->bytes = 0;
    tail->is_full = tail->is_stuck = false;
}

void log_tail_begin(struct log_tail *tail, const struct log_entry_id *cursor)
{
    forget_read(tail);
    forget_open(tail);
    ledger_forget(&tail->ledger);
    tail->last = *cursor;
    empty(tail);
}

void log_tail_sent(struct log_tail *tail)
{
    ledger_applied(&tail->ledger);
    tail->oldest_ms = 0;
    empty(tail);
}

/* --- Folding -----------------------------------------------------------------------------------
 */

enum folded {
    FOLDED,
    FOLD_STUCK,
    FOLD_TROUBLE,
    FOLD_LATER, /* something has to be loaded, and there is no Redis now */
};

static enum folded stuck(struct log_tail *tail, const char *why, struct str key)
{
    tail->is_stuck = tail->is_full = true;
    if (key.len == 0)
        (void)snprintf(tail->why, sizeof(tail->why), "%s", why);
    else
        (void)snprintf(tail->why, sizeof(tail->why), "%s (%.*s)", why, STR_ARG(key));
    return FOLD_STUCK;
}

/* What a hash at rest is of: a table, or a cross of two. */
struct hash_id {
    bool is_cross;
    enum table table;
    enum cross cross;
};

static void hash_key(const struct ledger_day *day, const struct hash_id *id, struct buf *key)
{
    if (id->is_cross)
        model_key_cross(key, day->site, day->date, id->cross);
    else
        model_key_live(key, day->site, day->date, id->table);
}

static void hash_loaded(struct ledger_day *day, const struct hash_id *id,
                        const struct redis_reply *fields)
{
    for (size_t i = 0; i < redis_reply_count(fields); i++) {
        struct str field = redis_reply_str(redis_reply_at(fields, i));
        if (id->is_cross)
            ledger_load_cross_field(day, id->cross, field);
        else
            ledger_load_field(day, id->table, field);
    }
    if (id->is_cross)
        day->crosses.of[id->cross].is_loaded = true;
    else
        day->tables[id->table].is_loaded = true;
}

static enum folded load_hash(struct log_tail *tail, struct redis *redis, struct ledger_day *day,
                             const struct hash_id *id, struct trouble *ret_trouble)
{
    char doing[sizeof(ret_trouble->doing)];
    enum folded folded = FOLDED;
    struct buf key;
    (void)snprintf(doing, sizeof(doing), "loading %s of %.*s on %" PRIu32,
                   id->is_cross ? "a cross" : model_table_name(id->table), STR_ARG(day->site),
                   day->date);
    buf_init(&key, VALUE_BYTES_MAX);
    hash_key(day, id, &key);
    struct redis_reply *reply =
        trouble_check(ret_trouble, doing, redis, redis_do(redis, STR_LIT("HKEYS"), buf_str(&key)));
    if (reply != NULL)
        hash_loaded(day, id, reply);
    else if (trouble_lasts(ret_trouble->kind))
        folded = stuck(tail, trouble_words(ret_trouble->kind), buf_str(&key));
    else
        folded = FOLD_TROUBLE;
    redis_reply_free(reply);
    buf_done(&key);
    return folded;
}

/* What the section needs of its day, tables first: a cross's cells are of their rows. */
static enum folded load_missing(struct log_tail *tail, struct redis *redis,
                                const struct section *section, struct trouble *ret_trouble)
{
    enum folded folded = FOLDED;
    struct ledger_day *day = ledger_day(&tail->ledger, section->site, section->date);
    uint32_t tables = fold_missing_tables(section, day);
    uint64_t crosses = fold_missing_crosses(section, day);
    if (redis == NULL && (tables != 0 || crosses != 0))
        return FOLD_LATER;
    for (int t = 0; t < TABLE__COUNT && folded == FOLDED; t++)
        if ((tables >> t & 1) != 0)
            folded =
                load_hash(tail, redis, day, &(struct hash_id){.table = (enum table)t}, ret_trouble);
    for (int c = 0; c < CROSS__COUNT && folded == FOLDED; c++)
        if ((crosses >> c & 1) != 0)
            folded =
                load_hash(tail, redis, day,
                          &(struct hash_id){.is_cross = true, .cross = (enum cross)c}, ret_trouble);
    return folded;
}

/* The reply to HMGET of the days' fields of the open days; NULL with the trouble. */
static struct redis_reply *ask_open(const struct log_tail *tail, struct redis *redis,
                                    const struct day_set *set, struct trouble *ret_trouble)
{
    struct buf bytes;
    size_t *at = calloc(set->count + 2, sizeof(*at));
    struct str *argv = calloc(set->count + 2, sizeof(*argv));
    if (at == NULL || argv == NULL)
        abort();
    buf_init(&bytes, (set->count + 1) * KEY_BYTES_MAX);
    model_key_open(&bytes, tail->shard);
    at[0] = bytes.len;
    for (size_t i = 0; i < set->count; i++) {
        model_open_field(&bytes, set->sections[i]->site, set->sections[i]->date);
        at[i + 1] = bytes.len;
    }
    assert(!bytes.overflow);
    argv[0] = STR_LIT("HMGET");
    argv[1] = str_prefix(buf_str(&bytes), at[0]);
    for (size_t i = 0; i < set->count; i++)
        argv[i + 2] = (struct str){bytes.ptr + at[i], at[i + 1] - at[i]};
    struct redis_reply *reply = trouble_check(ret_trouble, "reading which days are open", redis,
                                              redis_command(redis, set->count + 2, argv));
    buf_done(&bytes);
    free(argv);
    free(at);
    return reply;
}

static bool is_among(const struct redis_reply *fields, const struct section *section)
{
    struct buf field;
    bool found = false;
    buf_init(&field, KEY_BYTES_MAX);
    model_open_field(&field, section->site, section->date);
    for (size_t i = 0; i < redis_reply_count(fields) && !found; i++)
        found = str_eq(redis_reply_str(redis_reply_at(fields, i)), buf_str(&field));
    buf_done(&field);
    return found;
}

/* Days that are not known yet and not open either are known to be empty from here on. */
static enum folded meet_days(struct log_tail *tail, struct redis *redis, const struct day_set *set,
                             struct trouble *ret_trouble)
{
    bool is_known = true;
    for (size_t i = 0; i < set->count && is_known; i++)
        is_known = ledger_knows(&tail->ledger, set->sections[i]->site, set->sections[i]->date);
    if (is_known)
        return FOLDED;
    struct redis_reply *reply = redis == NULL ? NULL : ask_open(tail, redis, set, ret_trouble);
    if (redis != NULL && reply == NULL)
        return FOLD_TROUBLE;
    for (size_t i = 0; i < set->count; i++) {
        const struct section *section = set->sections[i];
        bool is_open = redis == NULL ? is_among(tail->open, section)
                                     : redis_reply_type(redis_reply_at(reply, i)) != REDIS_TYPE_NIL;
        if (!is_open && !ledger_knows(&tail->ledger, section->site, section->date))
            ledger_day_is_empty(ledger_day(&tail->ledger, section->site, section->date));
    }
    redis_reply_free(reply);
    return FOLDED;
}

static enum folded load_days(struct log_tail *tail, struct redis *redis, const struct day_set *set,
                             struct trouble *ret_trouble)
{
    enum folded folded = meet_days(tail, redis, set, ret_trouble);
    for (size_t i = 0; i < set->count && folded == FOLDED; i++)
        folded = load_missing(tail, redis, set->sections[i], ret_trouble);
    return folded;
}

static enum folded fold_batch(struct log_tail *tail, struct redis *redis,
                              const struct log_entry *entry, struct trouble *ret_trouble)
{
    struct day_set set;
    day_set_init(&set, APPLY_CELLS_MAX);
    enum batch_status status = batch_fold(entry->payload, &set);
    enum folded folded = status == BATCH_OK ? load_days(tail, redis, &set, ret_trouble)
                                            : stuck(tail, batch_status_name(status), STR_EMPTY);
    for (size_t i = 0; i < set.count && folded == FOLDED; i++) {
        const struct section *section = set.sections[i];
        fold_section(section, entry->writer, entry->number,
                     ledger_day(&tail->ledger, section->site, section->date));
    }
    day_set_done(&set);
    return folded;
}

/* An entry's id begins with the time at which it came. */
static void note_oldest(struct log_tail *tail, struct str id)
{
    uint64_t ms = 0, seq;
    if (tail->entries == 0 && log_entry_id_parse(id, &ms, &seq))
        tail->oldest_ms = (int64_t)ms;
}

/* Folds one entry, unless it has no room any more. */
static enum folded fold_entry(struct log_tail *tail, struct redis *redis,
                              const struct redis_reply *reply, struct trouble *ret_trouble)
{
    struct log_entry entry;
    struct log_entry_id id;
    bool is_entry = log_entry_parse(reply, &entry);
    if (!log_entry_id_set(&id, entry.id)) {
        (void)trouble_set(ret_trouble, "reading the log", STR_LIT("an entry without id"));
        return FOLD_TROUBLE;
    }
    note_oldest(tail, entry.id);
    if (tail->entries > 0 && tail->bytes + entry.payload.len > APPLY_BYTES_MAX) {
        tail->is_full = true;
        return FOLDED;
    }
    enum folded folded = is_entry ? fold_batch(tail, redis, &entry, ret_trouble)
                                  : stuck(tail, "append did not write it", STR_EMPTY);
    if (folded == FOLDED) {
        tail->last = id;
        tail->entries++;
        tail->bytes += entry.payload.len;
        tail->is_full =
            tail->entries >= tail->entries_max || tail->ledger.load.cells >= APPLY_PENDING_MAX;
    } else if (folded == FOLD_STUCK) {
        tail->stuck_at = id;
    }
    return folded;
}

/* --- Reading -----------------------------------------------------------------------------------
 */

static struct redis_reply *read_entries(const struct log_tail *tail, struct redis *redis, bool wait)
{
    char count[16], block_ms[16];
    size_t entries =
        tail->entries_max < APPLY_READ_ENTRIES ? tail->entries_max : APPLY_READ_ENTRIES;
    (void)snprintf(count, sizeof(count), "%zu", entries);
    (void)snprintf(block_ms, sizeof(block_ms), "%d", APPLY_BLOCK_MS);
    const struct str argv[] = {
        STR_LIT("XREAD"),   STR_LIT("COUNT"),   str_from(count),     STR_LIT("BLOCK"),
        str_from(block_ms), STR_LIT("STREAMS"), buf_str(&tail->key), log_entry_id_str(&tail->last)};
    const struct str argv_now[] = {argv[0], argv[1], argv[2], argv[5], argv[6], argv[7]};
    return wait ? redis_command(redis, ARRAY_LEN(argv), argv)
                : redis_command(redis, ARRAY_LEN(argv_now), argv_now);
}

/* Folds what was read until there is no more room. False with the trouble. */
static bool fold_read(struct log_tail *tail, struct redis *redis, struct trouble *ret_trouble)
{
    const struct redis_reply *entries = redis_reply_at(redis_reply_at(tail->read, 0), 1);
    enum folded folded = FOLDED;
    while (tail->read_at < redis_reply_count(entries) && folded == FOLDED && !tail->is_full) {
        size_t before = tail->entries;
        folded = fold_entry(tail, redis, redis_reply_at(entries, tail->read_at), ret_trouble);
        tail->read_at += tail->entries - before;
    }
    return folded != FOLD_TROUBLE;
}

/* Makes sure that something is read, when there is something. */
static bool read_more(struct log_tail *tail, struct redis *redis, bool wait,
                      struct trouble *ret_trouble)
{
    if (left(tail) > 0)
        return true;
    forget_read(tail);
    tail->read =
        trouble_check(ret_trouble, "reading the log", redis, read_entries(tail, redis, wait));
    return tail->read != NULL;
}

bool log_tail_read(struct log_tail *tail, struct redis *redis, bool wait, size_t *ret_count,
                   struct trouble *ret_trouble)
{
    if (!read_more(tail, redis, wait, ret_trouble))
        return false;
    *ret_count = left(tail);
    return *ret_count == 0 || fold_read(tail, redis, ret_trouble);
}

/* --- Ahead ------------------------------------------------------------------------------------ */

bool log_tail_look_ahead(struct log_tail *tail, struct redis *redis, struct trouble *ret_trouble)
{
    struct buf key;
    forget_open(tail);
    if (!read_more(tail, redis, false, ret_trouble))
        return false;
    buf_init(&key, KEY_BYTES_MAX);
    model_key_open(&key, tail->shard);
    tail->open = trouble_check(ret_trouble, "reading which days are open", redis,
                               redis_do(redis, STR_LIT("HKEYS"), buf_str(&key)));
    buf_done(&key);
    return tail->open != NULL;
}

bool log_tail_fold_ahead(struct log_tail *tail, struct trouble *ret_trouble)
{
    bool good = fold_read(tail, NULL, ret_trouble);
    forget_open(tail);
    return good;
}
