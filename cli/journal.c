/* When the journal is rewritten, and when it cannot be.
 *
 *     due ─▶ room on the disk? ─▶ BGREWRITEAOF ─▶ a moment later: did it work? ─▶ due in 50
 * minutes, │ no                                 │ no        or when a day was closed └────────────
 * said once ◀────────────┘  and tried again each minute
 *
 * A rewrite needs as much space again as the journal has. On a disk that is nearly full it would
 * take what is left from the appends, and an append that finds no room ends Redis: so it waits. */

#include "cli/journal.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "aggregator/model.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/macros.h"
#include "common/redis.h"

enum {
    EVERY_MS = 50 * 60 * 1000,
    /* Small journals are rewritten in milliseconds, large ones in seconds. */
    OUTCOME_MS = 5000,
    ERROR_BYTES = 512,
    KEY_BYTES_MAX = 64,
    MIB = 1024 * 1024,
};

/* --- The disk --------------------------------------------------------------------------------- */

static uint64_t folder_bytes(const char *path)
{
    uint64_t bytes = 0;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        struct stat about;
        if (fstatat(dirfd(folder), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(about.st_mode))
            bytes += (uint64_t)about.st_size;
    }
    closedir(folder);
    return bytes;
}

/* True also where nobody can tell. */
static bool has_room(const struct journal *journal, uint64_t *ret_free, uint64_t *ret_needed)
{
    struct statvfs disk;
    if (journal->folder == NULL || statvfs(journal->folder, &disk) != 0)
        return true;
    *ret_free = (uint64_t)disk.f_bavail * disk.f_frsize;
    *ret_needed = folder_bytes(journal->folder) + JOURNAL_FREE_BYTES_MIN;
    return *ret_free >= *ret_needed;
}

/* --- Redis ------------------------------------------------------------------------------------ */

static struct redis *connect_redis(const struct journal *journal)
{
    char error[ERROR_BYTES];
    struct redis_address address;
    if (!config_redis_address(journal->config, "admin", &address, error, sizeof(error)))
        return NULL;
    struct redis *redis = redis_connect(&address, error, sizeof(error));
    explicit_bzero(&address, sizeof(address));
    return redis;
}

enum outcome { OUTCOME_GOOD, OUTCOME_BAD, OUTCOME_UNKNOWN };

static bool tells(struct str info, const char *line)
{
    return memmem(info.ptr, info.len, line, strlen(line)) != NULL;
}

/* Of the last rewrite. */
static enum outcome ask_outcome(struct redis *redis)
{
    enum outcome outcome = OUTCOME_UNKNOWN;
    struct redis_reply *reply = redis_do(redis, STR_LIT("INFO"), STR_LIT("persistence"));
    if (reply == NULL)
        return OUTCOME_UNKNOWN;
    struct str info = redis_reply_str(reply);
    if (tells(info, "aof_rewrite_in_progress:1"))
        outcome = OUTCOME_UNKNOWN;
    else if (tells(info, "aof_last_bgrewrite_status:ok"))
        outcome = OUTCOME_GOOD;
    else if (tells(info, "aof_last_bgrewrite_status:err"))
        outcome = OUTCOME_BAD;
    redis_reply_free(reply);
    return outcome;
}

/* Asks Redis to begin. Unknown: another rewrite is under way, or no answer came. */
static enum outcome begin(struct redis *redis)
{
    enum outcome outcome = OUTCOME_UNKNOWN;
    struct redis_reply *reply = redis_do(redis, STR_LIT("BGREWRITEAOF"));
    if (reply != NULL && redis_reply_type(reply) == REDIS_TYPE_STRING)
        outcome = OUTCOME_GOOD;
    else if (reply != NULL && !tells(redis_reply_str(reply), "in progress"))
        outcome = OUTCOME_BAD;
    redis_reply_free(reply);
    return outcome;
}

/* --- Turns ------------------------------------------------------------------------------------ */

static void due_in(struct journal *journal, uint32_t ms)
{
    journal->due_ms = clock_mono_ms() + (ms < journal->every_ms ? ms : journal->every_ms);
}

static void look_in(struct journal *journal)
{
    uint32_t ms = JOURNAL_LOOK_MS;
    journal->look_ms = clock_mono_ms() + (ms < journal->every_ms ? ms : journal->every_ms);
}

/* What went before stays in the journal for longer than is promised: the operator should know. */
static void tell_trouble(struct journal *journal, const char *why)
{
    if (!journal->trouble)
        log_warn("the journal cannot be rewritten, so that the order in which counts came stays on "
                 "the disk for longer than the hour: %s It is tried again each minute.",
                 why);
    journal->trouble = true;
    journal->begun = false;
    due_in(journal, JOURNAL_RETRY_MS);
}

/* What changes each time that a day is closed; empty when none ever was. False when nobody says. */
static bool ask_closed(struct redis *redis, char ret_closed[static JOURNAL_CLOSED_BYTES])
{
    struct buf key;
    buf_init(&key, KEY_BYTES_MAX);
    model_key_open(&key, 0);
    struct redis_reply *reply =
        redis_do(redis, STR_LIT("HGET"), buf_str(&key), STR_LIT(MODEL_OPEN_CLOSED));
    buf_done(&key);
    bool good = reply != NULL && redis_reply_type(reply) != REDIS_TYPE_ERROR;
    if (good)
        snprintf(ret_closed, JOURNAL_CLOSED_BYTES, "%.*s", STR_ARG(redis_reply_str(reply)));
    redis_reply_free(reply);
    return good;
}

/* Makes a rewrite due when a day was closed since the last one. */
static void look_for_closes(struct journal *journal, struct redis *redis)
{
    char closed[JOURNAL_CLOSED_BYTES];
    look_in(journal);
    if (ask_closed(redis, closed) && strcmp(closed, journal->closed) != 0)
        journal->due_ms = clock_mono_ms();
}

static void look_after(struct journal *journal, struct redis *redis)
{
    enum outcome outcome = ask_outcome(redis);
    if (outcome == OUTCOME_BAD) {
        tell_trouble(journal, "Redis could not; log/redis.log tells more.");
        return;
    }
    if (outcome == OUTCOME_UNKNOWN) {
        due_in(journal, OUTCOME_MS);
        return;
    }
    if (journal->trouble)
        log_info("the journal is rewritten again.");
    journal->trouble = false;
    journal->begun = false;
    due_in(journal, journal->every_ms);
}

static void rewrite(struct journal *journal, struct redis *redis)
{
    uint64_t free_bytes = 0, needed = 0;
    char why[ERROR_BYTES];
    if (!has_room(journal, &free_bytes, &needed)) {
        snprintf(why, sizeof(why),
                 "the disk has %" PRIu64 " MiB free and it takes %" PRIu64 ". Make some room.",
                 free_bytes / MIB, (needed + MIB - 1) / MIB);
        tell_trouble(journal, why);
        return;
    }
    char closed[JOURNAL_CLOSED_BYTES];
    bool is_told = ask_closed(redis, closed);
    enum outcome outcome = begin(redis);
    journal->begun = outcome == OUTCOME_GOOD;
    if (journal->begun && is_told)
        memcpy(journal->closed, closed, sizeof(closed));
    if (outcome == OUTCOME_BAD)
        tell_trouble(journal, "Redis could not; log/redis.log tells more.");
    else
        due_in(journal, journal->begun ? OUTCOME_MS : JOURNAL_RETRY_MS);
}

void journal_init(struct journal *journal, const struct config *config, const char *folder,
                  uint32_t every_ms)
{
    *journal = (struct journal){
        .config = config, .folder = folder, .every_ms = every_ms == 0 ? EVERY_MS : every_ms};
    due_in(journal, journal->every_ms);
    look_in(journal);
}

/* With a rewrite under way, or one that could not be, there is nothing to look for. */
static bool is_look_due(const struct journal *journal)
{
    return !journal->begun && !journal->trouble && clock_mono_ms() >= journal->look_ms;
}

void journal_turn(struct journal *journal)
{
    bool is_due = clock_mono_ms() >= journal->due_ms;
    if (!is_due && !is_look_due(journal))
        return;
    struct redis *redis = connect_redis(journal);
    if (redis == NULL) {
        due_in(journal, JOURNAL_RETRY_MS);
        look_in(journal);
    } else if (!is_due) {
        look_for_closes(journal, redis);
    } else if (journal->begun) {
        look_after(journal, redis);
    } else {
        rewrite(journal, redis);
    }
    redis_free(redis);
}
