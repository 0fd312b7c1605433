/* The site list's writer. Collectors and dashboards keep the list in memory and read it anew when a
 * message on its channel says so; every change here ends with that message. The key is the model's,
 * the JSON is aggregator/site's: this file only carries them. */

#include "cli/site_admin.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/model.h"
#include "cli/site_erase.h"
#include "common/buf.h"

enum { KEY_BYTES_MAX = 1024, DOMAIN_BYTES_MAX = 253 };

static bool fail(char *error, size_t error_bytes, const char *sentence)
{
    snprintf(error, error_bytes, "%s", sentence);
    return false;
}

/* Takes a reply; false with a sentence for none or an error. */
static bool reply_good(struct redis *redis, struct redis_reply *reply, char *error,
                       size_t error_bytes)
{
    if (reply == NULL) {
        snprintf(error, error_bytes, "Redis went away: %s.", redis_error(redis));
        return false;
    }
    bool good = redis_reply_type(reply) != REDIS_TYPE_ERROR;
    if (!good)
        snprintf(error, error_bytes, "Redis refuses: %.*s.", STR_ARG(redis_reply_str(reply)));
    redis_reply_free(reply);
    return good;
}

static bool changed_publish(struct redis *redis, char *error, size_t error_bytes)
{
    struct buf channel;
    buf_init(&channel, KEY_BYTES_MAX);
    model_channel_sites(&channel);
    struct redis_reply *reply =
        redis_do(redis, STR_LIT("PUBLISH"), buf_str(&channel), STR_LIT("changed"));
    buf_done(&channel);
    return reply_good(redis, reply, error, error_bytes);
}

/* --- Adding ----------------------------------------------------------------------------------- */

/* What is asked for over what is there: an option that is not given changes nothing. */
static char *request_json(const struct site_request *request, const struct site *existing)
{
    json_t *root;
    if (existing != NULL) {
        char *settings = site_format(existing);
        root = json_loads(settings, 0, NULL);
        free(settings);
    } else {
        root = json_object();
    }
    if (request->alias_count > 0) {
        json_t *aliases = json_array();
        for (size_t i = 0; i < request->alias_count; i++)
            json_array_append_new(aliases, json_string(request->aliases[i]));
        json_object_set_new(root, "aliases", aliases);
    }
    if (request->timezone != NULL)
        json_object_set_new(root, "timezone", json_string(request->timezone));
    if (request->preset != NULL)
        json_object_set_new(root, "preset", json_string(request->preset));
    if (request->keep_days != NULL)
        json_object_set_new(root, "keep_days", json_integer(*request->keep_days));
    if (request->keep_months != NULL)
        json_object_set_new(root, "keep_months", json_integer(*request->keep_months));
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

/* NULL with a sentence. */
static struct site *request_site(const struct site_request *request, const struct site_list *list,
                                 char *error, size_t error_bytes)
{
    char domain[DOMAIN_BYTES_MAX + 1];
    size_t len = strlen(request->domain);
    if (len > DOMAIN_BYTES_MAX) {
        (void)fail(error, error_bytes, "a domain has at most 253 bytes.");
        return NULL;
    }
    for (size_t i = 0; i <= len; i++)
        domain[i] = (char)tolower((unsigned char)request->domain[i]);
    char *json = request_json(request, site_list_find(list, (struct str){domain, len}));
    if (json == NULL) {
        (void)fail(error, error_bytes, "an alias, time zone or preset is not valid text.");
        return NULL;
    }
    struct site *site = site_parse((struct str){domain, len}, str_from(json), error, error_bytes);
    free(json);
    return site;
}

/* A page view goes to one site: no other may own the hosts of the new one. */
static bool hosts_free(const struct site_list *list, const struct site *site, char *error,
                       size_t error_bytes)
{
    for (size_t i = 0; i <= site->alias_count; i++) {
        struct str host = i == 0 ? site->domain : site->aliases[i - 1];
        const struct site *owner = site_list_find_host(list, host);
        if (owner == NULL || str_eq(owner->domain, site->domain))
            continue;
        snprintf(error, error_bytes, "%.*s already belongs to the site %.*s.", STR_ARG(host),
                 STR_ARG(owner->domain));
        return false;
    }
    if (site_list_find(list, site->domain) == NULL && site_list_count(list) >= SITES_MAX)
        return fail(error, error_bytes, "there are as many sites as Footfall can hold.");
    return true;
}

static bool site_store(struct redis *redis, const struct site *site, char *error,
                       size_t error_bytes)
{
    struct buf key;
    buf_init(&key, KEY_BYTES_MAX);
    model_key_sites(&key);
    char *json = site_format(site);
    struct redis_reply *reply =
        redis_do(redis, STR_LIT("HSET"), buf_str(&key), site->domain, str_from(json));
    free(json);
    buf_done(&key);
    return reply_good(redis, reply, error, error_bytes) &&
           changed_publish(redis, error, error_bytes);
}

bool site_admin_add(struct redis *redis, const struct site_request *request, char *error,
                    size_t error_bytes)
{
    struct site_list *list = site_admin_list(redis, error, error_bytes);
    if (list == NULL)
        return false;
    struct site *site = request_site(request, list, error, error_bytes);
    bool good = site != NULL && hosts_free(list, site, error, error_bytes) &&
                site_store(redis, site, error, error_bytes);
    site_list_unref(list);
    site_free(site);
    return good;
}

/* --- Listing ---------------------------------------------------------------------------------- */

static struct site_list *list_from_reply(const struct redis_reply *reply, char *error,
                                         size_t error_bytes)
{
    size_t count = 0, pairs = redis_reply_count(reply) / 2;
    struct site **sites = calloc(pairs == 0 ? 1 : pairs, sizeof(struct site *));
    if (sites == NULL)
        abort();
    for (size_t i = 0; i < pairs; i++) {
        struct str domain = redis_reply_str(redis_reply_at(reply, 2 * i));
        struct str json = redis_reply_str(redis_reply_at(reply, 2 * i + 1));
        struct site *site = site_parse(domain, json, error, error_bytes);
        if (site != NULL)
            sites[count++] = site;
    }
    struct site_list *list = site_list_new(sites, count);
    free(sites);
    return list;
}

struct site_list *site_admin_list(struct redis *redis, char *error, size_t error_bytes)
{
    struct buf key;
    buf_init(&key, KEY_BYTES_MAX);
    model_key_sites(&key);
    struct redis_reply *reply = redis_do(redis, STR_LIT("HGETALL"), buf_str(&key));
    buf_done(&key);
    if (reply == NULL || redis_reply_type(reply) == REDIS_TYPE_ERROR) {
        (void)reply_good(redis, reply, error, error_bytes);
        return NULL;
    }
    struct site_list *list = list_from_reply(reply, error, error_bytes);
    redis_reply_free(reply);
    return list;
}

/* --- Removing --------------------------------------------------------------------------------- */

bool site_admin_remove(struct redis *redis, struct str domain, size_t *ret_keys, char *error,
                       size_t error_bytes)
{
    struct buf key;
    buf_init(&key, KEY_BYTES_MAX);
    model_key_sites(&key);
    struct redis_reply *reply = redis_do(redis, STR_LIT("HDEL"), buf_str(&key), domain);
    buf_done(&key);
    bool known = reply != NULL && redis_reply_integer(reply) == 1;
    if (!reply_good(redis, reply, error, error_bytes))
        return false;
    if (!known)
        return fail(error, error_bytes, "there is no such site; `footfall site list` shows all.");
    return changed_publish(redis, error, error_bytes) &&
           site_erase(redis, domain, 0, ret_keys, error, error_bytes);
}
