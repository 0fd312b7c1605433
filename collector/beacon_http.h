#pragma once

/* Beacons over HTTP: POST /b and GET /b.gif, each step of the way a module. The other clients'
 * beacons (compat_http.h) go the same way once they are parsed. */

#include "collector/drop.h"
#include "collector/worker.h"

/* Handlers for routes; worker_data is a struct worker. */
void beacon_handle(struct http_request *req, void *worker_data); /* POST and OPTIONS */
void beacon_handle_pixel(struct http_request *req, void *worker_data);
/* Whatever has a larger body than any beacon may have. */
void beacon_handle_too_large(struct http_request *req, void *worker_data);

enum beacon_outcome {
    BEACON_COUNTED,
    BEACON_UNKNOWN_SITE, /* also while the list is not known */
    BEACON_DROPPED,
    BEACON_NO_ROOM
};

/* By name; a beacon that names none has the page's host instead. NULL: there is none. */
const struct site *beacon_find_site(const struct site_list *sites, struct str name);
/* From a parsed beacon to its section. Consent has been looked at before. `ret_reason` is set for
 * what is dropped. */
enum beacon_outcome beacon_take_in(struct http_request *req, struct worker *worker,
                                   const struct beacon *beacon, enum drop_reason *ret_reason);
