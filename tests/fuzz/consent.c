/* Cookie, Sec-GPC and DNT headers, separated by newlines. A planted opt-out cookie must be found
 * whatever stands around it. */

#include "tests/fuzz/fuzz.h"

#include "collector/consent.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct consent_headers headers = {.honour_gpc = true, .honour_dnt = true};
    struct str rest = {(const char *)data, len};
    for (size_t i = 0; i < CONSENT_HEADERS_MAX && rest.len > 0; i++) {
        struct str line = fuzz_take_line(&rest);
        headers.cookies[headers.cookie_count++] = line;
        headers.gpc[headers.gpc_count++] = line;
        headers.dnt[headers.dnt_count++] = line;
    }
    enum consent consent = consent_check(&headers);
    assert((consent == CONSENT_COUNT) == (consent_name(consent) == NULL));

    if (headers.cookie_count < CONSENT_HEADERS_MAX) {
        headers.cookies[headers.cookie_count++] = STR_LIT("a=b; footfall_optout=1");
        assert(consent_check(&headers) != CONSENT_COUNT);
    }
    return 0;
}
