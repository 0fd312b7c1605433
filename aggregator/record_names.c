/* A month's names, chunk by chunk. Written when a day is sealed, read by everybody who reads a
 * record of that month. */

#include "aggregator/record_names.h"

#include <assert.h>
#include <stdlib.h>
#include <zstd.h>

#include "common/crc32c.h"

enum {
    HEAD_BYTES = RECORD_NAMES_HEAD_BYTES,
    CRC_AT = 8,
    GROUPS_END = 0xff,
    ZSTD_LEVEL = 19, /* some milliseconds a chunk, once */
    /* Of one chunk before compression: a length takes two bytes, a group's head four. */
    RAW_BYTES_MAX = DAY_NAMES_BYTES_MAX + 2 * DAY_NAMES_MAX + 4 * TABLE__COUNT + 1,
};
static_assert((int)TABLE__COUNT < GROUPS_END, "a table is a byte that ends nothing");

void record_names_init(struct record_names *month)
{
    *month = (struct record_names){.end = 0};
    day_names_init(&month->names);
}

void record_names_done(struct record_names *month)
{
    day_names_done(&month->names);
    free(month->places);
    *month = (struct record_names){0};
}

bool record_names_hold(const struct record_names *month, uint32_t end, uint32_t crc)
{
    for (uint32_t i = month->place_count; i-- > 0;)
        if (month->places[i].end == end)
            return month->places[i].crc == crc;
    return end == 0 && crc == 0;
}

/* Whatever is in memory is at rest, up to here. */
static void end_chunk(struct record_names *month, uint32_t end, uint32_t crc)
{
    if (month->place_count == month->place_capacity) {
        month->place_capacity = month->place_capacity == 0 ? 32 : month->place_capacity * 2;
        month->places = reallocarray(month->places, month->place_capacity, sizeof(*month->places));
        if (month->places == NULL)
            abort();
    }
    month->places[month->place_count++] = (struct record_names_place){end, crc};
    month->end = end;
    month->crc = crc;
    for (int t = 0; t < TABLE__COUNT; t++)
        month->sealed[t] = month->names.groups[t].count;
}

/* The last of the names so far. */
static struct str prefix_of(const struct buf *text, size_t len)
{
    size_t from = len > RECORD_NAMES_PREFIX_BYTES ? len - RECORD_NAMES_PREFIX_BYTES : 0;
    return str_from_at(str_prefix(buf_str(text), len), from);
}

/* The head's length field and the payload, which the CRC covers. */
static uint32_t checksum(uint32_t crc, const char *chunk, size_t payload_len)
{
    return crc32c(crc32c(crc, chunk, CRC_AT), chunk + HEAD_BYTES, payload_len);
}

static void put_u32(char *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (char)(value >> 8 * i);
}

static uint32_t get_u32(const char *bytes)
{
    uint32_t value = 0;
    for (int i = 4; i-- > 0;)
        value = value << 8 | (uint8_t)bytes[i];
    return value;
}

/* --- Writing --------------------------------------------------------------------------------- */

/* False when all names are at rest. */
static bool write_raw(const struct record_names *month, struct buf *raw, size_t *ret_text_at)
{
    const struct day_names *names = &month->names;
    size_t text_at = names->text.len;
    for (int t = 0; t < TABLE__COUNT; t++) {
        const struct day_name_group *group = &names->groups[t];
        if (group->count == month->sealed[t])
            continue;
        buf_append_byte(raw, (uint8_t)t);
        buf_append_varint(raw, group->count - month->sealed[t]);
        for (uint32_t i = month->sealed[t]; i < group->count; i++) {
            buf_append_varint(raw, group->names[i].text_len);
            if (group->names[i].text_at < text_at)
                text_at = group->names[i].text_at;
        }
    }
    if (raw->len == 0)
        return false;
    buf_append_byte(raw, GROUPS_END);
    for (int t = 0; t < TABLE__COUNT; t++)
        for (uint32_t i = month->sealed[t]; i < names->groups[t].count; i++)
            buf_append_str(raw, day_names_at(names, (enum table)t, i));
    *ret_text_at = text_at;
    return true;
}

static size_t compress(struct str raw, struct str prefix, char *out, size_t out_bytes)
{
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    if (ctx == NULL)
        abort();
    size_t error = ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    if (!ZSTD_isError(error))
        error = ZSTD_CCtx_refPrefix(ctx, prefix.ptr, prefix.len);
    size_t len = ZSTD_compress2(ctx, out, out_bytes, raw.ptr, raw.len);
    assert(!ZSTD_isError(error) && !ZSTD_isError(len));
    ZSTD_freeCCtx(ctx);
    return len;
}

void record_names_write(struct record_names *month, struct buf *out)
{
    struct buf raw;
    size_t text_at;
    buf_init(&raw, RAW_BYTES_MAX);
    if (write_raw(month, &raw, &text_at)) {
        assert(!raw.overflow);
        size_t bound = HEAD_BYTES + ZSTD_compressBound(raw.len);
        char *chunk = malloc(bound);
        if (chunk == NULL)
            abort();
        size_t len = compress(buf_str(&raw), prefix_of(&month->names.text, text_at),
                              chunk + HEAD_BYTES, bound - HEAD_BYTES);
        memcpy(chunk, "FFn1", 4);
        put_u32(chunk + 4, (uint32_t)len);
        uint32_t crc = checksum(month->crc, chunk, len);
        put_u32(chunk + CRC_AT, crc);
        buf_append(out, chunk, HEAD_BYTES + len);
        end_chunk(month, month->end + (uint32_t)(HEAD_BYTES + len), crc);
        free(chunk);
    }
    buf_done(&raw);
}

/* --- Reading --------------------------------------------------------------------------------- */

static bool take_byte(struct str *from, uint8_t *ret_byte)
{
    if (from->len == 0)
        return false;
    *ret_byte = (uint8_t)from->ptr[0];
    *from = str_from_at(*from, 1);
    return true;
}

/* Of at most three bytes: lengths and numbers of names are under 2^21. */
static bool take_small(struct str *from, uint32_t *ret_value)
{
    uint32_t value = 0;
    uint8_t byte;
    for (int shift = 0; shift < 21; shift += 7) {
        if (!take_byte(from, &byte))
            return false;
        value |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

/* Passes over the groups' lengths; false when they are not well formed. */
static bool find_texts(struct str raw, struct str *ret_texts)
{
    uint8_t group;
    uint32_t count, len, names = 0;
    while (take_byte(&raw, &group)) {
        if (group == GROUPS_END) {
            *ret_texts = raw;
            return true;
        }
        if (group >= TABLE__COUNT || day_name_group((enum table)group) != (enum table)group ||
            !take_small(&raw, &count) || (names += count) > DAY_NAMES_MAX)
            return false;
        for (uint32_t i = 0; i < count; i++)
            if (!take_small(&raw, &len) || len > VALUE_BYTES_MAX)
                return false;
    }
    return false;
}

/* All the texts are used. That every name is new is not looked at, since it would take longer than
 * all the rest: of a name that stood twice the first would be found, and both would be read. */
static bool add_names(struct day_names *names, struct str raw)
{
    struct str texts;
    uint8_t group = GROUPS_END;
    uint32_t count = 0, len = 0;
    if (!find_texts(raw, &texts))
        return false;
    while (take_byte(&raw, &group) && group != GROUPS_END && take_small(&raw, &count)) {
        for (uint32_t i = 0; i < count; i++) {
            if (!take_small(&raw, &len) || len > texts.len ||
                !day_names_append(names, (enum table)group, str_prefix(texts, len)))
                return false;
            texts = str_from_at(texts, len);
        }
    }
    return texts.len == 0;
}

static bool read_payload(struct record_names *month, ZSTD_DCtx *ctx, struct str payload)
{
    struct str prefix = prefix_of(&month->names.text, month->names.text.len);
    unsigned long long raw_len = ZSTD_getFrameContentSize(payload.ptr, payload.len);
    if (raw_len == 0 || raw_len > RAW_BYTES_MAX || /* this says unknown as well */
        ZSTD_isError(ZSTD_DCtx_refPrefix(ctx, prefix.ptr, prefix.len)))
        return false;
    char *raw = malloc((size_t)raw_len);
    if (raw == NULL)
        abort();
    size_t len = ZSTD_decompressDCtx(ctx, raw, (size_t)raw_len, payload.ptr, payload.len);
    bool is_good = !ZSTD_isError(len) && add_names(&month->names, (struct str){raw, len});
    free(raw);
    return is_good;
}

bool record_names_read(struct record_names *month, struct str bytes)
{
    bool is_good = bytes.len <= RECORD_NAMES_BYTES_MAX - month->end;
    ZSTD_DCtx *ctx = ZSTD_createDCtx();
    if (ctx == NULL)
        abort();
    while (is_good && bytes.len > 0) {
        uint32_t len = bytes.len < HEAD_BYTES ? 0 : get_u32(bytes.ptr + 4);
        is_good = bytes.len >= HEAD_BYTES && memcmp(bytes.ptr, "FFn1", 4) == 0 &&
                  len <= bytes.len - HEAD_BYTES;
        if (!is_good)
            break;
        uint32_t crc = checksum(month->crc, bytes.ptr, len);
        is_good = crc == get_u32(bytes.ptr + CRC_AT) &&
                  read_payload(month, ctx, (struct str){bytes.ptr + HEAD_BYTES, len});
        if (is_good)
            end_chunk(month, month->end + HEAD_BYTES + len, crc);
        bytes = str_from_at(bytes, HEAD_BYTES + (size_t)len);
    }
    ZSTD_freeDCtx(ctx);
    return is_good;
}
