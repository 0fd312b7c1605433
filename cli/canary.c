/* Every spelling of a canary. What a store would make of it by mistake: keep it, encode it, or hash
 * it without a key, since such a hash is undone by trying all addresses. Called by `footfall audit`
 * before it looks at anything. */

#include "cli/canary.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <zlib.h>

#include "common/buf.h"

/* The longest form: each byte as three. */
enum { FORM_BYTES_MAX = 4 * CANARY_BYTES_MAX, ADDRESS_TEXT_BYTES = 64, DECIMAL_DIGITS_MAX = 40 };
enum { IPV4_BYTES = 4, IPV6_BYTES = 16 };
/* Texts of fewer bytes stand everywhere: "65537", or four letters of base64. */
enum { DIGITS_MIN = 7, BASE64_LETTERS_MIN = 5 };

static const char HEX[] = "0123456789abcdef";
static const char HEX_CAPITAL[] = "0123456789ABCDEF";

/* Whom the forms go to, and room for one. */
struct teller {
    canary_form *form;
    void *data;
    struct buf buf;
};

bool canary_valid(struct str canary)
{
    return canary.len >= CANARY_BYTES_MIN && canary.len <= CANARY_BYTES_MAX;
}

static void tell(struct teller *teller, const char *spelling)
{
    if (teller->buf.len > 0)
        teller->form(spelling, buf_str(&teller->buf), teller->data);
    buf_reset(&teller->buf);
}

static void tell_bytes(struct teller *teller, const char *spelling, const void *bytes, size_t len)
{
    buf_append(&teller->buf, bytes, len);
    tell(teller, spelling);
}

/* --- Encodings -------------------------------------------------------------------------------- */

static void append_hex(struct buf *out, const uint8_t *bytes, size_t len, const char *digits)
{
    for (size_t i = 0; i < len; i++) {
        buf_append_byte(out, (uint8_t)digits[bytes[i] >> 4]);
        buf_append_byte(out, (uint8_t)digits[bytes[i] & 15]);
    }
}

static void append_percent(struct buf *out, const uint8_t *bytes, size_t len, const char *digits)
{
    for (size_t i = 0; i < len; i++) {
        buf_append_byte(out, '%');
        append_hex(out, &bytes[i], 1, digits);
    }
}

static void append_reversed(struct buf *out, const uint8_t *bytes, size_t len)
{
    for (size_t i = len; i > 0; i--)
        buf_append_byte(out, bytes[i - 1]);
}

/* Base64 of `bytes` behind `before` others: without the characters that hold bits of neighbours. */
static void append_base64(struct buf *out, const uint8_t *bytes, size_t len, size_t before,
                          const char *last_two)
{
    static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    size_t from_bit = before * 8, to_bit = (before + len) * 8;
    for (size_t bit = (from_bit + 5) / 6 * 6; bit + 6 <= to_bit; bit += 6) {
        unsigned value = 0;
        for (size_t b = bit; b < bit + 6; b++)
            value = value << 1 | ((bytes[b / 8 - before] >> (7 - b % 8)) & 1u);
        buf_append_byte(out, (uint8_t)(value < 62 ? LETTERS[value] : last_two[value - 62]));
    }
}

static bool has_last_two(struct str text)
{
    return memchr(text.ptr, '+', text.len) != NULL || memchr(text.ptr, '/', text.len) != NULL;
}

/* URLs have another spelling only where one of its two last letters occurs. */
static void tell_base64(struct teller *teller, const uint8_t *bytes, size_t len)
{
    for (size_t before = 0; before < 3; before++) {
        append_base64(&teller->buf, bytes, len, before, "+/");
        if (teller->buf.len < BASE64_LETTERS_MIN) {
            buf_reset(&teller->buf);
            continue;
        }
        bool differs = has_last_two(buf_str(&teller->buf));
        tell(teller, "base64");
        if (differs) {
            append_base64(&teller->buf, bytes, len, before, "-_");
            tell(teller, "base64url");
        }
    }
}

static bool has_letters(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((bytes[i] >> 4) > 9 || (bytes[i] & 15) > 9)
            return true;
    return false;
}

static void tell_hex(struct teller *teller, const uint8_t *bytes, size_t len)
{
    append_hex(&teller->buf, bytes, len, HEX);
    tell(teller, "hexadecimal");
    if (has_letters(bytes, len)) {
        append_hex(&teller->buf, bytes, len, HEX_CAPITAL);
        tell(teller, "hexadecimal in capitals");
    }
}

static void tell_encodings(struct teller *teller, const uint8_t *bytes, size_t len)
{
    tell_hex(teller, bytes, len);
    tell_base64(teller, bytes, len);
    append_percent(&teller->buf, bytes, len, HEX);
    tell(teller, "percent-encoded");
    if (has_letters(bytes, len)) {
        append_percent(&teller->buf, bytes, len, HEX_CAPITAL);
        tell(teller, "percent-encoded in capitals");
    }
}

/* --- Hashes ----------------------------------------------------------------------------------- */

/* MurmurHash64A with Redis's seed: PFADD's. Little-endian. */
static void murmur(const uint8_t *bytes, size_t len, uint8_t ret_hash[8])
{
    static const uint64_t MULTIPLIER = 0xc6a4a7935bd1e995, SEED = 0xadc83b19;
    uint64_t hash = SEED ^ (len * MULTIPLIER);
    size_t whole = len & ~(size_t)7;
    for (size_t at = 0; at < whole; at += 8) {
        uint64_t part = 0;
        for (size_t i = 8; i > 0; i--)
            part = part << 8 | bytes[at + i - 1];
        part *= MULTIPLIER;
        part ^= part >> 47;
        hash = (hash ^ (part * MULTIPLIER)) * MULTIPLIER;
    }
    if (whole < len) {
        uint64_t rest = 0;
        for (size_t at = len; at > whole; at--)
            rest = rest << 8 | bytes[at - 1];
        hash = (hash ^ rest) * MULTIPLIER;
    }
    hash = (hash ^ (hash >> 47)) * MULTIPLIER;
    hash ^= hash >> 47;
    for (size_t i = 0; i < 8; i++)
        ret_hash[i] = (uint8_t)(hash >> (8 * i));
}

/* Big-endian, as hexadecimal tools print it. */
static void crc(const uint8_t *bytes, size_t len, uint8_t ret_hash[4])
{
    uint32_t value = (uint32_t)crc32(0, bytes, (uInt)len);
    for (size_t i = 0; i < 4; i++)
        ret_hash[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Of bytes of any length, as one number, the first byte the highest. */
static void append_decimal(struct buf *out, const uint8_t *bytes, size_t len)
{
    uint8_t digits[DECIMAL_DIGITS_MAX] = {0}; /* the lowest first */
    size_t count = 1;
    for (size_t i = 0; i < len; i++) {
        unsigned carry = bytes[i];
        for (size_t d = 0; d < count; d++) {
            carry += digits[d] * 256u;
            digits[d] = (uint8_t)(carry % 10);
            carry /= 10;
        }
        for (; carry > 0 && count < DECIMAL_DIGITS_MAX; carry /= 10)
            digits[count++] = (uint8_t)(carry % 10);
    }
    for (size_t d = count; d > 0; d--)
        buf_append_byte(out, (uint8_t)('0' + digits[d - 1]));
}

static void tell_decimal(struct teller *teller, const char *spelling, const uint8_t *bytes,
                         size_t len)
{
    append_decimal(&teller->buf, bytes, len);
    if (teller->buf.len >= DIGITS_MIN)
        tell(teller, spelling);
    buf_reset(&teller->buf);
}

/* A short hash is often kept as a number, in either order of its bytes. */
static void tell_number(struct teller *teller, const char *spelling, const char *decimal,
                        const uint8_t *bytes, size_t len)
{
    append_reversed(&teller->buf, bytes, len);
    tell(teller, spelling);
    uint8_t swapped[IPV6_BYTES];
    for (size_t i = 0; i < len; i++)
        swapped[i] = bytes[len - 1 - i];
    tell_decimal(teller, decimal, bytes, len);
    tell_decimal(teller, decimal, swapped, len);
    append_hex(&teller->buf, swapped, len, HEX);
    tell(teller, spelling);
}

static void tell_digest(struct teller *teller, const char *name, const uint8_t *bytes, size_t len)
{
    tell_bytes(teller, name, bytes, len);
    append_hex(&teller->buf, bytes, len, HEX);
    tell(teller, name);
    append_hex(&teller->buf, bytes, len, HEX_CAPITAL);
    tell(teller, name);
    append_base64(&teller->buf, bytes, len, 0, "+/");
    tell(teller, name);
    append_base64(&teller->buf, bytes, len, 0, "-_");
    tell(teller, name);
}

static void tell_hashes(struct teller *teller, const uint8_t *bytes, size_t len)
{
    const struct {
        const char *name;
        const EVP_MD *kind;
    } DIGESTS[] = {{"MD5", EVP_md5()}, {"SHA-1", EVP_sha1()}, {"SHA-256", EVP_sha256()}};
    uint8_t digest[EVP_MAX_MD_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(DIGESTS); i++) {
        unsigned digest_len = 0;
        if (EVP_Digest(bytes, len, digest, &digest_len, DIGESTS[i].kind, NULL) == 1)
            tell_digest(teller, DIGESTS[i].name, digest, digest_len);
    }
    murmur(bytes, len, digest);
    tell_digest(teller, "MurmurHash64A", digest, 8);
    tell_number(teller, "MurmurHash64A, swapped", "MurmurHash64A as a number", digest, 8);
    crc(bytes, len, digest);
    tell_digest(teller, "CRC-32", digest, 4);
    tell_number(teller, "CRC-32, swapped", "CRC-32 as a number", digest, 4);
}

/* --- Addresses -------------------------------------------------------------------------------- */

/* The groups of an IPv6 address, with the zeros that they begin with or without. */
static void append_groups(struct buf *out, const uint8_t *bytes, bool in_full, const char *digits)
{
    for (size_t i = 0; i < IPV6_BYTES; i += 2) {
        struct buf group;
        buf_init(&group, 4);
        append_hex(&group, &bytes[i], 2, digits);
        size_t zeros = 0;
        while (!in_full && zeros < 3 && group.ptr[zeros] == '0')
            zeros++;
        if (i > 0)
            buf_append_byte(out, ':');
        buf_append_str(out, str_from_at(buf_str(&group), zeros));
        buf_done(&group);
    }
}

static void tell_ipv6_texts(struct teller *teller, const uint8_t *bytes)
{
    char text[ADDRESS_TEXT_BYTES];
    if (inet_ntop(AF_INET6, bytes, text, sizeof(text)) != NULL)
        tell_bytes(teller, "address, its zeros left out", text, strlen(text));
    append_groups(&teller->buf, bytes, true, HEX);
    tell(teller, "address in full");
    append_groups(&teller->buf, bytes, true, HEX_CAPITAL);
    tell(teller, "address in full, in capitals");
    append_groups(&teller->buf, bytes, false, HEX);
    tell(teller, "address with all its groups");
    append_groups(&teller->buf, bytes, true, HEX);
    teller->buf.len = 14; /* "2a01:1234:5678" */
    tell(teller, "address, its first 48 bits");
    tell_bytes(teller, "address, its first 64 bits", bytes, 8);
    tell_bytes(teller, "address, its first 48 bits", bytes, 6);
    append_hex(&teller->buf, bytes, 6, HEX);
    tell(teller, "address, its first 48 bits");
    for (size_t i = 0; i < IPV6_BYTES; i++)
        buf_append_byte(&teller->buf, bytes[(i & ~(size_t)3) + 3 - i % 4]);
    tell(teller, "address, its words swapped");
}

static void tell_ipv4_texts(struct teller *teller, const uint8_t *bytes)
{
    buf_printf(&teller->buf, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
    tell(teller, "address");
    buf_printf(&teller->buf, "%u.%u.%u.", bytes[0], bytes[1], bytes[2]);
    tell(teller, "address, its first three numbers");
    buf_printf(&teller->buf, "::ffff:%02x%02x:%02x%02x", bytes[0], bytes[1], bytes[2], bytes[3]);
    tell(teller, "address as IPv6");
}

static void tell_address(struct teller *teller, const uint8_t *bytes, size_t len)
{
    tell_bytes(teller, "address as bytes", bytes, len);
    tell_number(teller, "address, swapped", "address as a number", bytes, len);
    tell_encodings(teller, bytes, len);
    tell_hashes(teller, bytes, len);
    if (len == IPV4_BYTES)
        tell_ipv4_texts(teller, bytes);
    else
        tell_ipv6_texts(teller, bytes);
}

/* --- All of them ------------------------------------------------------------------------------ */

static void tell_texts(struct teller *teller, const uint8_t *bytes, size_t len)
{
    tell_bytes(teller, "text", bytes, len);
    for (size_t i = 0; i < len; i++)
        buf_append_byte(&teller->buf, (uint8_t)toupper(bytes[i]));
    if (memcmp(teller->buf.ptr, bytes, len) != 0)
        tell(teller, "text in capitals");
    buf_reset(&teller->buf);
    append_reversed(&teller->buf, bytes, len);
    tell(teller, "reversed");
    for (size_t i = 0; i < len; i++) {
        buf_append_byte(&teller->buf, bytes[i]);
        buf_append_byte(&teller->buf, 0);
    }
    tell(teller, "UTF-16");
    bool escapes = false;
    for (size_t i = 0; i < len; i++) {
        bool is_plain = isalnum(bytes[i]) || strchr("-_.~", bytes[i]) != NULL;
        escapes = escapes || !is_plain;
        if (is_plain)
            buf_append_byte(&teller->buf, bytes[i]);
        else
            append_percent(&teller->buf, &bytes[i], 1, HEX_CAPITAL);
    }
    if (escapes)
        tell(teller, "URL-encoded");
    buf_reset(&teller->buf);
}

void canary_forms(struct str canary, canary_form *form, void *data)
{
    struct teller teller = {.form = form, .data = data};
    const uint8_t *bytes = (const uint8_t *)canary.ptr;
    char text[ADDRESS_TEXT_BYTES];
    uint8_t address[IPV6_BYTES];
    buf_init(&teller.buf, FORM_BYTES_MAX);
    tell_texts(&teller, bytes, canary.len);
    tell_encodings(&teller, bytes, canary.len);
    tell_hashes(&teller, bytes, canary.len);
    snprintf(text, sizeof(text), "%.*s", STR_ARG(str_prefix(canary, sizeof(text) - 1)));
    if (canary.len < sizeof(text) && inet_pton(AF_INET, text, address) == 1)
        tell_address(&teller, address, IPV4_BYTES);
    else if (canary.len < sizeof(text) && inet_pton(AF_INET6, text, address) == 1)
        tell_address(&teller, address, IPV6_BYTES);
    buf_done(&teller.buf);
}
