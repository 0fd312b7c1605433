/* Redis itself says what a user may do, without doing it (ACL DRYRUN): so this looks at what holds,
 * whatever wrote the rules down, and needs no reading of rules. */

#include "cli/check_rights.h"

#include <string.h>

#include "aggregator/model.h"
#include "common/buf.h"

enum { KEY_BYTES_MAX = 512, WORDS_MAX = 8, ERROR_BYTES = 256, SOME_DATE = 20261123 };

/* Keys by letter in the table below: of the site list, the log, the writers, the cursor, the
 * quarantine, the open days, and a day's counts of some site. */
enum {
    KEY_SITES,
    KEY_LOG,
    KEY_WRITERS,
    KEY_CURSOR,
    KEY_QUARANTINE,
    KEY_OPEN,
    KEY_COUNTS,
    KEY__COUNT
};
static const char *const KEY_LETTERS[KEY__COUNT] = {"$S", "$L", "$W", "$C", "$Q", "$O", "$N"};

static const struct {
    const char *user;
    bool may;
    const char *words[WORDS_MAX];
    const char *why; /* what goes wrong otherwise */
} RIGHTS[] = {
    {"collector", true, {"fcall", "append", "2", "$L", "$W"}, "no view can become durable"},
    {"collector", true, {"hgetall", "$S"}, "it knows no site"},
    {"collector", false, {"hgetall", "$N"}, "what faces the internet can read counts"},
    {"collector", false, {"xrange", "$L", "-", "+"}, "what faces the internet can read the log"},
    {"collector", false, {"hset", "$S", "a", "b"}, "what faces the internet can change the sites"},
    {"collector", false, {"del", "$L"}, "what faces the internet can delete the log"},
    {"collector", false, {"config", "get", "*"}, "what faces the internet can read settings"},
    {"aggregator", true, {"fcall", "apply", "3", "$C", "$L", "$N"}, "nothing is counted"},
    {"aggregator", true, {"xread", "streams", "$L", "0"}, "nothing is counted"},
    {"aggregator", true, {"xadd", "$Q", "*", "a", "b"}, "what cannot be counted stops the log"},
    {"aggregator", true, {"hdel", "$W", "a"}, "rows of writers that are gone stay"},
    {"aggregator", true, {"hmget", "$S", "a"}, "days that are over stay open"},
    {"aggregator", true, {"hdel", "$O", "a"}, "days that are over stay open"},
    {"aggregator", true, {"unlink", "$N"}, "days that are over stay open"},
    {"aggregator", true, {"watch", "$N"}, "questions about many months take longer"},
    {"aggregator", true, {"hgetall", "$S"}, "days leave without being folded into months"},
    {"aggregator", false, {"xadd", "$L", "*", "a", "b"}, "it can add to the log"},
    {"aggregator", false, {"hset", "$S", "a", "b"}, "it can change the site list"},
    {"dashboards", true, {"hgetall", "$N"}, "nobody can look at counts"},
    {"dashboards", true, {"xlen", "$L"}, "questions are not held back while the store is behind"},
    {"dashboards", false, {"hset", "$N", "a", "b"}, "a reader's process can change counts"},
    {"dashboards", false, {"fcall", "apply", "1", "$C"}, "a reader's process can change counts"},
    {"dashboards", false, {"del", "$N"}, "a reader's process can delete counts"},
};

struct keys {
    struct buf texts[KEY__COUNT];
};

static void keys_init(struct keys *keys)
{
    for (size_t i = 0; i < KEY__COUNT; i++)
        buf_init(&keys->texts[i], KEY_BYTES_MAX);
    model_key_sites(&keys->texts[KEY_SITES]);
    model_key_log(&keys->texts[KEY_LOG], 0);
    model_key_writers(&keys->texts[KEY_WRITERS], 0);
    model_key_cursor(&keys->texts[KEY_CURSOR], 0);
    model_key_quarantine(&keys->texts[KEY_QUARANTINE], 0);
    model_key_open(&keys->texts[KEY_OPEN], 0);
    model_key_live(&keys->texts[KEY_COUNTS], STR_LIT("example.com"), SOME_DATE, TABLE_PAGE);
}

static void keys_done(struct keys *keys)
{
    for (size_t i = 0; i < KEY__COUNT; i++)
        buf_done(&keys->texts[i]);
}

static struct str word_of(const struct keys *keys, const char *word)
{
    for (size_t i = 0; i < KEY__COUNT; i++)
        if (strcmp(word, KEY_LETTERS[i]) == 0)
            return buf_str(&keys->texts[i]);
    return str_from(word);
}

enum answer { ANSWER_MAY, ANSWER_MAY_NOT, ANSWER_NO_USER, ANSWER_UNKNOWN };

static enum answer ask(struct redis *redis, const struct keys *keys, size_t right)
{
    struct str argv[3 + WORDS_MAX] = {STR_LIT("ACL"), STR_LIT("DRYRUN"),
                                      str_from(RIGHTS[right].user)};
    size_t argc = 3;
    for (size_t i = 0; i < WORDS_MAX && RIGHTS[right].words[i] != NULL; i++)
        argv[argc++] = word_of(keys, RIGHTS[right].words[i]);
    struct redis_reply *reply = redis_command(redis, argc, argv);
    enum answer answer = ANSWER_UNKNOWN;
    if (reply != NULL && redis_reply_is(reply, "OK"))
        answer = ANSWER_MAY;
    else if (reply != NULL && redis_reply_type(reply) == REDIS_TYPE_STRING)
        answer = ANSWER_MAY_NOT; /* "This user has no permissions to …" */
    else if (reply != NULL && str_starts_with(redis_reply_str(reply), STR_LIT("ERR User")))
        answer = ANSWER_NO_USER;
    redis_reply_free(reply);
    return answer;
}

/* True when all that could be asked is as it should be. */
static bool check_users(struct findings *findings, struct redis *redis, size_t *ret_asked)
{
    bool good = true;
    struct keys keys;
    *ret_asked = 0;
    keys_init(&keys);
    for (size_t i = 0; i < ARRAY_LEN(RIGHTS); i++) {
        enum answer answer = ask(redis, &keys, i);
        if (answer == ANSWER_UNKNOWN || answer == ANSWER_NO_USER)
            continue;
        ++*ret_asked;
        if ((answer == ANSWER_MAY) == RIGHTS[i].may)
            continue;
        good = false;
        findings_trouble(findings, "Redis's user %s %s use %s: %s.", RIGHTS[i].user,
                         RIGHTS[i].may ? "may not" : "may", RIGHTS[i].words[0], RIGHTS[i].why);
    }
    keys_done(&keys);
    return good;
}

/* Whoever reaches Redis without a name and a password should get nothing. */
static bool check_stranger(struct findings *findings, const struct redis_address *address)
{
    char error[ERROR_BYTES];
    struct redis_address stranger = *address;
    stranger.user[0] = '\0';
    explicit_bzero(stranger.password, sizeof(stranger.password));
    struct redis *redis = redis_connect(&stranger, error, sizeof(error));
    if (redis == NULL)
        return true;
    struct redis_reply *reply = redis_do(redis, STR_LIT("PING"));
    bool good = reply == NULL || redis_reply_type(reply) == REDIS_TYPE_ERROR;
    if (!good)
        findings_trouble(findings, "Redis lets in whoever reaches it, without a password: switch "
                                   "its user default off.");
    redis_reply_free(reply);
    redis_free(redis);
    return good;
}

void check_rights(struct findings *findings, struct redis *redis,
                  const struct redis_address *address)
{
    size_t asked;
    bool good = check_stranger(findings, address);
    good = check_users(findings, redis, &asked) && good;
    if (asked < ARRAY_LEN(RIGHTS))
        findings_note("Redis does not tell what the users collector, aggregator and dashboards "
                      "may do (%zu of %zu questions answered).",
                      asked, ARRAY_LEN(RIGHTS));
    else if (good)
        findings_good("Each role may do in Redis what it needs, and no more.");
}
