/* Conditional requests and encodings, as far as files built into the executable need them: they
 * come plain and as gzip, and their ETags never change while a process runs. Any thread. */

#include "common/negotiate.h"

/* Cuts the next item off a list; false at its end. */
static bool next_item(struct str *list, char separator, struct str *ret_item)
{
    if (list->len == 0)
        return false;
    size_t end = str_find(*list, separator);
    *ret_item = str_trim(str_prefix(*list, end));
    *list = str_from_at(*list, end + 1);
    return true;
}

/* If-None-Match compares weakly (RFC 9110, 13.1.2): `W/` does not matter. */
static struct str without_weakness(struct str etag)
{
    return str_starts_with(etag, STR_LIT("W/")) ? str_from_at(etag, 2) : etag;
}

bool negotiate_etag_matches(struct str if_none_match, struct str etag)
{
    struct str item;
    while (next_item(&if_none_match, ',', &item)) {
        if (str_eq(item, STR_LIT("*")) || str_eq(without_weakness(item), without_weakness(etag)))
            return true;
    }
    return false;
}

/* "q=0", "Q=0.000": not acceptable. */
static bool weight_is_zero(struct str parameter)
{
    if (!str_eq_ci(str_prefix(parameter, 2), STR_LIT("q=")))
        return false;
    struct str weight = str_from_at(parameter, 2);
    for (size_t i = 0; i < weight.len; i++)
        if (weight.ptr[i] != '0' && weight.ptr[i] != '.')
            return false;
    return weight.len > 0;
}

static bool parameters_refuse(struct str parameters)
{
    struct str parameter;
    while (next_item(&parameters, ';', &parameter))
        if (weight_is_zero(parameter))
            return true;
    return false;
}

bool negotiate_gzip(struct str accept_encoding)
{
    struct str item;
    bool any = false;
    while (next_item(&accept_encoding, ',', &item)) {
        size_t semicolon = str_find(item, ';');
        struct str coding = str_trim(str_prefix(item, semicolon));
        bool refused = parameters_refuse(str_from_at(item, semicolon + 1));
        if (str_eq_ci(coding, STR_LIT("gzip")) || str_eq_ci(coding, STR_LIT("x-gzip")))
            return !refused;
        if (str_eq(coding, STR_LIT("*")))
            any = !refused;
    }
    return any;
}
