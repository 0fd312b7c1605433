#pragma once

/* Inside the beacons' parsers only: the scratch memory, and the parts of a page that every wire
 * format has. What fails leaves the beacon half filled, to be thrown away. Pure. */

#include "collector/beacon.h"

/* Half an hour: a report says what was added since the one before, and a visit ends by then. */
#define BEACON_ENGAGED_MS_MAX (VISIT_IDLE_S * 1000)

/* `len` bytes of the scratch; NULL when it is full. */
char *beacon_take(struct beacon_scratch *scratch, size_t len);
/* Copies in the scratch. False when it is full. */
MUST_CHECK bool beacon_copy(struct beacon_scratch *scratch, struct str s, struct str *ret_copy);
MUST_CHECK bool beacon_copy_lower(struct beacon_scratch *scratch, struct str s,
                                  struct str *ret_copy);

/* A beacon that says nothing yet. */
struct beacon beacon_nothing(void);

/* Host, path and tags of an absolute http(s) URL. */
MUST_CHECK enum beacon_status beacon_read_url(struct str url, struct beacon_scratch *scratch,
                                              struct beacon *beacon);
bool beacon_looks_like_url(struct str text);
/* Path and tags of a page without its host, which is the caller's to know. */
MUST_CHECK enum beacon_status beacon_read_target(struct str target, struct beacon_scratch *scratch,
                                                 struct beacon *beacon);
/* The tags of a query that has no '?'. GoatCounter also reads the short names. */
enum beacon_tags { BEACON_TAGS_USUAL, BEACON_TAGS_SHORT };
MUST_CHECK enum beacon_status beacon_read_query(struct str query, enum beacon_tags tags,
                                                struct beacon_scratch *scratch,
                                                struct beacon *beacon);
/* Adds the fragment of `url` to the path, for pages whose routes stand there. */
MUST_CHECK enum beacon_status beacon_add_route(struct str url, struct beacon_scratch *scratch,
                                               struct beacon *beacon);

/* Whatever could be a site's name; whether it is one, the site list knows. */
bool beacon_is_site(struct str site);
/* A referrer that is no http(s) URL is none: apps and browsers put all kinds of things there. */
MUST_CHECK enum beacon_status
beacon_read_referrer(struct str referrer, struct beacon_scratch *scratch, struct beacon *beacon);

/* An event's name as it is kept. */
struct str beacon_name_without_email(struct str name);
/* A decimal number; a fraction, which browsers' clocks have, is dropped. Empty and absent leave
 * *value alone; more than `max` is `max`. */
MUST_CHECK bool beacon_read_number(struct str text, uint32_t max, uint32_t *value);
