/* The values of a configuration, each of any bytes, and addresses of Redis: what is taken is within
 * its bounds, and what the configuration takes for a range the collector takes as well. */

#include "tests/fuzz/fuzz.h"

#include "collector/client_address.h"
#include "common/config_value.h"
#include "common/redis.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>

static void check_listen(struct str text)
{
    struct listen_address address;
    unsigned char bytes[16];
    if (value_listen(text, &address))
        assert(inet_pton(address.is_v6 ? AF_INET6 : AF_INET, address.host, bytes) == 1);
}

static void check_url(struct str text)
{
    if (!value_url_valid(text))
        return;
    assert(text.len > 7);
    for (size_t i = 0; i < text.len; i++)
        assert(strchr("\"'<>&\\ ", text.ptr[i]) == NULL);
}

static void check_redis(struct str text)
{
    struct redis_address address;
    char error[200] = "", *url = malloc(text.len + 1);
    assert(url != NULL);
    if (text.len > 0)
        memcpy(url, text.ptr, text.len);
    url[text.len] = '\0';
    if (redis_address_parse(url, &address, error, sizeof(error))) {
        assert((address.socket_path[0] == '/') == (address.host[0] == '\0'));
        assert(address.socket_path[0] == '/' || address.port > 0);
        assert((address.user[0] == '\0') == (strchr(url, '@') == NULL));
    } else {
        assert(str_starts_with(str_from(error), STR_LIT("redis.url: ")));
    }
    free(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str text = {(const char *)data, len};
    struct address_range range;
    unsigned number;
    check_listen(text);
    check_url(text);
    check_redis(text);
    assert(!value_range_valid(text) || address_range_parse(text, &range));
    assert(!value_uint(text, 65535, &number) || number <= 65535);
    return 0;
}
