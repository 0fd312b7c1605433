#include "common/config_keys.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/config_value.h"
#include "common/limits.h"
#include "common/listener.h"

#define AT(member) offsetof(struct config, member)

const struct config_key CONFIG_KEYS[] = {
    {"", "data", KIND_TEXT, AT(data), 0, 0, "./data",
     "Folder of everything at rest: Redis's files, the spool, logs."},
    {"collector", "listen", KIND_LISTEN, AT(collector.listen), 0, 0, "127.0.0.1:8080",
     "Address and port that browsers send page views to."},
    {"collector", "url", KIND_URL, AT(collector.url), 0, 0, NULL,
     "What browsers use to reach the collector, for the snippet; unset: `http://` and "
     "`collector.listen`."},
    {"collector", "workers", KIND_UINT, AT(collector.workers), 0, HTTP_WORKERS_MAX, "0",
     "Worker threads; 0: one a processor but one, at least one."},
    {"collector", "admin", KIND_ADMIN, AT(collector.admin), 0, 0, NULL,
     "Where the collector tells its operator `/metrics`, `/healthz` and `/readyz`: an address such "
     "as "
     "127.0.0.1:9091, or `unix:PATH`; unset: a socket below `data` under `serve`, else nowhere."},
    {"dashboards", "listen", KIND_LISTEN, AT(dashboards.listen), 0, 0, "127.0.0.1:8081",
     "Address and port of the dashboards and their API."},
    {"dashboards", "admin", KIND_ADMIN, AT(dashboards.admin), 0, 0, NULL,
     "The same for the dashboards, such as 127.0.0.1:9093."},
    {"aggregator", "admin", KIND_ADMIN, AT(aggregator.admin), 0, 0, NULL,
     "The same for the aggregator, such as 127.0.0.1:9092."},
    {"mix", "views", KIND_UINT, AT(mix.views), 1, 10000, "10",
     "Views of a site that are stored together, so that none stands alone; 1 makes each durable "
     "at once."},
    {"mix", "seconds", KIND_UINT, AT(mix.seconds), 1, 600, "60",
     "The longest that a quiet site's views wait to be mixed."},
    {"ack", "wait_ms", KIND_UINT, AT(ack.wait_ms), 0, 5000, "100",
     "How long a beacon's answer waits for the store, in milliseconds."},
    {"spool", "bytes_max", KIND_UINT, AT(spool.bytes_max), SPOOL_BYTES_MIN, UINT_MAX, "1073741824",
     "Disk below `data` for what Redis does not take at present; past it beacons are answered 202, "
     "and at last 503."},
    {"http", "trusted_proxies", KIND_RANGES, AT(http.trusted_proxies), 0, 0, NULL,
     "Addresses or ranges whose X-Forwarded-For is believed."},
    {"http", "close_after_body", KIND_CLOSE, AT(http.close_after_body), 0, 0, "auto",
     "Close a connection after a request with a body: `auto` (after those of a trusted proxy), "
     "`always`, "
     "`never`."},
    {"http", "connections", KIND_UINT, AT(http.connections), 16, HTTP_CONNECTIONS_MAX, "10000",
     "Connections that may be open at once."},
    {"redis", "url", KIND_REDIS_URL, AT(redis.url), 0, 0, NULL,
     "A Redis of your own, `redis://user:password@host:port` or `unix:///path`; unset: the private "
     "one below `data`."},
    {"geo", "database", KIND_FILES, AT(geo.database), 0, 0, NULL,
     "Files in MaxMind's format that tell country and region; none: both stay unknown."},
    {"privacy", "dnt", KIND_BOOL, AT(privacy.dnt), 0, 0, "true", "`DNT: 1` counts as opted out."},
    {"privacy", "gpc", KIND_BOOL, AT(privacy.gpc), 0, 0, "true",
     "`Sec-GPC: 1` counts as opted out."},
};

#undef AT

/* By enum close_after_body. */
static const char *const CLOSE_NAMES[] = {"auto", "always", "never"};

const size_t CONFIG_KEY_COUNT = ARRAY_LEN(CONFIG_KEYS);
static_assert(ARRAY_LEN(CONFIG_KEYS) <= CONFIG_KEYS_MAX, "a bit each");

enum { REASON_BYTES_MAX = 160 };

const struct config_key *config_key_find(struct str section, struct str name)
{
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
        if (str_eq(section, str_from(CONFIG_KEYS[i].section)) &&
            str_eq(name, str_from(CONFIG_KEYS[i].name)))
            return &CONFIG_KEYS[i];
    return NULL;
}

bool config_section_known(struct str section)
{
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
        if (CONFIG_KEYS[i].section[0] != '\0' && str_eq(section, str_from(CONFIG_KEYS[i].section)))
            return true;
    return false;
}

/* --- Sentences -------------------------------------------------------------------------------- */

const char *config_key_title(const struct config_key *key,
                             char title[static CONFIG_KEY_NAME_BYTES_MAX])
{
    snprintf(title, CONFIG_KEY_NAME_BYTES_MAX, "%s%s%s", key->section,
             key->section[0] == '\0' ? "" : ".", key->name);
    return title;
}

const char *config_key_variable(const struct config_key *key,
                                char name[static CONFIG_KEY_NAME_BYTES_MAX])
{
    snprintf(name, CONFIG_KEY_NAME_BYTES_MAX, "FOOTFALL_%s%s%s", key->section,
             key->section[0] == '\0' ? "" : "_", key->name);
    for (char *p = name; *p != '\0'; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    return name;
}

bool config_fail_at(const struct config_failure *failure, const struct config_place *place,
                    const char *what, const char *reason)
{
    if (place->variable != NULL)
        snprintf(failure->error, failure->error_bytes, "the variable %s: %s %s.", place->variable,
                 what, reason);
    else if (place->file != NULL)
        snprintf(failure->error, failure->error_bytes, "%s, line %zu: %s %s.", place->file,
                 place->line, what, reason);
    else
        snprintf(failure->error, failure->error_bytes, "%s %s.", what, reason);
    return false;
}

/* --- Reading a value: NULL, or why not -------------------------------------------------------- */

void *config_member(struct config *config, const struct config_key *key)
{
    return (char *)config + key->offset;
}

static char *copy_text(struct str text)
{
    char *copy = strndup(text.ptr, text.len);
    if (copy == NULL)
        abort();
    return copy;
}

static const char *text_reason(const struct config_key *key, struct str text)
{
    struct listen_address listen;
    if (text.len == 0 || memchr(text.ptr, '\0', text.len) != NULL)
        return "must not be empty";
    if (text.len > CONFIG_VALUE_BYTES_MAX)
        return "is too long";
    if (key->kind == KIND_LISTEN && !value_listen(text, &listen))
        return "must be ADDRESS:PORT, as in 127.0.0.1:8080 or [::1]:8080";
    if (key->kind == KIND_ADMIN && listener_unix_path(text).len == 0 &&
        !value_listen(text, &listen))
        return "must be ADDRESS:PORT, as in 127.0.0.1:9091, or unix: and a short path";
    if (key->kind == KIND_URL && !value_url_valid(text))
        return "must be http:// or https:// and a host, without a path";
    if (key->kind == KIND_REDIS_URL && !str_starts_with(text, STR_LIT("redis://")) &&
        !str_starts_with(text, STR_LIT("unix://")))
        return "must begin with redis:// or unix://";
    return NULL;
}

static const char *set_uint(const struct config_key *key, struct config *config, struct str text,
                            char reason[static REASON_BYTES_MAX])
{
    unsigned value;
    if (!value_uint(text, key->max, &value) || value < key->min) {
        snprintf(reason, REASON_BYTES_MAX, "must be a whole number from %u to %u", key->min,
                 key->max);
        return reason;
    }
    *(unsigned *)config_member(config, key) = value;
    return NULL;
}

static const char *set_bool(const struct config_key *key, struct config *config, struct str text)
{
    bool yes = str_eq_ci(text, STR_LIT("true")) || str_eq_ci(text, STR_LIT("yes")) ||
               str_eq_ci(text, STR_LIT("on")) || str_eq(text, STR_LIT("1"));
    bool no = str_eq_ci(text, STR_LIT("false")) || str_eq_ci(text, STR_LIT("no")) ||
              str_eq_ci(text, STR_LIT("off")) || str_eq(text, STR_LIT("0"));
    if (!yes && !no)
        return "must be true or false";
    *(bool *)config_member(config, key) = yes;
    return NULL;
}

static const char *set_close(const struct config_key *key, struct config *config, struct str text)
{
    for (size_t i = 0; i < ARRAY_LEN(CLOSE_NAMES); i++) {
        if (!str_eq(text, str_from(CLOSE_NAMES[i])))
            continue;
        *(enum close_after_body *)config_member(config, key) = (enum close_after_body)i;
        return NULL;
    }
    return "must be auto, always or never";
}

static const char *set_scalar(const struct config_key *key, struct config *config, struct str text,
                              char reason[static REASON_BYTES_MAX])
{
    text = str_trim(text);
    if (key->kind == KIND_UINT)
        return set_uint(key, config, text, reason);
    if (key->kind == KIND_BOOL)
        return set_bool(key, config, text);
    if (key->kind == KIND_CLOSE)
        return set_close(key, config, text);
    const char *why = text_reason(key, text);
    if (why != NULL)
        return why;
    char **member = config_member(config, key);
    free(*member);
    *member = copy_text(text);
    return NULL;
}

void config_list_done(struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    *list = (struct config_list){0};
}

const char *config_list_add(const struct config_key *key, struct config_list *list, struct str item)
{
    item = str_trim(item);
    const char *why = text_reason(key, item);
    if (why != NULL)
        return why;
    if (key->kind == KIND_RANGES && !value_range_valid(item))
        return "must list addresses or ranges, as in 10.0.0.0/8 or ::1";
    if (list->count == CONFIG_LIST_MAX)
        return "lists too many";
    list->items[list->count++] = copy_text(item);
    return NULL;
}

bool config_kind_is_list(enum config_kind kind)
{
    return kind == KIND_FILES || kind == KIND_RANGES;
}

/* "a,b,c": how the environment and the command line write a list. */
static const char *list_split(const struct config_key *key, struct config_list *list,
                              struct str text)
{
    while (text.len > 0) {
        size_t comma = str_find(text, ',');
        const char *why = config_list_add(key, list, str_prefix(text, comma));
        if (why != NULL)
            return why;
        text = str_from_at(text, comma + 1);
    }
    return NULL;
}

void config_list_replace(const struct config_key *key, struct config *config,
                         struct config_list *list)
{
    struct config_list *member = config_member(config, key);
    config_list_done(member);
    *member = *list;
}

bool config_key_set(const struct config_key *key, struct config *config, struct str text,
                    const struct config_place *place, const struct config_failure *failure)
{
    char reason[REASON_BYTES_MAX], title[CONFIG_KEY_NAME_BYTES_MAX];
    const char *why;
    if (config_kind_is_list(key->kind)) {
        struct config_list list = {0};
        why = list_split(key, &list, text);
        if (why == NULL)
            config_list_replace(key, config, &list);
        else
            config_list_done(&list);
    } else {
        why = set_scalar(key, config, text, reason);
    }
    return why == NULL || config_fail_at(failure, place, config_key_title(key, title), why);
}
