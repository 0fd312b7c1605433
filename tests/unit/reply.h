#pragma once

/* Looking into a reply. */

#include "common/http.h"

/* The value of the nth header of a name, from 0; ptr NULL when there is none. */
static inline struct str reply_nth_header(const struct http_reply *reply, const char *name, int nth)
{
    for (size_t i = 0; i < reply->header_count; i++)
        if (str_eq(reply->headers[i].name, str_from(name)) && nth-- == 0)
            return reply->headers[i].value;
    return (struct str){NULL, 0};
}

static inline struct str reply_header(const struct http_reply *reply, const char *name)
{
    return reply_nth_header(reply, name, 0);
}

/* Whether the header is there with just this value, or, for NULL, is not there. */
static inline bool reply_has(const struct http_reply *reply, const char *name, const char *value)
{
    struct str got = reply_header(reply, name);
    return value == NULL ? got.ptr == NULL : got.ptr != NULL && str_eq(got, str_from(value));
}

static inline bool str_contains(struct str s, const char *part)
{
    struct str want = str_from(part);
    for (size_t at = 0; at + want.len <= s.len; at++)
        if (str_starts_with(str_from_at(s, at), want))
            return true;
    return false;
}
