/* A page's path, brought to one spelling and rid of what looks like a person or a secret.
 *
 * Leaks through URLs are the commonest way for personal data to get into analytics, and a stored
 * path lives as long as the site's records. The beacon's parser calls this for each view, and for
 * the values of properties; nothing else stores a path. Pure; any thread.
 *
 * The rule. A segment becomes ":id" as a whole when one of these holds (in brackets what the rule
 * must leave alone):
 *   e-mail   x@y.zz anywhere in it, also with "%40" for a twice-encoded "@"
 *            bob@example.com, mail=bob@163.com            [@babel, core@7.22.5, logo@2x.png]
 *   number   nothing but six digits or more, before a file name's extension or with a leading "+"
 *            and a telephone number's signs; or ten digits in a row anywhere
 *            123456, 4711234.html, +31 20 123-4567        [2015, 2015-05-03, xdotool-20070713.html]
 *   UUID     anywhere in it: 8-4-4-4-12 hexadecimal digits
 *   hex      16 hexadecimal digits or more between other characters, one of them 0-9
 *            5f4dcc3b5aa765d61d8327deb882cf99             [kibana-dashboard3, deadbeef]
 *   token    20 characters or more of A-Z a-z 0-9 - _ + in a row that are either
 *            - mixed: with a capital, a small letter and a digit, where a third or more of the
 *              neighbouring letters and digits differ in kind (a word that starts with a capital is
 *              no change), and less than two fifths of the characters stand in words (three small
 *              letters or more in a row), or
 *            - solid: 20 letters and digits in a row with three groups of digits or more
 *            eyJhbGciOiJIUzI1NiJ9, 01ARZ3NDEKTSV4RRFFQ69G5FAV
 *            [Kyocera-KPC650-EVDO-in-FreeBSD, HowToInstallUbuntu1404, logstash-monitorama-2013]
 * Random base64 of 22 characters has about 65 % changes of kind and 15 % of its characters in
 * words; English titles, also in CamelCase and with model numbers, stay on the other side of one of
 * the two limits. The rule errs towards ":id": a page too few in a list harms less than a name in
 * it. */

#include "collector/path.h"

#include <stdint.h>

#include "common/percent.h"
#include "common/utf8.h"

enum {
    NUMBER_DIGITS_MIN = 6,
    EMBEDDED_DIGITS_MIN = 10,
    HEX_DIGITS_MIN = 16,
    TOKEN_BYTES_MIN = 20,
    SOLID_DIGIT_GROUPS_MIN = 3,
    WORD_LETTERS_MIN = 3,
    EXTENSION_BYTES_MAX = 5,
    UUID_BYTES = 36,
};

enum kind { KIND_OTHER, KIND_LOWER, KIND_UPPER, KIND_DIGIT };

static enum kind kind_of(char c)
{
    if (c >= 'a' && c <= 'z')
        return KIND_LOWER;
    if (c >= 'A' && c <= 'Z')
        return KIND_UPPER;
    return c >= '0' && c <= '9' ? KIND_DIGIT : KIND_OTHER;
}

static bool is_digit(char c)
{
    return kind_of(c) == KIND_DIGIT;
}

static bool is_hex(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* --- e-mail ----------------------------------------------------------------------------------- */
static bool is_host_byte(char c)
{
    return kind_of(c) != KIND_OTHER || c == '.' || c == '-' || (unsigned char)c >= 0x80;
}

/* Digits, a dot, digits: a version as in "core@7.22.5.js". */
static bool starts_like_version(struct str host)
{
    size_t i = 0;
    while (i < host.len && is_digit(host.ptr[i]))
        i++;
    return i > 0 && i + 1 < host.len && host.ptr[i] == '.' && is_digit(host.ptr[i + 1]);
}

/* "2x." of pictures for dense screens: "logo@2x.png". */
static bool starts_like_scale(struct str host)
{
    return host.len > 2 && is_digit(host.ptr[0]) && host.ptr[1] == 'x' && host.ptr[2] == '.';
}

/* What follows an "@": a host with a dot and a top-level domain of two letters or more. */
static bool starts_with_mail_host(struct str rest)
{
    struct str host = {rest.ptr, 0};
    while (host.len < rest.len && is_host_byte(rest.ptr[host.len]))
        host.len++;
    while (host.len > 0 && (host.ptr[host.len - 1] == '.' || host.ptr[host.len - 1] == '-'))
        host.len--;
    size_t tld = 0;
    while (tld < host.len && host.ptr[host.len - 1 - tld] != '.') {
        if (is_digit(host.ptr[host.len - 1 - tld]) &&
            memmem(host.ptr, host.len, ".xn--", 5) == NULL)
            return false;
        tld++;
    }
    return tld >= 2 && tld + 1 < host.len && !starts_like_version(host) && !starts_like_scale(host);
}

bool path_holds_email(struct str text)
{
    for (size_t i = 1; i < text.len; i++) {
        size_t sign = text.ptr[i] == '@' ? 1 : 0;
        if (str_starts_with(str_from_at(text, i), STR_LIT("%40")))
            sign = 3;
        if (sign > 0 && text.ptr[i - 1] != ' ' &&
            starts_with_mail_host(str_from_at(text, i + sign)))
            return true;
    }
    return false;
}

/* --- Numbers ---------------------------------------------------------------------------------- */
/* Without a file name's extension, which has a letter: "4711234.html", but "1299.99" as it is. */
static struct str without_extension(struct str text)
{
    size_t dot = text.len;
    while (dot > 0 && text.ptr[dot - 1] != '.')
        dot--;
    size_t len = text.len - dot;
    if (dot <= 1 || len == 0 || len > EXTENSION_BYTES_MAX)
        return text;
    bool has_letter = false;
    for (size_t i = dot; i < text.len; i++) {
        if (kind_of(text.ptr[i]) == KIND_OTHER)
            return text;
        has_letter |= !is_digit(text.ptr[i]);
    }
    return has_letter ? str_prefix(text, dot - 1) : text;
}

static bool is_long_number(struct str text)
{
    bool is_telephone = text.len > 0 && text.ptr[0] == '+';
    size_t digits = 0;
    for (size_t i = is_telephone ? 1 : 0; i < text.len; i++) {
        if (is_digit(text.ptr[i]))
            digits++;
        else if (!is_telephone || memchr(" -.()", text.ptr[i], 5) == NULL)
            return false;
    }
    return digits >= NUMBER_DIGITS_MIN;
}

/* --- UUIDs ------------------------------------------------------------------------------------ */
static bool starts_with_uuid(struct str text)
{
    if (text.len < UUID_BYTES)
        return false;
    for (size_t i = 0; i < UUID_BYTES; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text.ptr[i] != '-' : !is_hex(text.ptr[i]))
            return false;
    }
    return true;
}

static bool holds_uuid(struct str text)
{
    for (size_t i = 0; i + UUID_BYTES <= text.len; i++)
        if (starts_with_uuid(str_from_at(text, i)))
            return true;
    return false;
}

/* --- Hex and tokens --------------------------------------------------------------------------- */
/* Letters and digits in a row. */
static bool solid_is_private(struct str run)
{
    size_t hex = 0, digits = 0, digit_groups = 0, digits_in_a_row = 0;
    for (size_t i = 0; i < run.len; i++) {
        hex += is_hex(run.ptr[i]);
        if (!is_digit(run.ptr[i])) {
            digits_in_a_row = 0;
            continue;
        }
        digits++;
        digit_groups += digits_in_a_row == 0;
        if (++digits_in_a_row >= EMBEDDED_DIGITS_MIN)
            return true;
    }
    if (run.len >= HEX_DIGITS_MIN && hex == run.len && digits > 0)
        return true;
    return run.len >= TOKEN_BYTES_MIN && digit_groups >= SOLID_DIGIT_GROUPS_MIN;
}

/* Characters of base64 in a row, at least TOKEN_BYTES_MIN of them. */
static bool mixed_is_private(struct str run)
{
    bool has[KIND_DIGIT + 1] = {false};
    size_t pairs = 0, changes = 0, in_words = 0, word = 0;
    enum kind last = KIND_OTHER;
    for (size_t i = 0; i < run.len; i++) {
        enum kind kind = kind_of(run.ptr[i]);
        has[kind] = true;
        bool is_capitalised = i > 0 && kind == KIND_LOWER && last == KIND_UPPER &&
                              (i == 1 || kind_of(run.ptr[i - 2]) == KIND_OTHER);
        if (last != KIND_OTHER && kind != KIND_OTHER && !is_capitalised) {
            pairs++;
            changes += kind != last;
        }
        word = kind == KIND_LOWER ? word + 1 : 0;
        if (word == WORD_LETTERS_MIN)
            in_words += WORD_LETTERS_MIN;
        else if (word > WORD_LETTERS_MIN)
            in_words++;
        last = kind;
    }
    return has[KIND_LOWER] && has[KIND_UPPER] && has[KIND_DIGIT] && changes > 0 &&
           3 * changes >= pairs && 5 * in_words < 2 * run.len;
}

static bool is_token_byte(char c)
{
    return kind_of(c) != KIND_OTHER || c == '-' || c == '_' || c == '+';
}

static bool holds_token(struct str text)
{
    size_t run_start = 0, solid_start = 0;
    for (size_t i = 0; i <= text.len; i++) {
        char c = i < text.len ? text.ptr[i] : '/';
        if (kind_of(c) == KIND_OTHER) {
            if (solid_is_private((struct str){text.ptr + solid_start, i - solid_start}))
                return true;
            solid_start = i + 1;
        }
        if (!is_token_byte(c)) {
            struct str run = {text.ptr + run_start, i - run_start};
            if (run.len >= TOKEN_BYTES_MIN && mixed_is_private(run))
                return true;
            run_start = i + 1;
        }
    }
    return false;
}

bool path_looks_private(struct str text)
{
    text = str_trim(text);
    return is_long_number(without_extension(text)) || path_holds_email(text) || holds_uuid(text) ||
           holds_token(text);
}

/* --- The path --------------------------------------------------------------------------------- */
/* Removes the last "/segment" of the len bytes written. */
static size_t without_last_segment(const char *bytes, size_t len)
{
    while (len > 0 && bytes[--len] != '/')
        continue;
    return len;
}

/* Resolves and cleans the segments in place: what is written is never longer than what was read,
 * since each written segment brings one slash, and ":id" is shorter than anything it replaces.
 * `bytes` has one byte of room before the text, for the first slash. A segment is judged without
 * the white space around it, which the path's end is going to lose. */
static struct str clean_segments(char *bytes, struct str decoded)
{
    size_t len = 0;
    while (decoded.len > 0) {
        struct str segment = str_prefix(decoded, str_find(decoded, '/'));
        decoded = str_from_at(decoded, segment.len + 1);
        struct str word = str_trim(segment);
        if (str_eq(word, STR_LIT("..")))
            len = without_last_segment(bytes, len);
        if (segment.len == 0 || str_eq(word, STR_LIT(".")) || str_eq(word, STR_LIT("..")))
            continue;
        if (path_looks_private(segment))
            segment = STR_LIT(PATH_PRIVATE);
        bytes[len++] = '/';
        memmove(bytes + len, segment.ptr, segment.len);
        len += segment.len;
    }
    return (struct str){bytes, len};
}

bool path_normalise(struct str raw, char out[PATH_BYTES_MAX], struct str *ret_path)
{
    raw = str_prefix(raw, str_find(raw, '#'));
    raw = str_prefix(raw, str_find(raw, '?'));
    char bytes[1 + BEACON_URL_BYTES_MAX];
    struct str decoded;
    if (raw.len > BEACON_URL_BYTES_MAX ||
        !percent_decode(raw, PERCENT_PLUS_IS_PLUS, bytes + 1, &decoded) || !utf8_is_text(decoded))
        return false;

    struct str path = utf8_cut(clean_segments(bytes, decoded), PATH_BYTES_MAX);
    while (path.len > 0 && (path.ptr[path.len - 1] == ' ' || path.ptr[path.len - 1] == '/'))
        path.len--;
    if (path.len == 0)
        path = STR_LIT("/");
    memcpy(out, path.ptr, path.len);
    *ret_path = (struct str){out, path.len};
    return true;
}
