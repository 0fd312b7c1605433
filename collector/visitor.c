/* A visitor's address becomes a place and a tag, and is wiped. Called for each view, whichever way
 * it came; nothing of the address leaves this file. */

#include "collector/visitor.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

/* How much of an address makes a visitor: a whole IPv4 address, and the /64 that one line gets;
 * under the strict preset a neighbourhood. */
enum {
    TAG_IPV4_BITS = 32,
    TAG_IPV6_BITS = 64,
    TAG_STRICT_IPV4_BITS = 24,
    TAG_STRICT_IPV6_BITS = 48
};

static uint64_t make_tag(const struct day_key *key, const struct client_address *prefix,
                         struct str user_agent)
{
    uint8_t bytes[1 + sizeof(prefix->bytes) + USER_AGENT_BYTES_MAX];
    uint64_t tag;
    static_assert(sizeof(tag) == crypto_shorthash_BYTES, "a tag is a SipHash");
    size_t len = 0;
    user_agent = str_prefix(user_agent, USER_AGENT_BYTES_MAX);
    bytes[len++] = prefix->family;
    memcpy(bytes + len, prefix->bytes, sizeof(prefix->bytes));
    len += sizeof(prefix->bytes);
    if (user_agent.len > 0)
        memcpy(bytes + len, user_agent.ptr, user_agent.len);
    len += user_agent.len;
    crypto_shorthash((unsigned char *)&tag, bytes, len, key->visit);
    explicit_bzero(bytes, sizeof(bytes));
    return tag;
}

uint64_t visitor_read(const struct visitor_rules *rules, struct client_address *address,
                      struct str user_agent, struct region *ret_region)
{
    bool strict = rules->preset == SITE_STRICT;
    if (strict)
        client_address_truncate(address, TAG_STRICT_IPV4_BITS, TAG_STRICT_IPV6_BITS);
    region_lookup(rules->regions, address, ret_region);
    if (!strict)
        client_address_truncate(address, TAG_IPV4_BITS, TAG_IPV6_BITS);
    uint64_t tag = make_tag(rules->key, address, user_agent);
    client_address_wipe(address);
    return tag;
}
