#pragma once

/* The log's `append` and nothing else, for tests of what is sent to it: who numbers what, and how
 * often each batch has been counted. Holds no pointer, so that processes can share one. A batch's
 * payload starts with its id, so that a batch is known under whatever name it comes. */

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

enum { FAKE_LOG_ROWS = 65536, FAKE_LOG_BATCHES = 32768 };

enum fake_log_answer { FAKE_LOG_OK, FAKE_LOG_DUP, FAKE_LOG_GAP };

struct fake_log {
    struct {
        uint64_t writer, last; /* a hash table; last is 0 in free rows */
    } rows[FAKE_LOG_ROWS];
    uint8_t counted[FAKE_LOG_BATCHES];
};

enum fake_log_answer fake_log_append(struct fake_log *log, uint64_t writer, uint64_t number,
                                     struct str payload);
/* The writer's last number; 0 when there is no row. */
uint64_t fake_log_last(const struct fake_log *log, uint64_t writer);

/* A payload of this id, of any length from 4 on. */
void fake_log_payload(uint32_t id, char *ret_payload, size_t len);
/* The id; fails the test when the payload is not as it was made. */
uint32_t fake_log_id(struct str payload);
