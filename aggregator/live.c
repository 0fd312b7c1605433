/* A live message as bytes and back. Encoded by a collector's worker once a second, decoded by the
 * dashboards; each message is handled by one thread. Pub/sub carries it inside the operator's own
 * network, so it has no checksum of its own (its parts have), but decoding trusts nothing.
 *
 * Layout (varint = LEB128; str = varint length, bytes):
 *   'F' 'L' version(1)
 *   u64 little endian writer, str site, byte has_now
 *   with has_now: varint active visits, LIVE_MINUTES varints (now first),
 *                 varint pages, each: str path, varint visits
 *   varint parts, each: varint number, varint after, str payload
 * and nothing behind. Worked example, writer 7, site "a.nl", no "now", one open part "xy" after 3:
 *   46 4c 01  07 00 00 00 00 00 00 00  04 61 2e 6e 6c  00  01  00 03 02 78 79 */

#include "aggregator/live.h"

#include <assert.h>

static const char LIVE_MAGIC[] = {'F', 'L', 1};

static_assert(LIVE_PARTS_MAX <= 127 && LIVE_TOP_PAGES <= 127, "counts are one byte each");

/* --- Encoding --------------------------------------------------------------------------------- */

static void append_str(struct buf *out, struct str s)
{
    buf_append_varint(out, s.len);
    buf_append_str(out, s);
}

static void append_now(struct buf *out, const struct live_now *now)
{
    assert(now->page_count <= LIVE_TOP_PAGES);
    buf_append_varint(out, now->active_visits);
    for (size_t i = 0; i < LIVE_MINUTES; i++)
        buf_append_varint(out, now->views_by_minute[i]);
    buf_append_varint(out, now->page_count);
    for (size_t i = 0; i < now->page_count; i++) {
        append_str(out, now->pages[i].path);
        buf_append_varint(out, now->pages[i].visits);
    }
}

/* --- Decoding --------------------------------------------------------------------------------- */

static bool take_bytes(struct str *in, size_t len, struct str *ret_bytes)
{
    if (in->len < len)
        return false;
    *ret_bytes = str_prefix(*in, len);
    *in = str_from_at(*in, len);
    return true;
}

/* The shortest spelling only: one value, one encoding. */
static bool take_varint(struct str *in, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < in->len && i < 10; i++) {
        uint8_t byte = (uint8_t)in->ptr[i];
        if ((i == 9 && byte > 1) || (i > 0 && byte == 0))
            return false;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            *in = str_from_at(*in, i + 1);
            *ret_value = value;
            return value <= max;
        }
    }
    return false;
}

static bool take_u32(struct str *in, uint32_t *ret_value)
{
    uint64_t value;
    if (!take_varint(in, UINT32_MAX, &value))
        return false;
    *ret_value = (uint32_t)value;
    return true;
}

static bool take_str(struct str *in, size_t bytes_max, struct str *ret_bytes)
{
    uint64_t len;
    return take_varint(in, bytes_max, &len) && take_bytes(in, (size_t)len, ret_bytes);
}

static bool take_now(struct str *in, struct live_now *ret_now)
{
    uint64_t page_count;
    if (!take_u32(in, &ret_now->active_visits))
        return false;
    for (size_t i = 0; i < LIVE_MINUTES; i++)
        if (!take_u32(in, &ret_now->views_by_minute[i]))
            return false;
    if (!take_varint(in, LIVE_TOP_PAGES, &page_count))
        return false;
    ret_now->page_count = (size_t)page_count;
    for (size_t i = 0; i < ret_now->page_count; i++)
        if (!take_str(in, PATH_BYTES_MAX, &ret_now->pages[i].path) ||
            !take_u32(in, &ret_now->pages[i].visits))
            return false;
    return true;
}

static bool take_parts(struct str *in, struct live_message *message)
{
    uint64_t part_count;
    if (!take_varint(in, LIVE_PARTS_MAX, &part_count))
        return false;
    message->part_count = (size_t)part_count;
    for (size_t i = 0; i < message->part_count; i++) {
        struct live_part *part = &message->parts[i];
        if (!take_varint(in, UINT64_MAX, &part->number) ||
            !take_varint(in, UINT64_MAX, &part->after) ||
            !take_str(in, LIVE_MESSAGE_BYTES_MAX, &part->payload))
            return false;
    }
    return true;
}

/* --- Public ----------------------------------------------------------------------------------- */

void live_encode(struct buf *out, const struct live_message *message)
{
    assert(model_site_valid(message->site));
    assert(message->part_count <= LIVE_PARTS_MAX);
    buf_append(out, LIVE_MAGIC, sizeof(LIVE_MAGIC));
    for (unsigned shift = 0; shift < 64; shift += 8)
        buf_append_byte(out, (uint8_t)(message->writer >> shift));
    append_str(out, message->site);
    buf_append_byte(out, message->has_now);
    if (message->has_now)
        append_now(out, &message->now);
    buf_append_varint(out, message->part_count);
    for (size_t i = 0; i < message->part_count; i++) {
        buf_append_varint(out, message->parts[i].number);
        buf_append_varint(out, message->parts[i].after);
        append_str(out, message->parts[i].payload);
    }
}

bool live_decode(struct str bytes, struct live_message *ret_message)
{
    struct live_message message = {0};
    struct str magic, writer, has_now;
    if (bytes.len > LIVE_BYTES_MAX || !take_bytes(&bytes, sizeof(LIVE_MAGIC), &magic) ||
        memcmp(magic.ptr, LIVE_MAGIC, sizeof(LIVE_MAGIC)) != 0 || !take_bytes(&bytes, 8, &writer))
        return false;
    for (unsigned i = 0; i < 8; i++)
        message.writer |= (uint64_t)(uint8_t)writer.ptr[i] << (8 * i);
    if (!take_str(&bytes, HOST_BYTES_MAX, &message.site) || !model_site_valid(message.site) ||
        !take_bytes(&bytes, 1, &has_now) || (uint8_t)has_now.ptr[0] > 1)
        return false;
    message.has_now = has_now.ptr[0] == 1;
    if ((message.has_now && !take_now(&bytes, &message.now)) || !take_parts(&bytes, &message) ||
        bytes.len != 0)
        return false;
    *ret_message = message;
    return true;
}
