#pragma once

/* The configuration's keys: their one table, what each may hold, and the sentences for what it may
 * not. Every way into a configuration (config.h) hands a key a text, and one function a kind reads
 * it, so that a value means the same wherever it was written. One thread. */

#include "common/config.h"

enum config_kind {
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

struct config_key {
    const char *section; /* "" at the top */
    const char *name;
    enum config_kind kind;
    size_t offset;
    unsigned min;
    unsigned max;
    const char *initial; /* NULL: none */
    const char *meaning;
};

extern const struct config_key CONFIG_KEYS[];
extern const size_t CONFIG_KEY_COUNT;
enum { CONFIG_KEYS_MAX = 64, CONFIG_KEY_NAME_BYTES_MAX = 64 };

/* NULL when no key is of this name; `section` is empty at the top. */
const struct config_key *config_key_find(struct str section, struct str name);
bool config_section_known(struct str section);

/* "collector.listen", or "data". */
const char *config_key_title(const struct config_key *key,
                             char title[static CONFIG_KEY_NAME_BYTES_MAX]);
/* "FOOTFALL_COLLECTOR_LISTEN". */
const char *config_key_variable(const struct config_key *key,
                                char name[static CONFIG_KEY_NAME_BYTES_MAX]);

/* Where a value stands, for sentences: a file's line, a variable, or an option. */
struct config_place {
    const char *file; /* NULL: not a file */
    size_t line;
    const char *variable; /* NULL: not the environment */
};

struct config_failure {
    char *error;
    size_t error_bytes;
};

/* Writes "PLACE: what reason."; false. */
bool config_fail_at(const struct config_failure *failure, const struct config_place *place,
                    const char *what, const char *reason);

/* Where a configuration has the key's value. */
void *config_member(struct config *config, const struct config_key *key);
/* Reads the value from a text; a list is "a,b,c". False with the sentence. */
MUST_CHECK bool config_key_set(const struct config_key *key, struct config *config, struct str text,
                               const struct config_place *place,
                               const struct config_failure *failure);

/* Lists item by item: a list is made apart, then takes the place of the one that is there. */
bool config_kind_is_list(enum config_kind kind);
/* NULL, or why not. */
const char *config_list_add(const struct config_key *key, struct config_list *list,
                            struct str item);
/* The configuration owns the items afterwards. */
void config_list_replace(const struct config_key *key, struct config *config,
                         struct config_list *list);
void config_list_done(struct config_list *list);
