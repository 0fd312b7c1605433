#pragma once

/* Whether the store is behind: the first to give way then are those who ask. The dashboards' loop
 * only, but for the rule itself, which is pure. */

#include "dashboards/server/desk.h"

/* Asks for the log's length; the answer sets desk->is_behind and desk->log_entries. Every second.
 */
void backlog_poll(struct desk *desk);

/* From BACKLOG_SHED_ENTRIES on, until it is down to BACKLOG_SERVE_ENTRIES. */
bool backlog_is_behind(bool was_behind, uint64_t log_entries);
