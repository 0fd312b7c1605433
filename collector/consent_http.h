#pragma once

/* What a request says of consent: gathers the headers that consent_check() judges. */

#include "collector/consent.h"
#include "common/config.h"
#include "common/http.h"

enum consent consent_of_request(const struct http_request *req, const struct config *config);
