/* The configuration's one table, and the three ways into it: YAML, environment, command line.
 *
 * Every way hands the table a text, and one function a kind reads it, so that a value means the
 * same wherever it was written. The file is read with libyaml itself: the sentence for a wrong key
 * needs that key's line, and libcyaml, which builds on libyaml, reports the line of the value
 * before it. Called once at the start of every command, before any thread. */

#include "common/config.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

#include "common/config_value.h"
#include "common/limits.h"
#include "common/listener.h"

extern char **environ;

enum kind {
    KIND_TEXT,      /* char *; empty is refused */
    KIND_LISTEN,    /* char *; ADDR:PORT */
    KIND_ADMIN,     /* char *; ADDR:PORT or unix:PATH */
    KIND_URL,       /* char *; http:// or https:// without a path */
    KIND_REDIS_URL, /* char *; redis:// or unix:// */
    KIND_UINT,      /* unsigned, min..max */
    KIND_BOOL,      /* bool */
    KIND_CLOSE,     /* enum close_after_body */
    KIND_FILES,     /* struct config_list */
    KIND_RANGES,    /* struct config_list of addresses or ranges */
};

struct key {
    const char *section; /* "" at the top */
    const char *name;
    enum kind kind;
    size_t offset;
    unsigned min;
    unsigned max;
    const char *initial; /* NULL: none */
    const char *meaning;
};

#define AT(member) offsetof(struct config, member)

static const struct key KEYS[] = {
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

enum { KEY_NAME_BYTES_MAX = 64, REASON_BYTES_MAX = 160 };

/* Where a value stands, for sentences: a file's line, a variable, or an option. */
struct place {
    const char *file; /* NULL: not a file */
    size_t line;
    const char *variable; /* NULL: not the environment */
};

struct failure {
    char *error;
    size_t error_bytes;
};

/* --- Sentences -------------------------------------------------------------------------------- */

/* "collector.listen", or "data". */
static const char *key_title(const struct key *key, char title[static KEY_NAME_BYTES_MAX])
{
    snprintf(title, KEY_NAME_BYTES_MAX, "%s%s%s", key->section, key->section[0] == '\0' ? "" : ".",
             key->name);
    return title;
}

/* "FOOTFALL_COLLECTOR_LISTEN". */
static const char *key_variable(const struct key *key, char name[static KEY_NAME_BYTES_MAX])
{
    snprintf(name, KEY_NAME_BYTES_MAX, "FOOTFALL_%s%s%s", key->section,
             key->section[0] == '\0' ? "" : "_", key->name);
    for (char *p = name; *p != '\0'; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    return name;
}

static bool fail_at(const struct failure *failure, const struct place *place, const char *what,
                    const char *reason)
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

static void *config_member(struct config *config, const struct key *key)
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

static const char *text_reason(const struct key *key, struct str text)
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

static const char *set_uint(const struct key *key, struct config *config, struct str text,
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

static const char *set_bool(const struct key *key, struct config *config, struct str text)
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

static const char *set_close(const struct key *key, struct config *config, struct str text)
{
    for (size_t i = 0; i < ARRAY_LEN(CLOSE_NAMES); i++) {
        if (!str_eq(text, str_from(CLOSE_NAMES[i])))
            continue;
        *(enum close_after_body *)config_member(config, key) = (enum close_after_body)i;
        return NULL;
    }
    return "must be auto, always or never";
}

static const char *set_scalar(const struct key *key, struct config *config, struct str text,
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

static void list_done(struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    *list = (struct config_list){0};
}

static const char *list_add(const struct key *key, struct config_list *list, struct str item)
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

static bool kind_is_list(enum kind kind)
{
    return kind == KIND_FILES || kind == KIND_RANGES;
}

/* "a,b,c": how the environment and the command line write a list. */
static const char *list_split(const struct key *key, struct config_list *list, struct str text)
{
    while (text.len > 0) {
        size_t comma = str_find(text, ',');
        const char *why = list_add(key, list, str_prefix(text, comma));
        if (why != NULL)
            return why;
        text = str_from_at(text, comma + 1);
    }
    return NULL;
}

static void list_replace(const struct key *key, struct config *config, struct config_list *list)
{
    struct config_list *member = config_member(config, key);
    list_done(member);
    *member = *list;
}

static bool key_set(const struct key *key, struct config *config, struct str text,
                    const struct place *place, const struct failure *failure)
{
    char reason[REASON_BYTES_MAX], title[KEY_NAME_BYTES_MAX];
    const char *why;
    if (kind_is_list(key->kind)) {
        struct config_list list = {0};
        why = list_split(key, &list, text);
        if (why == NULL)
            list_replace(key, config, &list);
        else
            list_done(&list);
    } else {
        why = set_scalar(key, config, text, reason);
    }
    return why == NULL || fail_at(failure, place, key_title(key, title), why);
}

/* --- The table -------------------------------------------------------------------------------- */

static const struct key *key_find(struct str section, struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++)
        if (str_eq(section, str_from(KEYS[i].section)) && str_eq(name, str_from(KEYS[i].name)))
            return &KEYS[i];
    return NULL;
}

static bool section_known(struct str section)
{
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++)
        if (KEYS[i].section[0] != '\0' && str_eq(section, str_from(KEYS[i].section)))
            return true;
    return false;
}

static void defaults_apply(struct config *config)
{
    char unused[1];
    const struct failure failure = {unused, sizeof(unused)};
    const struct place place = {0};
    *config = (struct config){0};
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        if (KEYS[i].initial == NULL)
            continue;
        bool good = key_set(&KEYS[i], config, str_from(KEYS[i].initial), &place, &failure);
        assert(good);
    }
}

/* --- YAML ------------------------------------------------------------------------------------- */

struct file {
    yaml_document_t *document;
    const char *name;
    struct config *config;
    struct failure failure;
    bool seen[ARRAY_LEN(KEYS)];
};

static struct str node_text(const yaml_node_t *node)
{
    return (struct str){(const char *)node->data.scalar.value, node->data.scalar.length};
}

static struct place node_place(const struct file *file, const yaml_node_t *node)
{
    return (struct place){.file = file->name, .line = node->start_mark.line + 1};
}

/* An unset value ("key:" and nothing): the default stays. */
static bool node_is_null(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0 &&
           node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool file_list(struct file *file, const struct key *key, const yaml_node_t *node)
{
    struct config_list list = {0};
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        const yaml_node_t *entry = yaml_document_get_node(file->document, *item);
        const char *why = entry->type == YAML_SCALAR_NODE ? list_add(key, &list, node_text(entry))
                                                          : "must be a list of plain values";
        if (why == NULL)
            continue;
        char title[KEY_NAME_BYTES_MAX];
        struct place place = node_place(file, entry);
        list_done(&list);
        return fail_at(&file->failure, &place, key_title(key, title), why);
    }
    list_replace(key, file->config, &list);
    return true;
}

static bool file_value(struct file *file, const struct key *key, const yaml_node_t *name,
                       const yaml_node_t *value)
{
    char title[KEY_NAME_BYTES_MAX];
    struct place place = node_place(file, name);
    bool *seen = &file->seen[key - KEYS];
    if (*seen)
        return fail_at(&file->failure, &place, key_title(key, title), "is given twice");
    *seen = true;
    if (node_is_null(value))
        return true;
    if (value->type == YAML_SEQUENCE_NODE && kind_is_list(key->kind))
        return file_list(file, key, value);
    if (value->type != YAML_SCALAR_NODE)
        return fail_at(&file->failure, &place, key_title(key, title), "must be one plain value");
    return key_set(key, file->config, node_text(value), &place, &file->failure);
}

/* Names from the file are not repeated as they are: cut, and only if they are plain words. */
static const char *printable_name(struct str section, struct str name,
                                  char title[static KEY_NAME_BYTES_MAX])
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < 0x21 || (unsigned char)name.ptr[i] > 0x7e)
            return "this key";
    snprintf(title, KEY_NAME_BYTES_MAX, "%.*s%s%.*s", STR_ARG(str_prefix(section, 24)),
             section.len == 0 ? "" : ".", STR_ARG(str_prefix(name, 32)));
    return title;
}

static bool file_section(struct file *file, struct str section, const yaml_node_t *node);

static bool file_pair(struct file *file, struct str section, const yaml_node_pair_t *pair)
{
    const yaml_node_t *name = yaml_document_get_node(file->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(file->document, pair->value);
    struct place place = node_place(file, name);
    if (name->type != YAML_SCALAR_NODE)
        return fail_at(&file->failure, &place, "a key", "must be one word");
    const struct key *key = key_find(section, node_text(name));
    if (key != NULL)
        return file_value(file, key, name, value);
    if (section.len == 0 && section_known(node_text(name))) {
        if (node_is_null(value))
            return true;
        if (value->type == YAML_MAPPING_NODE)
            return file_section(file, node_text(name), value);
        return fail_at(&file->failure, &place, "a section", "must hold keys below it");
    }
    char title[KEY_NAME_BYTES_MAX];
    return fail_at(&file->failure, &place, printable_name(section, node_text(name), title),
                   "is not a key that Footfall knows (`footfall check --keys` lists them)");
}

/* Depth is two whatever the document does: a section has a non-empty name and no sections. */
static bool file_section(struct file *file, struct str section, const yaml_node_t *node)
{
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++)
        if (!file_pair(file, section, pair))
            return false;
    return true;
}

static bool file_document(struct file *file)
{
    const yaml_node_t *root = yaml_document_get_root_node(file->document);
    if (root == NULL || node_is_null(root))
        return true;
    if (root->type == YAML_MAPPING_NODE)
        return file_section(file, STR_EMPTY, root);
    struct place place = node_place(file, root);
    return fail_at(&file->failure, &place, "the file", "must hold sections and keys");
}

static bool yaml_apply(struct str yaml, const char *name, struct config *config,
                       const struct failure *failure)
{
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_input_string(&parser, (const unsigned char *)yaml.ptr, yaml.len);
    bool good = yaml_parser_load(&parser, &document);
    if (good) {
        struct file file = {
            .document = &document, .name = name, .config = config, .failure = *failure};
        good = file_document(&file);
        yaml_document_delete(&document);
    } else {
        struct place place = {.file = name, .line = parser.problem_mark.line + 1};
        good = fail_at(failure, &place, "this is not YAML:",
                       parser.problem == NULL ? "it cannot be read" : parser.problem);
    }
    yaml_parser_delete(&parser);
    return good;
}

/* --- Environment ------------------------------------------------------------------------------ */

/* A variable of one of our sections that is no key is a spelling mistake, not somebody else's. */
static bool variable_unknown(struct str variable)
{
    char name[KEY_NAME_BYTES_MAX];
    bool ours = false;
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        struct str known = str_from(key_variable(&KEYS[i], name));
        if (str_eq(variable, known))
            return false;
        size_t prefix_len = strlen("FOOTFALL_") + strlen(KEYS[i].section) + 1;
        if (KEYS[i].section[0] != '\0' && str_starts_with(variable, str_prefix(known, prefix_len)))
            ours = true;
    }
    return ours;
}

static bool environment_apply(struct config *config, const struct failure *failure)
{
    char name[KEY_NAME_BYTES_MAX];
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        const char *text = getenv(key_variable(&KEYS[i], name));
        const struct place place = {.variable = name};
        if (text != NULL && text[0] != '\0' &&
            !key_set(&KEYS[i], config, str_from(text), &place, failure))
            return false;
    }
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        struct str variable = str_prefix(str_from(*entry), strcspn(*entry, "="));
        if (!variable_unknown(variable))
            continue;
        snprintf(failure->error, failure->error_bytes,
                 "the variable %.*s is not a key that Footfall knows.",
                 STR_ARG(str_prefix(variable, KEY_NAME_BYTES_MAX)));
        return false;
    }
    return true;
}

/* --- The public functions --------------------------------------------------------------------- */

bool config_load_text(struct str yaml, const char *name, struct config *ret_config, char *error,
                      size_t error_bytes)
{
    const struct failure failure = {error, error_bytes};
    struct config config;
    defaults_apply(&config);
    if (!yaml_apply(yaml, name, &config, &failure) || !environment_apply(&config, &failure)) {
        config_done(&config);
        return false;
    }
    *ret_config = config;
    return true;
}

bool config_load(const char *path, struct config *ret_config, char *error, size_t error_bytes)
{
    if (path == NULL)
        return config_load_text(STR_EMPTY, "", ret_config, error, error_bytes);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        snprintf(error, error_bytes, "%s cannot be read: %s.", path, strerror(errno));
        return false;
    }
    char *text = malloc(CONFIG_FILE_BYTES_MAX + 1);
    if (text == NULL)
        abort();
    size_t len = fread(text, 1, CONFIG_FILE_BYTES_MAX + 1, file);
    bool good = !ferror(file) && len <= CONFIG_FILE_BYTES_MAX;
    if (good)
        good = config_load_text((struct str){text, len}, path, ret_config, error, error_bytes);
    else
        snprintf(error, error_bytes, "%s cannot be read, or is over %d bytes.", path,
                 CONFIG_FILE_BYTES_MAX);
    free(text);
    fclose(file);
    return good;
}

bool config_set(struct config *config, const char *key, const char *text, char *error,
                size_t error_bytes)
{
    const struct failure failure = {error, error_bytes};
    const struct place place = {0};
    struct str title = str_from(key);
    size_t dot = str_find(title, '.');
    bool nested = dot < title.len;
    const struct key *found = key_find(nested ? str_prefix(title, dot) : STR_EMPTY,
                                       nested ? str_from_at(title, dot + 1) : title);
    assert(found != NULL);
    return key_set(found, config, str_from(text), &place, &failure);
}

void config_done(struct config *config)
{
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        void *member = config_member(config, &KEYS[i]);
        if (kind_is_list(KEYS[i].kind))
            list_done(member);
        else if (KEYS[i].kind <= KIND_REDIS_URL)
            free(*(char **)member);
    }
    *config = (struct config){0};
}

void config_describe(struct buf *out)
{
    char title[KEY_NAME_BYTES_MAX], variable[KEY_NAME_BYTES_MAX];
    buf_printf(out, "| key | variable | default | what it does |\n|---|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        const struct key *key = &KEYS[i];
        buf_printf(out, "| `%s` | `%s` | %s%s%s | %s", key_title(key, title),
                   key_variable(key, variable), key->initial == NULL ? "" : "`",
                   key->initial == NULL ? "none" : key->initial, key->initial == NULL ? "" : "`",
                   key->meaning);
        if (key->kind == KIND_UINT)
            buf_printf(out, " From %u to %u.", key->min, key->max);
        buf_printf(out, " |\n");
    }
}
