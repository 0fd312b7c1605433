/* `footfall check`: is everything as it should be, in plain words. One line a finding; a finding
 * that weakens a promise or keeps something from working is trouble, and trouble is exit code 1. */

#include <getopt.h>
#include <maxminddb.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/store.h"
#include "common/clock.h"
#include "common/redis.h"

enum {
    ERROR_BYTES = 512,
    KEYS_BYTES_MAX = 64 * 1024,
    DAY_S = 24 * 60 * 60,
    /* Blocks of addresses change hands: after a year one in a few is in the wrong place. */
    GEO_OLD_DAYS = 400,
    REDIS_MAJOR_MIN = 7,
};

static const char HELP[] =
    "usage: footfall check [--config FILE] [--data DIR]\n"
    "       footfall check --keys\n\n"
    "Tells whether the configuration, Redis and the geo database are as they should be; exit code\n"
    "1 when something is not. --keys lists every configuration key.\n";

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

struct findings {
    bool trouble;
};

static void say_good(const char *what)
{
    printf("good     %s\n", what);
}

static void say_trouble(struct findings *findings, const char *what)
{
    printf("TROUBLE  %s\n", what);
    findings->trouble = true;
}

static void say_note(const char *what)
{
    printf("note     %s\n", what);
}

/* --- Redis ------------------------------------------------------------------------------------ */

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
    char what[ERROR_BYTES];
    struct redis_reply *reply;
    struct str version = info_field(redis, "server", "redis_version", &reply);
    unsigned major = 0;
    for (size_t i = 0; i < version.len && version.ptr[i] >= '0' && version.ptr[i] <= '9'; i++)
        major = major * 10 + (unsigned)(version.ptr[i] - '0');
    snprintf(what, sizeof(what), "Redis %.*s answers%s", STR_ARG(version),
             major < REDIS_MAJOR_MIN ? ", but Footfall needs 7.0 or newer." : ".");
    if (major < REDIS_MAJOR_MIN)
        say_trouble(findings, what);
    else
        say_good(what);
    redis_reply_free(reply);
}

static void check_setting(struct findings *findings, struct redis *redis, size_t index)
{
    char what[ERROR_BYTES];
    struct redis_reply *reply =
        redis_do(redis, STR_LIT("CONFIG"), STR_LIT("GET"), str_from(SETTINGS[index].name));
    if (reply != NULL && redis_reply_count(reply) == 2) {
        struct str value = redis_reply_str(redis_reply_at(reply, 1));
        if (!str_eq(value, str_from(SETTINGS[index].wanted))) {
            snprintf(what, sizeof(what), "Redis's %s is %.*s and should be %s: %s.",
                     SETTINGS[index].name, STR_ARG(value), SETTINGS[index].wanted,
                     SETTINGS[index].why);
            say_trouble(findings, what);
        }
    } else {
        snprintf(what, sizeof(what), "Redis does not tell its setting %s.", SETTINGS[index].name);
        say_note(what);
    }
    redis_reply_free(reply);
}

static void check_persistence(struct findings *findings, struct redis *redis)
{
    struct redis_reply *reply;
    struct str status = info_field(redis, "persistence", "aof_last_write_status", &reply);
    if (str_eq(status, STR_LIT("err")))
        say_trouble(findings, "Redis could not write its file: is the disk full?");
    redis_reply_free(reply);
}

static void check_functions(struct findings *findings, struct redis *redis)
{
    struct redis_reply *reply = redis_do(redis, STR_LIT("FUNCTION"), STR_LIT("LIST"),
                                         STR_LIT("LIBRARYNAME"), STR_LIT("footfall"));
    if (reply != NULL && redis_reply_count(reply) == 1)
        say_good("The functions that store counts are loaded.");
    else
        say_trouble(findings, "The functions that store counts are not loaded: the aggregator does "
                              "that when it starts. Is it running?");
    redis_reply_free(reply);
}

static void check_redis(struct findings *findings, const struct config *config)
{
    char error[ERROR_BYTES];
    struct redis_address address;
    struct redis *redis = NULL;
    if (config_redis_address(config, "admin", &address, error, sizeof(error)))
        redis = redis_connect(&address, error, sizeof(error));
    if (redis == NULL) {
        say_trouble(findings, error);
        return;
    }
    bool before = findings->trouble;
    findings->trouble = false;
    check_version(findings, redis);
    for (size_t i = 0; i < ARRAY_LEN(SETTINGS); i++)
        check_setting(findings, redis, i);
    check_persistence(findings, redis);
    if (!findings->trouble)
        say_good("Redis's settings keep what Footfall promises.");
    findings->trouble = findings->trouble || before;
    check_functions(findings, redis);
    redis_free(redis);
}

/* --- Geo database ----------------------------------------------------------------------------- */

static void check_geo_file(struct findings *findings, const char *path)
{
    char what[ERROR_BYTES + 4096];
    MMDB_s database;
    int status = MMDB_open(path, MMDB_MODE_MMAP, &database);
    if (status != MMDB_SUCCESS) {
        snprintf(what, sizeof(what), "The geo database %s cannot be read: %s.", path,
                 MMDB_strerror(status));
        say_trouble(findings, what);
        return;
    }
    int64_t days = (clock_wall_ms() / 1000 - (int64_t)database.metadata.build_epoch) / DAY_S;
    snprintf(what, sizeof(what), "The geo database %s (%s) is %lld days old%s", path,
             database.metadata.database_type, (long long)days,
             days > GEO_OLD_DAYS ? ": many addresses have moved since; replace it." : ".");
    if (days > GEO_OLD_DAYS)
        say_trouble(findings, what);
    else
        say_good(what);
    MMDB_close(&database);
}

/* Without a setting of its own, the command looks at the files that the running `serve` has. */
static void geo_from_note(struct config *config)
{
    char note[STORE_NOTE_BYTES], error[ERROR_BYTES];
    bool noted = config->geo.database.count == 0 &&
                 store_read_note(config->data, STORE_NOTE_GEO_DATABASE, note);
    if (noted && !config_set(config, "geo.database", note, error, sizeof(error)))
        say_note("What `serve` noted of its geo database cannot be read.");
}

static void check_geo(struct findings *findings, const struct config *config)
{
    if (config->geo.database.count == 0)
        say_note("There is no geo database (geo.database): countries and regions stay unknown.");
    for (size_t i = 0; i < config->geo.database.count; i++)
        check_geo_file(findings, config->geo.database.items[i]);
}

/* --- The command ------------------------------------------------------------------------------ */

static int print_keys(void)
{
    struct buf keys;
    buf_init(&keys, KEYS_BYTES_MAX);
    config_describe(&keys);
    (void)fwrite(keys.ptr, 1, keys.len, stdout);
    buf_done(&keys);
    return EXIT_GOOD;
}

static int check_all(const struct command_place *place)
{
    struct findings findings = {0};
    struct config config;
    if (!command_config(place, &config))
        return EXIT_BAD;
    say_good("The configuration is valid.");
    geo_from_note(&config);
    check_redis(&findings, &config);
    check_geo(&findings, &config);
    config_done(&config);
    return findings.trouble ? EXIT_BAD : EXIT_GOOD;
}

int command_check(int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"data", required_argument, NULL, 'd'},
        {"config", required_argument, NULL, 'c'},
        {"keys", no_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct command_place place = {0};
    bool keys = false;
    for (int option; (option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1;) {
        if (option == 'd')
            place.data = optarg;
        else if (option == 'c')
            place.config_path = optarg;
        else if (option == 'k')
            keys = true;
        else
            return fputs(HELP, option == 'h' ? stdout : stderr),
                   option == 'h' ? EXIT_GOOD : EXIT_MISUSE;
    }
    if (optind != argc)
        return fputs(HELP, stderr), EXIT_MISUSE;
    return keys ? print_keys() : check_all(&place);
}
