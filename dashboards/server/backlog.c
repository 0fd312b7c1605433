/* The length of the log, asked for once a second. A question reads whole hashes while Redis has
 * thousands of batches to fold into them; so questions are refused until it has caught up. What is
 * not known, since Redis does not answer or does not let this user ask, sheds nothing. */

#include "dashboards/server/backlog.h"

#include "aggregator/model.h"
#include "common/log.h"

bool backlog_is_behind(bool was_behind, uint64_t log_entries)
{
    return log_entries > (was_behind ? BACKLOG_SERVE_ENTRIES : BACKLOG_SHED_ENTRIES - 1);
}

static void on_length(const struct redis_reply *reply, void *data)
{
    struct desk *desk = data;
    bool was_behind = desk->is_behind;
    desk->asks_length = false;
    bool known = reply != NULL && redis_reply_type(reply) == REDIS_TYPE_INTEGER;
    desk->log_entries = known ? (uint64_t)redis_reply_integer(reply) : 0;
    desk->is_behind = backlog_is_behind(was_behind, desk->log_entries);
    if (desk->is_behind && !was_behind)
        log_warn("the store is behind; questions are refused until it has caught up");
    else if (was_behind && !desk->is_behind)
        log_info("the store has caught up; questions are answered again");
}

void backlog_poll(struct desk *desk)
{
    struct buf key;
    if (desk->asks_length)
        return;
    buf_init(&key, 64);
    model_key_log(&key, 0);
    const struct str argv[] = {STR_LIT("XLEN"), buf_str(&key)};
    desk->asks_length = redis_link_send(desk->link, ARRAY_LEN(argv), argv, on_length, desk);
    if (!desk->asks_length)
        desk->is_behind = false; /* who asks is told that Redis is away */
    buf_done(&key);
}
