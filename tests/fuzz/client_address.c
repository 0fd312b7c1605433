/* X-Forwarded-For of any bytes, a header a line. The client cannot change the answer by what it
 * puts in front of what the proxy appended; an untrusted peer cannot change it at all. */

#include "tests/fuzz/fuzz.h"

#include "collector/client_address.h"

#include <assert.h>

enum { HEADERS_MAX = 8 };

static const struct client_address PROXY = {4, {10, 0, 0, 1}};
static const struct client_address STRANGER = {4, {198, 51, 100, 7}};

static bool same(const struct client_address *a, const struct client_address *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void check_resolve(const struct trusted_proxies *proxies, struct str *headers, size_t count)
{
    struct client_address got, again;
    client_address_resolve(&STRANGER, proxies, headers, count, &got);
    assert(same(&got, &STRANGER));

    client_address_resolve(&PROXY, proxies, headers, count, &got);
    assert(got.family == 0 || got.family == 4 || got.family == 6);
    /* What the proxy appends is what counts. */
    headers[count] = STR_LIT("198.51.100.7");
    client_address_resolve(&PROXY, proxies, headers, count + 1, &again);
    assert(same(&again, &STRANGER));
    /* An answer that is no proxy stands whatever is in front of it. */
    for (size_t i = count; i > 0; i--)
        headers[i] = headers[i - 1];
    headers[0] = STR_LIT("6.6.6.6, junk,");
    client_address_resolve(&PROXY, proxies, headers, count + 1, &again);
    if (got.family != 0 && !trusted_proxies_hold(proxies, &got))
        assert(same(&again, &got));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct trusted_proxies proxies = {.count = 0};
    assert(trusted_proxies_add(&proxies, STR_LIT("10.0.0.0/8")));
    assert(trusted_proxies_add(&proxies, STR_LIT("fd00::/8")));
    struct str rest = {(const char *)data, len};
    struct address_range range;
    if (address_range_parse(rest, &range))
        assert(range.prefix_bits <= (range.family == 4 ? 32 : 128));

    struct str headers[HEADERS_MAX + 1];
    size_t count = 0;
    while (rest.len > 0 && count < HEADERS_MAX)
        headers[count++] = fuzz_take_line(&rest);
    check_resolve(&proxies, headers, count);
    return 0;
}
