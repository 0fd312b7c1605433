/* A database is a binary tree over the bits of an address, sixteen zero bytes, a data section, and
 * metadata behind a marker:
 *
 *     node 0 (left, right) node 1 … | 0 × 16 | map, map, … | \xab\xcd\xefMaxMind.com map
 *
 * A branch of the tree is the number of a node, the number of nodes ("nothing here"), or, past it,
 * 16 and an offset in the data section. */

#include "mmdb_writer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/buf.h"

enum { NODES_MAX = 4096, FILE_BYTES_MAX = 1 << 20, SEPARATOR_BYTES = 16 };

enum type {
    TYPE_STRING = 2,
    TYPE_UINT16 = 5,
    TYPE_UINT32 = 6,
    TYPE_MAP = 7,
    TYPE_UINT64 = 9,
    TYPE_ARRAY = 11
};

/* A branch while the tree grows: nothing, a node, or a record. */
enum kind { KIND_NOTHING, KIND_NODE, KIND_RECORD };

struct branch {
    enum kind kind;
    uint32_t at; /* number of the node, or offset of the record */
};

struct tree {
    struct branch nodes[NODES_MAX][2];
    uint32_t count;
};

/* --- The data section --------------------------------------------------------------------------
 */

static void put_head(struct buf *out, enum type type, size_t size)
{
    if (size > 284)
        abort();
    uint8_t low = (uint8_t)(size < 29 ? size : 29);
    if (type < 8) {
        buf_append_byte(out, (uint8_t)(type << 5 | low));
    } else {
        buf_append_byte(out, low);
        buf_append_byte(out, (uint8_t)(type - 7));
    }
    if (size >= 29)
        buf_append_byte(out, (uint8_t)(size - 29));
}

static void put_string(struct buf *out, const char *text)
{
    put_head(out, TYPE_STRING, strlen(text));
    buf_append_str(out, str_from(text));
}

static void put_number(struct buf *out, enum type type, size_t bytes, uint64_t value)
{
    put_head(out, type, bytes);
    for (size_t i = bytes; i > 0; i--)
        buf_append_byte(out, (uint8_t)(value >> (8 * (i - 1))));
}

/* "city" is there so that tests can see that nobody reads it. */
static void put_record(struct buf *out, enum mmdb_schema schema, const struct mmdb_row *row)
{
    put_head(out, TYPE_MAP, 1u + (row->country != NULL) + (row->region != NULL));
    put_string(out, "city");
    put_string(out, "Canary City");
    if (row->country != NULL && schema == MMDB_NESTED) {
        put_string(out, "country");
        put_head(out, TYPE_MAP, 1);
        put_string(out, "iso_code");
        put_string(out, row->country);
    } else if (row->country != NULL) {
        put_string(out, "country_code");
        put_string(out, row->country);
    }
    if (row->region != NULL && schema == MMDB_NESTED) {
        put_string(out, "subdivisions");
        put_head(out, TYPE_ARRAY, 1);
        put_head(out, TYPE_MAP, 1);
        put_string(out, "iso_code");
        put_string(out, row->region);
    } else if (row->region != NULL) {
        put_string(out, "state1");
        put_string(out, row->region);
    }
}

static void put_metadata(struct buf *out, const struct mmdb_options *options, uint32_t node_count)
{
    buf_append_str(out, STR_LIT("\xab\xcd\xefMaxMind.com"));
    put_head(out, TYPE_MAP, 9);
    put_string(out, "node_count");
    put_number(out, TYPE_UINT32, 4, node_count);
    put_string(out, "record_size");
    put_number(out, TYPE_UINT16, 2, options->record_bits);
    put_string(out, "ip_version");
    put_number(out, TYPE_UINT16, 2, options->ip_version);
    put_string(out, "database_type");
    put_string(out, "Footfall-Test");
    put_string(out, "languages");
    put_head(out, TYPE_ARRAY, 0);
    put_string(out, "binary_format_major_version");
    put_number(out, TYPE_UINT16, 2, 2);
    put_string(out, "binary_format_minor_version");
    put_number(out, TYPE_UINT16, 2, 0);
    put_string(out, "build_epoch");
    put_number(out, TYPE_UINT64, 8, options->built_s);
    put_string(out, "description");
    put_head(out, TYPE_MAP, 0);
}

/* --- The tree ----------------------------------------------------------------------------------
 */

/* The bits of a range; IPv4 in a tree for IPv6 stands below ::/96. Returns their number. */
static unsigned parse_range(const char *text, unsigned ip_version, uint8_t bits[16])
{
    char address[INET6_ADDRSTRLEN + 1] = "";
    size_t slash = str_find(str_from(text), '/');
    if (slash >= sizeof(address) || text[slash] != '/')
        abort();
    memcpy(address, text, slash);
    unsigned long prefix_bits = strtoul(text + slash + 1, NULL, 10);
    memset(bits, 0, 16);
    if (inet_pton(AF_INET, address, bits + (ip_version == 6 ? 12 : 0)) == 1)
        return (unsigned)prefix_bits + (ip_version == 6 ? 96 : 0);
    if (ip_version != 6 || inet_pton(AF_INET6, address, bits) != 1)
        abort();
    return (unsigned)prefix_bits;
}

static void tree_add(struct tree *tree, const uint8_t bits[16], unsigned count, uint32_t offset)
{
    struct branch *branch = NULL;
    uint32_t node = 0;
    for (unsigned i = 0; i < count; i++) {
        if (branch != NULL && branch->kind != KIND_NODE) {
            if (branch->kind == KIND_RECORD || tree->count == NODES_MAX)
                abort();
            *branch = (struct branch){KIND_NODE, tree->count++};
        }
        if (branch != NULL)
            node = branch->at;
        branch = &tree->nodes[node][bits[i / 8] >> (7 - i % 8) & 1];
    }
    if (branch == NULL || branch->kind != KIND_NOTHING)
        abort();
    *branch = (struct branch){KIND_RECORD, offset};
}

static uint32_t branch_value(const struct tree *tree, struct branch branch)
{
    switch (branch.kind) {
    case KIND_NODE:
        return branch.at;
    case KIND_RECORD:
        return tree->count + SEPARATOR_BYTES + branch.at;
    default:
        return tree->count;
    }
}

static void put_bytes(struct buf *out, uint32_t value, unsigned bytes)
{
    for (unsigned i = bytes; i > 0; i--)
        buf_append_byte(out, (uint8_t)(value >> (8 * (i - 1))));
}

static void put_node(struct buf *out, unsigned record_bits, uint32_t left, uint32_t right)
{
    put_bytes(out, left, record_bits / 8);
    /* With 28 bits the middle byte has the high four of both. */
    if (record_bits == 28)
        buf_append_byte(out, (uint8_t)((left >> 24 & 0xf) << 4 | (right >> 24 & 0xf)));
    put_bytes(out, right, record_bits / 8);
}

void mmdb_write(const char *path, const struct mmdb_options *options)
{
    struct tree *tree = calloc(1, sizeof(*tree));
    if (tree == NULL)
        abort();
    tree->count = 1;
    struct buf data, file;
    buf_init(&data, FILE_BYTES_MAX);
    buf_init(&file, FILE_BYTES_MAX);
    buf_append_str(&data, options->data);
    for (size_t i = 0; i < options->row_count; i++) {
        uint8_t bits[16];
        unsigned count = parse_range(options->rows[i].range, options->ip_version, bits);
        bool raw = options->data.len > 0;
        tree_add(tree, bits, count, raw ? options->data_offset : (uint32_t)data.len);
        if (!raw)
            put_record(&data, options->schema, &options->rows[i]);
    }
    for (uint32_t i = 0; i < tree->count; i++)
        put_node(&file, options->record_bits, branch_value(tree, tree->nodes[i][0]),
                 branch_value(tree, tree->nodes[i][1]));
    for (int i = 0; i < SEPARATOR_BYTES; i++)
        buf_append_byte(&file, 0);
    buf_append_str(&file, buf_str(&data));
    put_metadata(&file, options, tree->count);

    FILE *out = fopen(path, "wb");
    if (out == NULL || file.overflow || data.overflow ||
        fwrite(file.ptr, 1, file.len, out) != file.len || fclose(out) != 0)
        abort();
    buf_done(&data);
    buf_done(&file);
    free(tree);
}
