#pragma once

/* The opt-out page over HTTP. Handlers for routes; worker_data is a struct worker. */

#include "common/http.h"

/* /opt-out: GET the page, POST a choice, OPTIONS */
void optout_handle(struct http_request *req, void *worker_data);
/* /opt-out/state: GET, OPTIONS */
void optout_handle_state(struct http_request *req, void *worker_data);
