/* Sites: their settings as JSON and back, and the list that finds one for every beacon. Who owns a
 * host is decided here alone. Reads no Redis; used by every thread.
 *
 * The list's index is one open-addressed table of two kinds of keys, domains and aliases, a
 * wildcard being an alias spelled with its star:
 *
 *     (DOMAIN, example.com) -> site    (ALIAS, shop.example.net) -> site    (ALIAS, *.example.org)
 *
 * A host is looked up as a domain, as www. of one, as an alias, then with its labels taken off from
 * the left: a.b.example.org asks for *.b.example.org, *.example.org, *.org. */

#include "aggregator/site.h"

#include <assert.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/model.h"
#include "common/hash.h"

enum { HOST_NAME_BYTES_MAX = 253 }; /* RFC 1035 */
static_assert(SITE_ALIASES_MAX == 32 && KEEP_MONTHS_MAX == 240, "sentences say so");

/* A site and the bytes that its slices point to. */
struct site_memory {
    struct site site;
    char text[];
};

/* What a preset means where a setting of its own does not say otherwise. */
static const struct {
    const char *name;
    int keep_days, keep_months;
} PRESETS[] = {
    [SITE_STANDARD] = {"standard", KEEP_DAYS_STANDARD, KEEP_MONTHS_STANDARD},
    [SITE_STRICT] = {"strict", KEEP_DAYS_STRICT, 0},
};

/* --- Settings --------------------------------------------------------------------------------- */

static bool refuse(char *error, size_t error_bytes, const char *sentence)
{
    (void)snprintf(error, error_bytes, "%s", sentence);
    return false;
}

static bool alias_valid(struct str alias)
{
    static const struct str STAR = {"*.", 2};
    return model_site_valid(str_starts_with(alias, STAR) ? str_from_at(alias, STAR.len) : alias);
}

static bool read_timezone(const json_t *value, struct site *draft, char *error, size_t error_bytes)
{
    const char *name = value == NULL ? "UTC" : json_string_value(value);
    draft->zone = name == NULL ? NULL : timezone_new(name);
    if (draft->zone == NULL)
        return refuse(error, error_bytes,
                      "the site's timezone must be a name of the tz database, such as "
                      "\"Europe/Amsterdam\".");
    draft->timezone = str_from(name);
    return true;
}

static bool read_preset(const json_t *value, struct site *draft, char *error, size_t error_bytes)
{
    const char *name = value == NULL ? PRESETS[SITE_STANDARD].name : json_string_value(value);
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(PRESETS); i++) {
        if (strcmp(name, PRESETS[i].name) == 0) {
            draft->preset = (enum site_preset)i;
            return true;
        }
    }
    return refuse(error, error_bytes, "the site's preset must be \"standard\" or \"strict\".");
}

static bool read_aliases(const json_t *value, struct site *draft, char *error, size_t error_bytes)
{
    if (value == NULL)
        return true;
    if (!json_is_array(value))
        return refuse(error, error_bytes, "the site's aliases must be a list of hosts.");
    if (json_array_size(value) > SITE_ALIASES_MAX)
        return refuse(error, error_bytes, "the site's aliases are more than 32.");
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *alias = json_string_value(json_array_get(value, i));
        if (alias == NULL || !alias_valid(str_from(alias)))
            return refuse(error, error_bytes,
                          "the site's aliases must be hosts in lower case without scheme, port "
                          "and path, such as \"www.example.com\" or \"*.example.com\".");
        draft->aliases[draft->alias_count++] = str_from(alias);
    }
    return true;
}

static bool read_months(const json_t *value, int least, int *months)
{
    if (value == NULL)
        return true;
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < least || number > KEEP_MONTHS_MAX)
        return false;
    *months = (int)number;
    return true;
}

/* After the preset, which says what holds where they are absent. */
static bool read_retention(const json_t *root, struct site *draft, char *error, size_t error_bytes)
{
    draft->keep_days = PRESETS[draft->preset].keep_days;
    draft->keep_months = PRESETS[draft->preset].keep_months;
    if (!read_months(json_object_get(root, "keep_days"), 1, &draft->keep_days))
        return refuse(error, error_bytes,
                      "the site's keep_days must be a number of months from 1 to 240.");
    return read_months(json_object_get(root, "keep_months"), 0, &draft->keep_months) ||
           refuse(error, error_bytes,
                  "the site's keep_months must be a number of months from 0 to 240.");
}

/* Fills `draft` with slices of `domain` and `root`; its zone is set even when it fails later. */
static bool read_settings(struct str domain, const json_t *root, struct site *draft, char *error,
                          size_t error_bytes)
{
    if (!model_site_valid(domain))
        return refuse(error, error_bytes,
                      "the site's domain must be a host in lower case without scheme, port and "
                      "path, such as \"example.com\".");
    if (!json_is_object(root))
        return refuse(error, error_bytes, "the site's settings are not a JSON object.");
    const json_t *timezone = json_object_get(root, "timezone");
    const json_t *preset = json_object_get(root, "preset");
    const json_t *aliases = json_object_get(root, "aliases");
    size_t known = (timezone != NULL) + (preset != NULL) + (aliases != NULL) +
                   (json_object_get(root, "keep_days") != NULL) +
                   (json_object_get(root, "keep_months") != NULL);
    if (json_object_size(root) != known)
        return refuse(error, error_bytes,
                      "the site's settings have a field other than timezone, preset, aliases, "
                      "keep_days and keep_months.");
    draft->domain = domain;
    return read_timezone(timezone, draft, error, error_bytes) &&
           read_preset(preset, draft, error, error_bytes) &&
           read_aliases(aliases, draft, error, error_bytes) &&
           read_retention(root, draft, error, error_bytes);
}

static struct str copy_text(char **at, struct str s)
{
    struct str copy = {*at, s.len};
    memcpy(*at, s.ptr, s.len);
    (*at)[s.len] = '\0';
    *at += s.len + 1;
    return copy;
}

/* One block holds the site and its text, so that freeing it is one step. Takes the zone. */
static struct site *site_pack(const struct site *draft)
{
    size_t text_bytes = draft->domain.len + 1 + draft->timezone.len + 1;
    for (size_t i = 0; i < draft->alias_count; i++)
        text_bytes += draft->aliases[i].len + 1;
    struct site_memory *memory = malloc(sizeof(*memory) + text_bytes);
    if (memory == NULL)
        abort();
    struct site *site = &memory->site;
    *site = *draft;
    char *at = memory->text;
    site->domain = copy_text(&at, draft->domain);
    site->timezone = copy_text(&at, draft->timezone);
    for (size_t i = 0; i < draft->alias_count; i++)
        site->aliases[i] = copy_text(&at, draft->aliases[i]);
    assert(at == memory->text + text_bytes);
    return site;
}

struct site *site_parse(struct str domain, struct str json, char *error, size_t error_bytes)
{
    if (json.len > SITE_SETTINGS_BYTES_MAX) {
        (void)refuse(error, error_bytes, "the site's settings are too long.");
        return NULL;
    }
    json_t *root = json_loadb(json.ptr, json.len, JSON_REJECT_DUPLICATES, NULL);
    struct site draft = {0};
    struct site *site = NULL;
    if (read_settings(domain, root, &draft, error, error_bytes))
        site = site_pack(&draft);
    else
        timezone_unref(draft.zone);
    json_decref(root);
    return site;
}

char *site_format(const struct site *site)
{
    json_t *aliases = json_array();
    for (size_t i = 0; i < site->alias_count; i++)
        json_array_append_new(aliases, json_stringn(site->aliases[i].ptr, site->aliases[i].len));
    json_t *root = json_object();
    json_object_set_new(root, "timezone", json_stringn(site->timezone.ptr, site->timezone.len));
    json_object_set_new(root, "preset", json_string(PRESETS[site->preset].name));
    json_object_set_new(root, "aliases", aliases);
    if (site->keep_days != PRESETS[site->preset].keep_days)
        json_object_set_new(root, "keep_days", json_integer(site->keep_days));
    if (site->keep_months != PRESETS[site->preset].keep_months)
        json_object_set_new(root, "keep_months", json_integer(site->keep_months));
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (text == NULL)
        abort();
    return text;
}

void site_free(struct site *site)
{
    if (site == NULL)
        return;
    timezone_unref(site->zone);
    free(CONTAINER_OF(struct site_memory, site, site));
}

/* --- Whose host --------------------------------------------------------------------------------
 */

static const struct str WWW = {"www.", 4};

static bool alias_holds(struct str alias, struct str host)
{
    if (alias.ptr[0] != '*')
        return str_eq(alias, host);
    struct str suffix = str_from_at(alias, 1); /* ".example.com" */
    return host.len > suffix.len && str_ends_with(host, suffix);
}

bool site_owns_host(const struct site *site, struct str host)
{
    if (str_eq(host, site->domain))
        return true;
    if (str_starts_with(host, WWW) && str_eq(str_from_at(host, WWW.len), site->domain))
        return true;
    for (size_t i = 0; i < site->alias_count; i++) {
        if (alias_holds(site->aliases[i], host))
            return true;
    }
    return false;
}

/* --- The list --------------------------------------------------------------------------------- */

enum key_kind { KEY_DOMAIN, KEY_ALIAS };

struct slot {
    const struct site *site; /* NULL: free */
    struct str key;
    enum key_kind kind;
};

struct site_list {
    atomic_uint refs;
    struct site **sites; /* sorted by domain */
    size_t count;
    struct slot *slots;
    size_t slot_mask; /* their number, a power of two over twice the keys, less one */
};

static struct slot *slot_of(const struct site_list *list, enum key_kind kind, struct str key)
{
    size_t at = hash_tagged(kind, key) & list->slot_mask;
    while (list->slots[at].site != NULL &&
           !(list->slots[at].kind == kind && str_eq(list->slots[at].key, key)))
        at = (at + 1) & list->slot_mask;
    return &list->slots[at];
}

/* The first site that brings a key keeps it. */
static void index_key(struct site_list *list, enum key_kind kind, struct str key,
                      const struct site *site)
{
    struct slot *slot = slot_of(list, kind, key);
    if (slot->site == NULL)
        *slot = (struct slot){site, key, kind};
}

static int compare_domains(const void *a, const void *b)
{
    const struct site *const *left = a, *const *right = b;
    return strcmp((*left)->domain.ptr, (*right)->domain.ptr);
}

struct site_list *site_list_new(struct site **sites, size_t count)
{
    size_t key_count = count;
    for (size_t i = 0; i < count; i++)
        key_count += sites[i]->alias_count;
    size_t slot_count = 16;
    while (slot_count < 2 * key_count)
        slot_count *= 2;

    struct site_list *list = calloc(1, sizeof(*list));
    if (list == NULL)
        abort();
    atomic_init(&list->refs, 1);
    list->count = count;
    list->sites = calloc(count + 1, sizeof(list->sites[0]));
    list->slots = calloc(slot_count, sizeof(list->slots[0]));
    if (list->sites == NULL || list->slots == NULL)
        abort();
    list->slot_mask = slot_count - 1;
    if (count > 0)
        memcpy(list->sites, sites, count * sizeof(sites[0]));
    /* Sorted, so that two lists of the same sites answer the same whatever order they came in. */
    qsort(list->sites, count, sizeof(list->sites[0]), compare_domains);
    for (size_t i = 0; i < count; i++) {
        const struct site *site = list->sites[i];
        index_key(list, KEY_DOMAIN, site->domain, site);
        for (size_t j = 0; j < site->alias_count; j++)
            index_key(list, KEY_ALIAS, site->aliases[j], site);
    }
    return list;
}

struct site_list *site_list_ref(struct site_list *list)
{
    unsigned before = atomic_fetch_add(&list->refs, 1);
    assert(before > 0);
    return list;
}

void site_list_unref(struct site_list *list)
{
    if (list == NULL)
        return;
    unsigned before = atomic_fetch_sub(&list->refs, 1);
    assert(before > 0);
    if (before > 1)
        return;
    for (size_t i = 0; i < list->count; i++)
        site_free(list->sites[i]);
    free(list->sites);
    free(list->slots);
    free(list);
}

/* Lower case into `out`; false for what is too long to be a host. */
static bool lower_host(struct str host, char out[HOST_NAME_BYTES_MAX], struct str *ret_lower)
{
    if (host.len > HOST_NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    *ret_lower = (struct str){out, host.len};
    return true;
}

const struct site *site_list_find(const struct site_list *list, struct str domain)
{
    char bytes[HOST_NAME_BYTES_MAX];
    struct str lower;
    return lower_host(domain, bytes, &lower) ? slot_of(list, KEY_DOMAIN, lower)->site : NULL;
}

static const struct site *find_wildcard(const struct site_list *list, struct str host)
{
    char bytes[1 + HOST_NAME_BYTES_MAX] = "*";
    struct str rest = host;
    for (size_t dot = str_find(rest, '.'); dot < rest.len; dot = str_find(rest, '.')) {
        struct str suffix = str_from_at(rest, dot); /* ".example.com" */
        memcpy(bytes + 1, suffix.ptr, suffix.len);
        struct str wildcard = {bytes, 1 + suffix.len};
        const struct site *site = slot_of(list, KEY_ALIAS, wildcard)->site;
        /* What stands for the star must not be empty. */
        if (site != NULL && suffix.len < host.len)
            return site;
        rest = str_from_at(suffix, 1);
    }
    return NULL;
}

const struct site *site_list_find_host(const struct site_list *list, struct str host)
{
    char bytes[HOST_NAME_BYTES_MAX];
    struct str lower;
    if (!lower_host(host, bytes, &lower))
        return NULL;
    const struct site *site = slot_of(list, KEY_DOMAIN, lower)->site;
    if (site == NULL && str_starts_with(lower, WWW))
        site = slot_of(list, KEY_DOMAIN, str_from_at(lower, WWW.len))->site;
    if (site == NULL)
        site = slot_of(list, KEY_ALIAS, lower)->site;
    return site != NULL ? site : find_wildcard(list, lower);
}

size_t site_list_count(const struct site_list *list)
{
    return list->count;
}

const struct site *site_list_at(const struct site_list *list, size_t index)
{
    assert(index < list->count);
    return list->sites[index];
}
