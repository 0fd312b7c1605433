/* Who a request comes from, by peer and X-Forwarded-For, and ranges of addresses. */

#include "collector/client_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <sys/un.h>

/* "" is the unknown address. */
static struct client_address address_of(const char *text)
{
    struct client_address address = {.family = 0};
    if (text[0] == '\0')
        return address;
    address.family = strchr(text, ':') == NULL ? 4 : 6;
    assert_int_equal(inet_pton(address.family == 4 ? AF_INET : AF_INET6, text, address.bytes), 1);
    return address;
}

static void assert_address(const struct client_address *got, const char *expected, const char *what)
{
    struct client_address wanted = address_of(expected);
    if (memcmp(got, &wanted, sizeof(wanted)) != 0)
        fail_msg("%s is not '%s'", what, expected);
}

/* --- The rightmost untrusted hop ---------------------------------------------------------------
 */

static const char *const TRUSTED[] = {"10.0.0.0/8", "127.0.0.1", "2001:db8:f::/48", "::1",
                                      "fe80::/10"};

struct forwarded_row {
    const char *peer;
    const char *headers[3]; /* in order; NULL ends them */
    const char *expected;   /* "": unknown */
};

static const struct forwarded_row FORWARDED[] = {
    /* No header: the peer. */
    {"203.0.113.9", {NULL}, "203.0.113.9"},
    {"10.0.0.1", {NULL}, "10.0.0.1"},
    {"10.0.0.1", {""}, "10.0.0.1"},
    {"10.0.0.1", {" \t"}, "10.0.0.1"},
    /* An untrusted peer's header is never used. */
    {"203.0.113.9", {"198.51.100.7"}, "203.0.113.9"},
    {"203.0.113.9", {"10.0.0.1"}, "203.0.113.9"},
    {"203.0.113.9", {"junk"}, "203.0.113.9"},
    {"203.0.113.9", {"198.51.100.7, 10.0.0.1"}, "203.0.113.9"},
    {"203.0.113.9", {"unknown", "198.51.100.7"}, "203.0.113.9"},
    {"2001:db8::9", {"198.51.100.7"}, "2001:db8::9"},
    {"9.255.255.255", {"198.51.100.7"}, "9.255.255.255"},
    {"11.0.0.0", {"198.51.100.7"}, "11.0.0.0"},
    /* A trusted peer's is. */
    {"10.0.0.1", {"198.51.100.7"}, "198.51.100.7"},
    {"127.0.0.1", {"198.51.100.7"}, "198.51.100.7"},
    {"::1", {"198.51.100.7"}, "198.51.100.7"},
    {"2001:db8:f::1", {"2001:db8::7"}, "2001:db8::7"},
    {"2001:db8:e:ffff::1", {"198.51.100.7"}, "2001:db8:e:ffff::1"},
    /* Left entries are the client's own invention. */
    {"10.0.0.1", {"6.6.6.6, 198.51.100.7"}, "198.51.100.7"},
    {"10.0.0.1", {"6.6.6.6, 198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
    {"10.0.0.1", {"10.9.9.9, 198.51.100.7, 10.0.0.2, 127.0.0.1"}, "198.51.100.7"},
    {"10.0.0.1", {"junk, 198.51.100.7"}, "198.51.100.7"},
    {"10.0.0.1", {"unknown,<script>,, 198.51.100.7 , 10.0.0.2"}, "198.51.100.7"},
    {"10.0.0.1", {"127.0.0.1, 2001:db8::7"}, "2001:db8::7"},
    /* Several headers are one list. */
    {"10.0.0.1", {"6.6.6.6", "198.51.100.7"}, "198.51.100.7"},
    {"10.0.0.1", {"198.51.100.7", "10.0.0.2"}, "198.51.100.7"},
    {"10.0.0.1", {"6.6.6.6, 198.51.100.7", "10.0.0.3", "10.0.0.2"}, "198.51.100.7"},
    {"10.0.0.1", {"198.51.100.7", ""}, "198.51.100.7"},
    {"10.0.0.1", {"junk", "198.51.100.7"}, "198.51.100.7"},
    {"10.0.0.1", {"198.51.100.7", "junk"}, ""},
    /* Every hop trusted: the leftmost. */
    {"10.0.0.1", {"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
    {"10.0.0.1", {"10.0.0.4", "10.0.0.3, 10.0.0.2"}, "10.0.0.4"},
    /* Empty elements are passed over. */
    {"10.0.0.1", {"198.51.100.7,"}, "198.51.100.7"},
    {"10.0.0.1", {",198.51.100.7"}, "198.51.100.7"},
    {"10.0.0.1", {"198.51.100.7, , ,10.0.0.2,"}, "198.51.100.7"},
    {"10.0.0.1", {","}, "10.0.0.1"},
    /* White space. */
    {"10.0.0.1", {"  198.51.100.7\t"}, "198.51.100.7"},
    {"10.0.0.1", {"198.51. 100.7"}, ""},
    /* Ports, brackets, zones. */
    {"10.0.0.1", {"198.51.100.7:50000"}, "198.51.100.7"},
    {"10.0.0.1", {"198.51.100.7:0"}, "198.51.100.7"},
    {"10.0.0.1", {"198.51.100.7:65535"}, "198.51.100.7"},
    {"10.0.0.1", {"198.51.100.7:65536"}, ""},
    {"10.0.0.1", {"198.51.100.7:"}, ""},
    {"10.0.0.1", {"198.51.100.7:http"}, ""},
    {"10.0.0.1", {"198.51.100.7:-1"}, ""},
    {"10.0.0.1", {":80"}, ""},
    {"10.0.0.1", {"[2001:db8::7]"}, "2001:db8::7"},
    {"10.0.0.1", {"[2001:db8::7]:443"}, "2001:db8::7"},
    {"10.0.0.1", {"[2001:db8::7]443"}, ""},
    {"10.0.0.1", {"[2001:db8::7]:"}, ""},
    {"10.0.0.1", {"[2001:db8::7"}, ""},
    {"10.0.0.1", {"2001:db8::7]"}, ""},
    {"10.0.0.1", {"[]"}, ""},
    {"10.0.0.1", {"[198.51.100.7]"}, ""},
    {"10.0.0.1", {"2001:db8::7%eth0"}, "2001:db8::7"},
    {"10.0.0.1", {"[2001:db8::7%25eth0]:80"}, "2001:db8::7"},
    {"10.0.0.1", {"2001:db8::7%"}, ""},
    {"10.0.0.1", {"198.51.100.7%eth0"}, ""},
    {"10.0.0.1", {"198.51.100.7, fe80::1%eth0"}, "198.51.100.7"},
    /* IPv4 in IPv6's clothes. */
    {"10.0.0.1", {"::ffff:198.51.100.7"}, "198.51.100.7"},
    {"10.0.0.1", {"[::FFFF:c633:6407]:80"}, "198.51.100.7"},
    {"10.0.0.1", {"198.51.100.7, ::ffff:10.0.0.2"}, "198.51.100.7"},
    {"10.0.0.1", {"::198.51.100.7"}, "::198.51.100.7"},
    /* Private but not trusted: an answer like any other. */
    {"10.0.0.1", {"192.168.1.1"}, "192.168.1.1"},
    {"10.0.0.1", {"198.51.100.7, 192.168.1.1"}, "192.168.1.1"},
    {"10.0.0.1", {"0.0.0.0"}, "0.0.0.0"},
    {"10.0.0.1", {"fd00::1"}, "fd00::1"},
    /* No address. */
    {"10.0.0.1", {"unknown"}, ""},
    {"10.0.0.1", {"_hidden"}, ""},
    {"10.0.0.1", {"198.51.100.7, unknown"}, ""},
    {"10.0.0.1", {"198.51.100.7, unknown, 10.0.0.2"}, ""},
    {"10.0.0.1", {"for=198.51.100.7"}, ""},
    {"10.0.0.1", {"\"198.51.100.7\""}, ""},
    {"10.0.0.1", {"198.51.100"}, ""},
    {"10.0.0.1", {"198.51.100.256"}, ""},
    {"10.0.0.1", {"198.51.100.07"}, ""},
    {"10.0.0.1", {"198.51.100.7.1"}, ""},
    {"10.0.0.1", {"3325256711"}, ""},
    {"10.0.0.1", {"0xc6.0x33.0x64.0x07"}, ""},
    {"10.0.0.1", {"2001:db8::7::1"}, ""},
    {"10.0.0.1", {"2001:db8:0:0:0:0:0:0:7"}, ""},
    {"10.0.0.1", {"198.51.100.0/24"}, ""},
    {"10.0.0.1", {"localhost"}, ""},
    {"10.0.0.1", {"198.51.100.7;10.0.0.2"}, ""},
    {"10.0.0.1", {"\xff\xfe"}, ""},
    /* A peer without an address. */
    {"", {"198.51.100.7"}, ""},
    {"", {NULL}, ""},
};

static struct trusted_proxies trusted(void)
{
    struct trusted_proxies proxies = {.count = 0};
    for (size_t i = 0; i < ARRAY_LEN(TRUSTED); i++)
        assert_true(trusted_proxies_add(&proxies, str_from(TRUSTED[i])));
    return proxies;
}

static struct client_address resolve(const char *peer_text, const struct str *headers, size_t count)
{
    struct trusted_proxies proxies = trusted();
    struct client_address peer = address_of(peer_text), address;
    memset(&address, 0xaa, sizeof(address));
    client_address_resolve(&peer, &proxies, headers, count, &address);
    return address;
}

static void the_rightmost_untrusted_hop_is_the_client(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(FORWARDED); i++) {
        const struct forwarded_row *row = &FORWARDED[i];
        struct str headers[3];
        size_t count = 0;
        while (count < 3 && row->headers[count] != NULL) {
            headers[count] = str_from(row->headers[count]);
            count++;
        }
        struct client_address got = resolve(row->peer, headers, count);
        char what[128];
        (void)snprintf(what, sizeof(what), "row %zu, %s from %s", i,
                       count == 0 ? "no header" : row->headers[0], row->peer);
        assert_address(&got, row->expected, what);
    }
}

static void nobody_is_trusted_by_default(void **state)
{
    (void)state;
    struct trusted_proxies none = {.count = 0};
    struct client_address peer = address_of("127.0.0.1"), got;
    struct str header = STR_LIT("198.51.100.7");
    client_address_resolve(&peer, &none, &header, 1, &got);
    assert_address(&got, "127.0.0.1", "the peer");
}

static void hops_are_capped(void **state)
{
    (void)state;
    for (int hops = FORWARDED_HOPS_MAX - 1; hops <= FORWARDED_HOPS_MAX + 1; hops++) {
        char text[1024] = "198.51.100.7", spaced[1024] = "198.51.100.7";
        for (int i = 1; i < hops; i++) {
            strncat(text, ", 10.0.0.2", sizeof(text) - strlen(text) - 1);
            strncat(spaced, ",", sizeof(spaced) - strlen(spaced) - 1);
        }
        const char *expected = hops <= FORWARDED_HOPS_MAX ? "198.51.100.7" : "";
        struct str header = str_from(text);
        struct client_address got = resolve("10.0.0.1", &header, 1);
        assert_address(&got, expected, "the hop behind many");
        header = str_from(spaced);
        got = resolve("10.0.0.1", &header, 1);
        assert_address(&got, expected, "the hop behind many empty ones");
    }
}

static void a_long_header_is_read_from_its_right_end(void **state)
{
    (void)state;
    static char text[10 * 1024];
    memset(text, 'x', sizeof(text));
    static const char RIGHT[] = ",198.51.100.7";
    memcpy(text + sizeof(text) - strlen(RIGHT), RIGHT, strlen(RIGHT));
    struct str header = {text, sizeof(text)};
    struct client_address got = resolve("10.0.0.1", &header, 1);
    assert_address(&got, "198.51.100.7", "the right end");
    header.len -= strlen(RIGHT);
    got = resolve("10.0.0.1", &header, 1);
    assert_address(&got, "", "ten kilobytes of junk");
    memset(text, ',', sizeof(text));
    got = resolve("10.0.0.1", &header, 1);
    assert_address(&got, "", "ten kilobytes of commas");
}

static void a_nul_does_not_end_an_element(void **state)
{
    (void)state;
    struct str header = {"198.51.100.7\0x", 14};
    struct client_address got = resolve("10.0.0.1", &header, 1);
    assert_address(&got, "", "an address with a NUL");
}

/* --- Peers --------------------------------------------------------------------------------------
 */

static void a_peer_is_an_address_or_unknown(void **state)
{
    (void)state;
    struct client_address got;
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
    client_address_from_peer(&peer, &got);
    assert_address(&got, "", "no peer");

    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, "198.51.100.7", &ipv4.sin_addr), 1);
    memcpy(&peer, &ipv4, sizeof(ipv4));
    client_address_from_peer(&peer, &got);
    assert_address(&got, "198.51.100.7", "an IPv4 peer");

    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    assert_int_equal(inet_pton(AF_INET6, "2001:db8::7", &ipv6.sin6_addr), 1);
    memcpy(&peer, &ipv6, sizeof(ipv6));
    client_address_from_peer(&peer, &got);
    assert_address(&got, "2001:db8::7", "an IPv6 peer");

    assert_int_equal(inet_pton(AF_INET6, "::ffff:198.51.100.7", &ipv6.sin6_addr), 1);
    memcpy(&peer, &ipv6, sizeof(ipv6));
    client_address_from_peer(&peer, &got);
    assert_address(&got, "198.51.100.7", "a mapped peer");

    struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/run/footfall.sock"};
    memset(&peer, 0, sizeof(peer));
    memcpy(&peer, &local, sizeof(local));
    client_address_from_peer(&peer, &got);
    assert_address(&got, "", "a Unix socket's peer");
}

/* --- Ranges -------------------------------------------------------------------------------------
 */

static void ranges_hold_what_shares_their_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *range, *address;
        bool held;
    } rows[] = {
        {"10.0.0.0/8", "9.255.255.255", false},
        {"10.0.0.0/8", "10.0.0.0", true},
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.1.2.3/8", "10.9.9.9", true},
        {"172.16.0.0/12", "172.15.255.255", false},
        {"172.16.0.0/12", "172.16.0.0", true},
        {"172.16.0.0/12", "172.31.255.255", true},
        {"172.16.0.0/12", "172.32.0.0", false},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.6", false},
        {"192.0.2.7/31", "192.0.2.6", true},
        {"192.0.2.7/31", "192.0.2.8", false},
        {"0.0.0.0/0", "255.255.255.255", true},
        {"0.0.0.0/0", "::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "10.0.0.1", false},
        {"::/0", "", false},
        {"0.0.0.0/0", "", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"::1", "::1", true},
        {"::1", "::2", false},
        {"::ffff:10.0.0.0/104", "10.255.0.1", true},
        {"::ffff:10.0.0.0/104", "11.0.0.1", false},
        {"::ffff:192.0.2.7", "192.0.2.7", true},
        {"::ffff:0:0/96", "198.51.100.7", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct address_range range;
        assert_true(address_range_parse(str_from(rows[i].range), &range));
        struct client_address address = address_of(rows[i].address);
        if (address_range_holds(&range, &address) != rows[i].held)
            fail_msg("%s and '%s'", rows[i].range, rows[i].address);
    }
}

static void what_is_no_range_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "10",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/a",
        "10.0.0.0/8/",
        "10.0.0.0 /8",
        " 10.0.0.0/8",
        "10.0.0.0/8 ",
        "::/129",
        "::1%lo",
        "[::1]",
        "::ffff:10.0.0.0/95",
        "proxy.example.com",
        "/8",
        "10.0.0/8",
        "10.0.0.0/0x8",
        "::ffff:1.2.3.4/129",
        "10.0.0.0/000008",
        "*",
        "10.0.0.1:80",
        "10.0.0.0-10.1",
        "99999999999999999999999999999999999999999",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct address_range range = {.family = 99};
        if (address_range_parse(str_from(texts[i]), &range) || range.family != 99)
            fail_msg("'%s'", texts[i]);
    }
}

static void trusted_proxies_are_capped(void **state)
{
    (void)state;
    struct trusted_proxies proxies = {.count = 0};
    assert_false(trusted_proxies_add(&proxies, STR_LIT("nonsense")));
    assert_int_equal(proxies.count, 0);
    for (int i = 0; i < TRUSTED_PROXIES_MAX; i++)
        assert_true(trusted_proxies_add(&proxies, STR_LIT("10.0.0.0/8")));
    assert_false(trusted_proxies_add(&proxies, STR_LIT("10.0.0.0/8")));
    assert_int_equal(proxies.count, TRUSTED_PROXIES_MAX);
}

/* --- Public addresses ------------------------------------------------------------------------- */

static void special_addresses_are_not_public(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool public;
    } rows[] = {
        {"0.255.255.255", false},
        {"1.0.0.0", true},
        {"9.255.255.255", true},
        {"10.0.0.0", false},
        {"10.255.255.255", false},
        {"11.0.0.0", true},
        {"100.63.255.255", true},
        {"100.64.0.0", false},
        {"100.127.255.255", false},
        {"100.128.0.0", true},
        {"126.255.255.255", true},
        {"127.0.0.1", false},
        {"128.0.0.0", true},
        {"169.253.255.255", true},
        {"169.254.0.0", false},
        {"169.255.0.0", true},
        {"172.15.255.255", true},
        {"172.16.0.0", false},
        {"172.31.255.255", false},
        {"172.32.0.0", true},
        {"192.0.0.255", false},
        {"192.0.1.0", true},
        {"192.0.2.255", false},
        {"192.0.3.0", true},
        {"192.88.99.1", false},
        {"192.88.100.0", true},
        {"192.167.255.255", true},
        {"192.168.0.0", false},
        {"192.169.0.0", true},
        {"198.17.255.255", true},
        {"198.18.0.0", false},
        {"198.19.255.255", false},
        {"198.20.0.0", true},
        {"198.51.99.255", true},
        {"198.51.100.7", false},
        {"198.51.101.0", true},
        {"203.0.112.255", true},
        {"203.0.113.9", false},
        {"203.0.114.0", true},
        {"223.255.255.255", true},
        {"224.0.0.0", false},
        {"255.255.255.255", false},
        {"::", false},
        {"::1", false},
        {"64:ff9b::1", false},
        {"1fff:ffff::", false},
        {"2000::", true},
        {"2001::1", false},
        {"2001:1ff:ffff::", false},
        {"2001:200::", true},
        {"2001:db7:ffff::", true},
        {"2001:db8::1", false},
        {"2001:db9::", true},
        {"2a02:1234::1", true},
        {"3ffe:ffff::", true},
        {"3fff:fff::", false},
        {"3fff:1000::", true},
        {"4000::", false},
        {"fc00::1", false},
        {"fe80::1", false},
        {"ff02::1", false},
        {"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct client_address address = address_of(rows[i].address);
        if (client_address_is_public(&address) != rows[i].public)
            fail_msg("'%s'", rows[i].address);
    }
}

/* --- Forgetting ---------------------------------------------------------------------------------
 */

static void bits_after_the_prefix_are_zeroed(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        unsigned ipv4_bits, ipv6_bits;
        const char *expected;
    } rows[] = {
        {"198.51.100.255", 24, 48, "198.51.100.0"},
        {"198.51.100.255", 25, 48, "198.51.100.128"},
        {"198.51.100.255", 32, 0, "198.51.100.255"},
        {"198.51.100.255", 31, 0, "198.51.100.254"},
        {"198.51.100.255", 0, 48, "0.0.0.0"},
        {"198.51.100.255", 200, 48, "198.51.100.255"},
        {"2001:db8:1:2:3:4:5:6", 24, 48, "2001:db8:1::"},
        {"2001:db8:1:2:3:4:5:6", 24, 64, "2001:db8:1:2::"},
        {"2001:db8:1:ffff:3:4:5:6", 24, 49, "2001:db8:1:8000::"},
        {"2001:db8:1:2:3:4:5:6", 24, 128, "2001:db8:1:2:3:4:5:6"},
        {"", 24, 48, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct client_address address = address_of(rows[i].address);
        client_address_truncate(&address, rows[i].ipv4_bits, rows[i].ipv6_bits);
        assert_address(&address, rows[i].expected, rows[i].address);
    }
}

static void a_wiped_address_is_zero(void **state)
{
    (void)state;
    struct client_address address = address_of("2001:db8::7");
    client_address_wipe(&address);
    assert_address(&address, "", "a wiped address");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rightmost_untrusted_hop_is_the_client),
        cmocka_unit_test(nobody_is_trusted_by_default),
        cmocka_unit_test(hops_are_capped),
        cmocka_unit_test(a_long_header_is_read_from_its_right_end),
        cmocka_unit_test(a_nul_does_not_end_an_element),
        cmocka_unit_test(a_peer_is_an_address_or_unknown),
        cmocka_unit_test(ranges_hold_what_shares_their_prefix),
        cmocka_unit_test(what_is_no_range_is_refused),
        cmocka_unit_test(trusted_proxies_are_capped),
        cmocka_unit_test(special_addresses_are_not_public),
        cmocka_unit_test(bits_after_the_prefix_are_zeroed),
        cmocka_unit_test(a_wiped_address_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
