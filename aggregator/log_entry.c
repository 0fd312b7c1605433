/* Takes entries of the log apart. Called by the aggregator. */

#include "aggregator/log_entry.h"

#include <string.h>

#include "common/limits.h"

/* Lua's numbers are exact up to here; `append` lets no higher one into the log. */
static const uint64_t BATCH_NUMBER_MAX = (UINT64_C(1) << 53) - 1;

static bool parse_number(struct str text, unsigned base, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                                : base;
        if (digit >= base)
            return false;
        number = number * base + digit;
    }
    *ret_number = number;
    return text.len > 0 && text.len <= 16;
}

bool log_entry_parse(const struct redis_reply *reply, struct log_entry *ret_entry)
{
    const struct redis_reply *fields = redis_reply_at(reply, 1);
    *ret_entry = (struct log_entry){.id = redis_reply_str(redis_reply_at(reply, 0))};
    if (redis_reply_count(fields) != 6 || !redis_reply_is(redis_reply_at(fields, 0), "w") ||
        !redis_reply_is(redis_reply_at(fields, 2), "n") ||
        !redis_reply_is(redis_reply_at(fields, 4), "p"))
        return false;
    ret_entry->payload = redis_reply_str(redis_reply_at(fields, 5));
    return ret_entry->payload.len <= BATCH_BYTES_MAX &&
           parse_number(redis_reply_str(redis_reply_at(fields, 1)), 16, &ret_entry->writer) &&
           parse_number(redis_reply_str(redis_reply_at(fields, 3)), 10, &ret_entry->number) &&
           ret_entry->number <= BATCH_NUMBER_MAX;
}

bool log_entry_id_set(struct log_entry_id *id, struct str text)
{
    if (text.len == 0 || text.len > sizeof(id->text))
        return false;
    memcpy(id->text, text.ptr, text.len);
    id->len = text.len;
    return true;
}

struct str log_entry_id_str(const struct log_entry_id *id)
{
    return (struct str){id->text, id->len};
}

bool log_entry_id_parse(struct str id, uint64_t *ret_ms, uint64_t *ret_seq)
{
    size_t dash = str_find(id, '-');
    uint64_t ms, seq;
    if (!parse_number(str_prefix(id, dash), 10, &ms) ||
        !parse_number(str_from_at(id, dash + 1), 10, &seq))
        return false;
    *ret_ms = ms;
    *ret_seq = seq;
    return true;
}
