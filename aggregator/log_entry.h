#pragma once

/* An entry of the log, as `append` writes it (functions.lua). Pure. */

#include <stdint.h>

#include "common/macros.h"
#include "common/redis.h"
#include "common/str.h"

enum { LOG_ENTRY_ID_BYTES = 48 };

/* An id that outlives the reply that told it. */
struct log_entry_id {
    char text[LOG_ENTRY_ID_BYTES];
    size_t len;
};

struct log_entry {
    struct str id, payload; /* live as long as the reply */
    uint64_t writer, number;
};

/* [id, [w, writer, n, number, p, payload]]. False for anything else; the id stands there even so,
 * and is empty where there is none. */
MUST_CHECK bool log_entry_parse(const struct redis_reply *reply, struct log_entry *ret_entry);
/* False, and nothing is changed, for what is too long or empty. */
MUST_CHECK bool log_entry_id_set(struct log_entry_id *id, struct str text);
struct str log_entry_id_str(const struct log_entry_id *id);
/* "1795400000000-0": when it came, by Redis's clock, and the number within that millisecond. */
MUST_CHECK bool log_entry_id_parse(struct str id, uint64_t *ret_ms, uint64_t *ret_seq);
