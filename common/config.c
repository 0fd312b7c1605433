/* A configuration: the keys' defaults, then the file, then the environment; a command sets single
 * keys after that. Called once at the start of every command, before any thread. */

#include "common/config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/config_keys.h"
#include "common/config_yaml.h"
#include "common/limits.h"

extern char **environ;

static void defaults_apply(struct config *config)
{
    char unused[1];
    const struct config_failure failure = {unused, sizeof(unused)};
    const struct config_place place = {0};
    *config = (struct config){0};
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (CONFIG_KEYS[i].initial == NULL)
            continue;
        bool good = config_key_set(&CONFIG_KEYS[i], config, str_from(CONFIG_KEYS[i].initial),
                                   &place, &failure);
        assert(good);
    }
}

/* --- Environment ------------------------------------------------------------------------------ */

/* A variable of one of our sections that is no key is a spelling mistake, not somebody else's. */
static bool variable_unknown(struct str variable)
{
    char name[CONFIG_KEY_NAME_BYTES_MAX];
    bool ours = false;
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        struct str known = str_from(config_key_variable(&CONFIG_KEYS[i], name));
        if (str_eq(variable, known))
            return false;
        size_t prefix_len = strlen("FOOTFALL_") + strlen(CONFIG_KEYS[i].section) + 1;
        if (CONFIG_KEYS[i].section[0] != '\0' &&
            str_starts_with(variable, str_prefix(known, prefix_len)))
            ours = true;
    }
    return ours;
}

static bool environment_apply(struct config *config, const struct config_failure *failure)
{
    char name[CONFIG_KEY_NAME_BYTES_MAX];
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        const char *text = getenv(config_key_variable(&CONFIG_KEYS[i], name));
        const struct config_place place = {.variable = name};
        if (text != NULL && text[0] != '\0' &&
            !config_key_set(&CONFIG_KEYS[i], config, str_from(text), &place, failure))
            return false;
    }
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        struct str variable = str_prefix(str_from(*entry), strcspn(*entry, "="));
        if (!variable_unknown(variable))
            continue;
        snprintf(failure->error, failure->error_bytes,
                 "the variable %.*s is not a key that Footfall knows.",
                 STR_ARG(str_prefix(variable, CONFIG_KEY_NAME_BYTES_MAX)));
        return false;
    }
    return true;
}

/* --- The public functions --------------------------------------------------------------------- */

bool config_load_text(struct str yaml, const char *name, struct config *ret_config, char *error,
                      size_t error_bytes)
{
    const struct config_failure failure = {error, error_bytes};
    struct config config;
    defaults_apply(&config);
    if (!config_yaml_apply(yaml, name, &config, &failure) ||
        !environment_apply(&config, &failure)) {
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
    const struct config_failure failure = {error, error_bytes};
    const struct config_place place = {0};
    struct str title = str_from(key);
    size_t dot = str_find(title, '.');
    bool nested = dot < title.len;
    const struct config_key *found = config_key_find(nested ? str_prefix(title, dot) : STR_EMPTY,
                                                     nested ? str_from_at(title, dot + 1) : title);
    assert(found != NULL);
    return config_key_set(found, config, str_from(text), &place, &failure);
}

void config_done(struct config *config)
{
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        void *member = config_member(config, &CONFIG_KEYS[i]);
        if (config_kind_is_list(CONFIG_KEYS[i].kind))
            config_list_done(member);
        else if (CONFIG_KEYS[i].kind <= KIND_REDIS_URL)
            free(*(char **)member);
    }
    *config = (struct config){0};
}

void config_describe(struct buf *out)
{
    char title[CONFIG_KEY_NAME_BYTES_MAX], variable[CONFIG_KEY_NAME_BYTES_MAX];
    buf_printf(out, "| key | variable | default | what it does |\n|---|---|---|---|\n");
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        const struct config_key *key = &CONFIG_KEYS[i];
        buf_printf(out, "| `%s` | `%s` | %s%s%s | %s", config_key_title(key, title),
                   config_key_variable(key, variable), key->initial == NULL ? "" : "`",
                   key->initial == NULL ? "none" : key->initial, key->initial == NULL ? "" : "`",
                   key->meaning);
        if (key->kind == KIND_UINT)
            buf_printf(out, " From %u to %u.", key->min, key->max);
        buf_printf(out, " |\n");
    }
}
