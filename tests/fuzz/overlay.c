/* Live messages laid over a day: whatever collectors tell, what shows is the sum of the parts that
 * the marks leave, of which none counts twice.
 *
 * An input is messages: writer, how many parts, and of each part number, after and the body of a
 * payload, which gets its head and checksum here. A writer of 0 ends them; marks follow. */

#include "aggregator/overlay.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "aggregator/batch.h"
#include "tests/fuzz/fuzz.h"

enum { MESSAGES_MAX = 4, ROWS_MAX = 1000, DATE = 20261123, NOW_MS = 1000 };

#define SITE STR_LIT("a.nl")
static const struct overlay_wanted WANTED = {.site = {"a.nl", 4}, .date = DATE, .crosses = true};

static void put_message(struct overlay *overlay, struct str *rest, uint64_t writer)
{
    struct live_message message = {.writer = writer, .site = SITE, .has_now = writer % 2 == 0};
    struct buf payloads[LIVE_PARTS_MAX], bytes;
    message.now.active_visits = fuzz_take_byte(rest);
    message.part_count = fuzz_take_byte(rest) % (LIVE_PARTS_MAX + 1);
    for (size_t i = 0; i < message.part_count; i++) {
        struct live_part *part = &message.parts[i];
        part->number = fuzz_take_byte(rest);
        part->after = fuzz_take_byte(rest);
        buf_init(&payloads[i], LIVE_MESSAGE_BYTES_MAX);
        buf_append_str(&payloads[i], STR_LIT("FB\x01"));
        size_t len = (size_t)fuzz_take_number(rest, 2);
        buf_append_str(&payloads[i], fuzz_take_bytes(rest, len));
        batch_end(&payloads[i]);
        part->payload = buf_str(&payloads[i]);
    }
    buf_init(&bytes, LIVE_BYTES_MAX);
    live_encode(&bytes, &message);
    bool good = overlay_put(overlay, buf_str(&bytes), NOW_MS);
    assert(good);
    buf_done(&bytes);
    for (size_t i = 0; i < message.part_count; i++)
        buf_done(&payloads[i]);
}

static void mark(struct overlay_day *day, unsigned writer, unsigned number)
{
    char field[24], text[24];
    int field_len = snprintf(field, sizeof(field), "@%016x", writer);
    int len = snprintf(text, sizeof(text), "%u", number);
    overlay_day_mark(day, (struct str){field, (size_t)field_len}, (struct str){text, (size_t)len});
}

/* All tables' page views of what shows. */
static int64_t count_shown(struct overlay_day *day)
{
    int64_t sum = 0;
    for (int t = 0; t < TABLE__COUNT; t++) {
        struct str values[OVERLAY_SKETCHES_MAX], sketches[OVERLAY_SKETCHES_MAX];
        struct query_rows rows;
        size_t count = overlay_day_values(day, (enum table)t, values);
        assert(count <= OVERLAY_SKETCHES_MAX);
        for (size_t i = 0; i < count; i++)
            sketches[i] = STR_EMPTY;
        query_rows_init(&rows, ROWS_MAX);
        overlay_day_add(day, (enum table)t, sketches, count, &rows);
        for (uint32_t i = 0; i < rows.count; i++) {
            sum += rows.rows[i].sums[METRIC_PAGEVIEWS];
            assert(rows.rows[i].sums[METRIC_VISITORS] >= 0);
        }
        assert(rows.count < ROWS_MAX);
        query_rows_done(&rows);
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str rest = {(const char *)data, len};
    struct overlay *overlay = overlay_new();
    struct live_now now;
    for (int i = 0; i < MESSAGES_MAX; i++) {
        uint8_t writer = fuzz_take_byte(&rest);
        if (writer == 0)
            break;
        put_message(overlay, &rest, writer);
    }
    overlay_now(overlay, SITE, &now);
    assert(now.active_visits <= MESSAGES_MAX * UINT8_MAX);

    struct overlay_day *day = overlay_day_new(overlay, &WANTED);
    struct overlay_day *applied = overlay_day_new(overlay, &WANTED);
    assert((day == NULL) == (applied == NULL));
    overlay_expire(overlay, NOW_MS + 2 * OVERLAY_EXPIRY_MS);
    assert(overlay_day_new(overlay, &WANTED) == NULL);
    overlay_free(overlay);
    if (day == NULL)
        return 0;
    /* Everything was applied: nothing shows. */
    for (unsigned writer = 1; writer <= UINT8_MAX; writer++)
        mark(applied, writer, UINT8_MAX + 1);
    assert(count_shown(applied) == 0);
    while (rest.len > 0) {
        unsigned writer = fuzz_take_byte(&rest);
        mark(day, writer, fuzz_take_byte(&rest));
    }
    (void)count_shown(day);
    overlay_day_free(day);
    overlay_day_free(applied);
    return 0;
}
