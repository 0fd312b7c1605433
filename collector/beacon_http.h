#pragma once

/* Beacons over HTTP: POST /b and GET /b.gif, each step of the way a module. */

#include "common/http.h"

/* Handlers for routes; worker_data is a struct worker. */
void beacon_handle(struct http_request *req, void *worker_data); /* POST and OPTIONS */
void beacon_handle_pixel(struct http_request *req, void *worker_data);
/* Whatever has a larger body than any beacon may have. */
void beacon_handle_too_large(struct http_request *req, void *worker_data);
