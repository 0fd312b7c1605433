/* Redis keeps what Footfall promises only when it is set up for it: that a 204 is on disk, that no
 * count is thrown away, that the role which faces visitors can read none. Asked as administrator.
 */

#include "cli/check_redis.h"

#include <inttypes.h>
#include <stdlib.h>

#include "aggregator/functions.h"
#include "aggregator/log_entry.h"
#include "aggregator/model.h"
#include "aggregator/quarantine.h"
#include "cli/check_rights.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/redis.h"

enum { ERROR_BYTES = 512, REDIS_MAJOR_MIN = 7, KEY_BYTES_MAX = 512 };

/* What Redis must be set to, and what a promise loses without it. */
static const struct {
    const char *name;
    const char *wanted;
    const char *why;
} SETTINGS[] = {
    {"appendonly", "yes", "counts are in memory only, and are lost when Redis stops"},
    {"appendfsync", "always", "a view answered 204 can be lost when the machine stops"},
    {"no-appendfsync-on-rewrite", "no", "a view answered 204 can be lost during a rewrite"},
    {"aof-timestamp-enabled", "no", "the journal tells when each view came"},
    {"maxmemory-policy", "noeviction", "Redis may throw counts away when memory is short"},
};

/* --- INFO and CONFIG -------------------------------------------------------------------------- */

/* A field of INFO; empty when absent. */
static struct str info_field(struct redis *redis, const char *section, const char *field,
                             struct redis_reply **ret_reply)
{
    *ret_reply = redis_do(redis, STR_LIT("INFO"), str_from(section));
    if (*ret_reply == NULL)
        return STR_EMPTY;
    struct str rest = redis_reply_str(*ret_reply);
    while (rest.len > 0) {
        size_t end = str_find(rest, '\n');
        struct str line = str_trim(str_prefix(rest, end));
        size_t colon = str_find(line, ':');
        if (str_eq(str_prefix(line, colon), str_from(field)))
            return str_from_at(line, colon + 1);
        rest = str_from_at(rest, end + 1);
    }
    return STR_EMPTY;
}

static void check_version(struct findings *findings, struct redis *redis)
{
    struct redis_reply *reply;
    struct str version = info_field(redis, "server", "redis_version", &reply);
    unsigned major = 0;
    for (size_t i = 0; i < version.len && version.ptr[i] >= '0' && version.ptr[i] <= '9'; i++)
        major = major * 10 + (unsigned)(version.ptr[i] - '0');
    if (major < REDIS_MAJOR_MIN)
        findings_trouble(findings, "Redis %.*s answers, but Footfall needs 7.0 or newer.",
                         STR_ARG(version));
    else
        findings_good("Redis %.*s answers.", STR_ARG(version));
    redis_reply_free(reply);
}

/* True when it is as it should be, or is not told. */
static bool check_setting(struct findings *findings, struct redis *redis, size_t index)
{
    struct redis_reply *reply =
        redis_do(redis, STR_LIT("CONFIG"), STR_LIT("GET"), str_from(SETTINGS[index].name));
    bool told = reply != NULL && redis_reply_count(reply) == 2;
    struct str value = told ? redis_reply_str(redis_reply_at(reply, 1)) : STR_EMPTY;
    bool good = !told || str_eq(value, str_from(SETTINGS[index].wanted));
    if (!told)
        findings_note("Redis does not tell its setting %s.", SETTINGS[index].name);
    if (!good)
        findings_trouble(findings, "Redis's %s is %.*s and should be %s: %s.", SETTINGS[index].name,
                         STR_ARG(value), SETTINGS[index].wanted, SETTINGS[index].why);
    redis_reply_free(reply);
    return good;
}

static bool check_persistence(struct findings *findings, struct redis *redis)
{
    struct redis_reply *reply;
    struct str status = info_field(redis, "persistence", "aof_last_write_status", &reply);
    bool good = !str_eq(status, STR_LIT("err"));
    if (!good)
        findings_trouble(findings, "Redis could not write its file: is the disk full?");
    redis_reply_free(reply);
    return good;
}

/* --- Functions and the log -------------------------------------------------------------------- */

static void check_functions(struct findings *findings, struct redis *redis)
{
    switch (functions_look(redis)) {
    case FUNCTIONS_OURS:
        findings_good("The functions that store counts are loaded, and are this version's.");
        return;
    case FUNCTIONS_OTHER:
        findings_trouble(findings,
                         "The functions that store counts are another version's: the aggregator "
                         "loads its own when it connects. Do two versions run?");
        return;
    case FUNCTIONS_ABSENT:
        findings_trouble(findings, "The functions that store counts are not loaded: the aggregator "
                                   "does that when it starts. Is it running?");
        return;
    case FUNCTIONS_UNKNOWN:
        findings_note("Redis does not tell which functions it has.");
        return;
    }
}

/* How long the log's first entry waits; applied ones are cut off. */
static int64_t oldest_age_ms(struct redis *redis, struct str log_key)
{
    uint64_t ms = 0, seq;
    struct redis_reply *reply = redis_do(redis, STR_LIT("XRANGE"), log_key, STR_LIT("-"),
                                         STR_LIT("+"), STR_LIT("COUNT"), STR_LIT("1"));
    struct str id = reply == NULL || redis_reply_count(reply) == 0
                        ? STR_EMPTY
                        : redis_reply_str(redis_reply_at(redis_reply_at(reply, 0), 0));
    bool known = log_entry_id_parse(id, &ms, &seq);
    redis_reply_free(reply);
    int64_t age_ms = known ? clock_wall_ms() - (int64_t)ms : 0;
    return age_ms < 0 ? 0 : age_ms;
}

static void check_log(struct findings *findings, struct redis *redis)
{
    struct buf key;
    buf_init(&key, KEY_BYTES_MAX);
    model_key_log(&key, 0);
    struct redis_reply *reply = redis_do(redis, STR_LIT("XLEN"), buf_str(&key));
    int64_t entries = reply != NULL && redis_reply_type(reply) == REDIS_TYPE_INTEGER
                          ? redis_reply_integer(reply)
                          : -1;
    int64_t age_ms = entries > 0 ? oldest_age_ms(redis, buf_str(&key)) : 0;
    redis_reply_free(reply);
    buf_done(&key);
    if (entries < 0)
        findings_trouble(findings, "The log cannot be read.");
    else if (age_ms > LOG_LAG_MS_MAX)
        findings_trouble(findings,
                         "The log has %" PRId64 " batches that are not counted yet, the oldest for "
                         "%" PRId64 " seconds: is the aggregator running?",
                         entries, age_ms / 1000);
    else
        findings_good("The log is counted as it comes (batches that wait: %" PRId64 ").", entries);
}

static void check_quarantine(struct findings *findings, struct redis *redis)
{
    uint64_t entries;
    struct trouble trouble;
    if (!quarantine_count(redis, 0, &entries, &trouble))
        findings_trouble(findings, "The quarantine cannot be read: %s.", trouble.said);
    else if (entries >= QUARANTINE_ENTRIES_MAX)
        findings_trouble(findings,
                         "The quarantine is full (%" PRIu64 " batches), and nothing is counted "
                         "until there is room: `footfall quarantine` tells why.",
                         entries);
    else if (entries > 0)
        findings_trouble(findings,
                         "Batches that could not be counted are in quarantine: %" PRIu64 ". "
                         "`footfall quarantine` lists them.",
                         entries);
    else
        findings_good("Nothing is in quarantine.");
}

/* --- All of it -------------------------------------------------------------------------------- */

void check_redis(struct findings *findings, const struct config *config)
{
    char error[ERROR_BYTES];
    struct redis_address address;
    struct redis *redis = NULL;
    if (config_redis_address(config, "admin", &address, error, sizeof(error)))
        redis = redis_connect(&address, error, sizeof(error));
    if (redis == NULL) {
        findings_trouble(findings, "%s", error);
        return;
    }
    check_version(findings, redis);
    bool good = check_persistence(findings, redis);
    for (size_t i = 0; i < ARRAY_LEN(SETTINGS); i++)
        good = check_setting(findings, redis, i) && good;
    if (good)
        findings_good("Redis's settings keep what Footfall promises.");
    check_rights(findings, redis, &address);
    check_functions(findings, redis);
    check_log(findings, redis);
    check_quarantine(findings, redis);
    redis_free(redis);
    explicit_bzero(&address, sizeof(address));
}
