#pragma once

/* The API's handlers: what was asked over HTTP becomes a question, its answer a reply. Each runs on
 * the dashboards' loop; `worker_data` is the struct desk. */

#include "common/http.h"

/* POST /api/v2/query. */
void api_handle_query(struct http_request *req, void *worker_data);
/* GET /api/v2/export/{site}.csv: the same from URL parameters. */
void api_handle_export(struct http_request *req, void *worker_data);
/* GET /api/sites. */
void api_handle_sites(struct http_request *req, void *worker_data);
/* GET /healthz: the process runs; GET /readyz: it can answer questions. */
void api_handle_health(struct http_request *req, void *worker_data);
void api_handle_ready(struct http_request *req, void *worker_data);
/* GET anything else: the pages. */
void api_handle_page(struct http_request *req, void *worker_data);
