#pragma once

/* Other tools' clients over HTTP: POST /api/event (Plausible), POST /api/send (Umami), and GET or
 * POST /count (GoatCounter). */

#include <stdbool.h>

#include "common/http.h"

/* Handlers for routes; worker_data is a struct worker. OPTIONS as well. */
void compat_handle_plausible(struct http_request *req, void *worker_data);
void compat_handle_umami(struct http_request *req, void *worker_data);
void compat_handle_goatcounter(struct http_request *req, void *worker_data);
/* Answers a body that is too large, if it came for one of these; else false. */
bool compat_handle_too_large(struct http_request *req, void *worker_data);
