#pragma once

/* What a collector tells the dashboards once a second, per site with activity: who is here now, and
 * what is counted but not applied yet. Sent over pub/sub, which is never persisted. Layout in
 * live.c.
 *
 * Parts are sections with the number of the batch that carries them. A dashboard adds a part to
 * what is stored only while the store's mark of that writer (MODEL_APPLIED_MARK in the TOTAL hash)
 * is below the part's number, so that nothing shows twice. The open part has no number yet: it
 * carries `after`, the number of the last sealed batch of this site, and shows while the mark is <=
 * after. */

#include <stdint.h>

#include "aggregator/section.h"
#include "common/buf.h"

struct live_page {
    struct str path;
    uint32_t visits;
};

struct live_now {
    uint32_t active_visits;                 /* seen within VISIT_NOW_S */
    uint32_t views_by_minute[LIVE_MINUTES]; /* [0] is the minute that runs now */
    struct live_page pages[LIVE_TOP_PAGES]; /* where they are, most visits first */
    size_t page_count;
};

/* One part: a batch payload (batch.h) of this site's sections. */
struct live_part {
    uint64_t number; /* sealed: shows while mark < number; open: 0 */
    uint64_t after;  /* open: shows while mark <= after */
    struct str payload;
};

enum { LIVE_PARTS_MAX = 8, LIVE_BYTES_MAX = (LIVE_PARTS_MAX + 1) * LIVE_MESSAGE_BYTES_MAX };

struct live_message {
    uint64_t writer;
    struct str site;
    bool has_now; /* one worker of a process tells it */
    struct live_now now;
    struct live_part parts[LIVE_PARTS_MAX];
    size_t part_count;
};

void live_encode(struct buf *out, const struct live_message *message);
/* Slices of the result point into `bytes`. False for anything malformed, for a part of more than
 * LIVE_MESSAGE_BYTES_MAX and for a message of more than LIVE_BYTES_MAX. */
MUST_CHECK bool live_decode(struct str bytes, struct live_message *ret_message);
