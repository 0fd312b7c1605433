#pragma once

/* The collector's files over HTTP. Handlers for routes; worker_data is a struct worker. */

#include "common/http.h"

/* GET /footfall.js */
void asset_handle_tracker(struct http_request *req, void *worker_data);
/* GET /opt-out/style.css */
void asset_handle_optout_style(struct http_request *req, void *worker_data);
/* GET /.well-known/gpc.json */
void asset_handle_gpc(struct http_request *req, void *worker_data);
/* GET /demo and everything below /demo/ */
void asset_handle_demo(struct http_request *req, void *worker_data);
