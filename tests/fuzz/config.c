/* A configuration file of any bytes: refused in one sentence, or every value within its bounds. */

#include "tests/fuzz/fuzz.h"

#include "common/config.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct config config;
    char error[256] = "";
    struct str yaml = {(const char *)data, len};
    if (!config_load_text(yaml, "fuzz.yaml", &config, error, sizeof(error))) {
        assert(str_starts_with(str_from(error), STR_LIT("fuzz.yaml, line ")));
        return 0;
    }
    assert(config.mix.views >= 1 && config.mix.views <= 10000);
    assert(config.data[0] != '\0');
    assert(config.http.trusted_proxies.count <= CONFIG_LIST_MAX);
    config_done(&config);
    return 0;
}
