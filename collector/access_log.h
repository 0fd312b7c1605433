#pragma once

/* One line of a web server's access log as one request. Pure; fuzzed. What stands in a line goes
 * no further than collector/: an error has no byte of it. */

#include <stdbool.h>
#include <stdint.h>

#include "collector/bot.h"
#include "collector/client_address.h"
#include "common/macros.h"
#include "common/str.h"

/* X(enum, name, how a line of it begins). */
#define ACCESS_FORMATS(X)                                                                          \
    X(AUTO, "auto", "told by the first line that can be read")                                     \
    X(COMBINED, "combined",                                                                        \
      "ADDRESS - USER [TIME] \"REQUEST\" STATUS BYTES \"REFERRER\" \"USER-"                        \
      "AGENT\"; Apache, nginx and most others")                                                    \
    X(VHOST, "vhost_combined", "HOST:PORT, then the same; Apache's other_vhosts_access.log")       \
    X(CADDY, "caddy", "one JSON object a line")

enum access_format {
#define X(id, name, meaning) ACCESS_##id,
    ACCESS_FORMATS(X)
#undef X
        ACCESS__COUNT
};

const char *access_format_name(enum access_format format);
/* False for an unknown name. */
bool access_format_from_name(struct str name, enum access_format *ret_format);

/* Slices of the line, or of the reader's memory until its next line. Absent is empty. */
struct access_line {
    int64_t time_ms; /* since 1970, UTC */
    struct client_address address;
    struct str host; /* lower case, without port; empty where the format has none */
    struct str method;
    struct str target; /* as requested: a path with its query, or an absolute URL */
    struct str referrer, user_agent;
    unsigned status;
    /* Only Caddy logs these. */
    struct str content_type; /* of the answer */
    struct str language;     /* Accept-Language */
    struct bot_headers ahead;
    bool refused; /* by cookie, Sec-GPC or DNT */
};

/* What the operator honours beside the cookie. */
struct access_rules {
    bool honour_gpc, honour_dnt;
};

struct access_reader; /* one thread's; remembers the last date, and has the memory of one line */

struct access_reader *access_reader_new(enum access_format format,
                                        const struct access_rules *rules);
/* Wipes its memory. NULL is allowed. */
void access_reader_free(struct access_reader *reader);
/* ACCESS_AUTO as long as no line has told. */
enum access_format access_reader_format(const struct access_reader *reader);
/* False for what is no line of the format, or has no address. `line` has no line break. */
MUST_CHECK bool access_read(struct access_reader *reader, struct str line,
                            struct access_line *ret_line);
