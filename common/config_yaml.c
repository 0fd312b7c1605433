/* The file is read with libyaml itself: the sentence for a wrong key needs that key's line, and
 * libcyaml, which builds on libyaml, reports the line of the value before it. */

#include "common/config_yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

struct file {
    yaml_document_t *document;
    const char *name;
    struct config *config;
    struct config_failure failure;
    uint64_t seen; /* keys, as bits */
};

static struct str node_text(const yaml_node_t *node)
{
    return (struct str){(const char *)node->data.scalar.value, node->data.scalar.length};
}

static struct config_place node_place(const struct file *file, const yaml_node_t *node)
{
    return (struct config_place){.file = file->name, .line = node->start_mark.line + 1};
}

/* An unset value ("key:" and nothing): the default stays. */
static bool node_is_null(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0 &&
           node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool file_list(struct file *file, const struct config_key *key, const yaml_node_t *node)
{
    struct config_list list = {0};
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        const yaml_node_t *entry = yaml_document_get_node(file->document, *item);
        const char *why = entry->type == YAML_SCALAR_NODE
                              ? config_list_add(key, &list, node_text(entry))
                              : "must be a list of plain values";
        if (why == NULL)
            continue;
        char title[CONFIG_KEY_NAME_BYTES_MAX];
        struct config_place place = node_place(file, entry);
        config_list_done(&list);
        return config_fail_at(&file->failure, &place, config_key_title(key, title), why);
    }
    config_list_replace(key, file->config, &list);
    return true;
}

static bool file_value(struct file *file, const struct config_key *key, const yaml_node_t *name,
                       const yaml_node_t *value)
{
    char title[CONFIG_KEY_NAME_BYTES_MAX];
    struct config_place place = node_place(file, name);
    uint64_t bit = UINT64_C(1) << (key - CONFIG_KEYS);
    if ((file->seen & bit) != 0)
        return config_fail_at(&file->failure, &place, config_key_title(key, title),
                              "is given twice");
    file->seen |= bit;
    if (node_is_null(value))
        return true;
    if (value->type == YAML_SEQUENCE_NODE && config_kind_is_list(key->kind))
        return file_list(file, key, value);
    if (value->type != YAML_SCALAR_NODE)
        return config_fail_at(&file->failure, &place, config_key_title(key, title),
                              "must be one plain value");
    return config_key_set(key, file->config, node_text(value), &place, &file->failure);
}

/* Names from the file are not repeated as they are: cut, and only if they are plain words. */
static const char *printable_name(struct str section, struct str name,
                                  char title[static CONFIG_KEY_NAME_BYTES_MAX])
{
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < 0x21 || (unsigned char)name.ptr[i] > 0x7e)
            return "this key";
    snprintf(title, CONFIG_KEY_NAME_BYTES_MAX, "%.*s%s%.*s", STR_ARG(str_prefix(section, 24)),
             section.len == 0 ? "" : ".", STR_ARG(str_prefix(name, 32)));
    return title;
}

static bool file_section(struct file *file, struct str section, const yaml_node_t *node);

static bool file_pair(struct file *file, struct str section, const yaml_node_pair_t *pair)
{
    const yaml_node_t *name = yaml_document_get_node(file->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(file->document, pair->value);
    struct config_place place = node_place(file, name);
    if (name->type != YAML_SCALAR_NODE)
        return config_fail_at(&file->failure, &place, "a key", "must be one word");
    const struct config_key *key = config_key_find(section, node_text(name));
    if (key != NULL)
        return file_value(file, key, name, value);
    if (section.len == 0 && config_section_known(node_text(name))) {
        if (node_is_null(value))
            return true;
        if (value->type == YAML_MAPPING_NODE)
            return file_section(file, node_text(name), value);
        return config_fail_at(&file->failure, &place, "a section", "must hold keys below it");
    }
    char title[CONFIG_KEY_NAME_BYTES_MAX];
    return config_fail_at(&file->failure, &place, printable_name(section, node_text(name), title),
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
    struct config_place place = node_place(file, root);
    return config_fail_at(&file->failure, &place, "the file", "must hold sections and keys");
}

bool config_yaml_apply(struct str yaml, const char *name, struct config *config,
                       const struct config_failure *failure)
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
        struct config_place place = {.file = name, .line = parser.problem_mark.line + 1};
        good = config_fail_at(failure, &place, "this is not YAML:",
                              parser.problem == NULL ? "it cannot be read" : parser.problem);
    }
    yaml_parser_delete(&parser);
    return good;
}
