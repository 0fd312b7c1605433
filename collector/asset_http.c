/* From a path to a file's reply. Says nothing of who asked, and keeps nothing. On a worker's
 * thread. */

#include "collector/asset_http.h"

#include "collector/asset.h"
#include "collector/demo.h"
#include "collector/worker.h"

static void reply_asset(struct http_request *req, const struct asset *asset)
{
    struct str if_none_match = http_request_header(req, STR_LIT("if-none-match"));
    struct str accept_encoding = http_request_header(req, STR_LIT("accept-encoding"));
    struct http_reply reply;
    asset_reply(asset, if_none_match, accept_encoding, &reply);
    http_reply(req, &reply);
}

void asset_handle_tracker(struct http_request *req, void *worker_data)
{
    (void)worker_data;
    struct asset asset = asset_tracker();
    reply_asset(req, &asset);
}

void asset_handle_optout_style(struct http_request *req, void *worker_data)
{
    (void)worker_data;
    struct asset asset = asset_optout_style();
    reply_asset(req, &asset);
}

void asset_handle_gpc(struct http_request *req, void *worker_data)
{
    const struct worker *worker = worker_data;
    struct asset asset = asset_gpc(worker->collector->config->privacy.gpc);
    reply_asset(req, &asset);
}

void asset_handle_demo(struct http_request *req, void *worker_data)
{
    (void)worker_data;
    struct asset asset;
    switch (demo_find(http_request_path(req), &asset)) {
    case DEMO_FOUND:
        reply_asset(req, &asset);
        return;
    case DEMO_IS_FOLDER:
        http_reply(req, &(struct http_reply){
                            .status = 301,
                            .headers = {{STR_LIT("location"), STR_LIT("/demo/")}},
                            .header_count = 1,
                        });
        return;
    case DEMO_NOT_FOUND:
        break;
    }
    http_reply_error(req, 404, "there is no such page");
}
