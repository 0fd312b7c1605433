#pragma once

/* Why a beacon of a known site is not counted. X(enum, name, meaning). The name stands in the
 * answer's X-Footfall-Dropped header, in the site's drops key, and in the docs. Opt-outs are not
 * counted at all, so they are no reason here. */
#define DROP_REASONS(X)                                                                            \
    X(BOT, "bot", "the User-Agent is a crawler's or a tool's")                                     \
    X(PREFETCH, "prefetch", "the browser fetched the page ahead and nobody saw it")                \
    X(FOREIGN, "foreign_origin", "the page is of a host that does not belong to the site")         \
    X(NO_ROOM, "no_room", "what cannot be stored at present is more than may wait")

enum drop_reason {
#define X(id, name, meaning) DROP_##id,
    DROP_REASONS(X)
#undef X
        DROP__COUNT
};

const char *drop_reason_name(enum drop_reason reason);
