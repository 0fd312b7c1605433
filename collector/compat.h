#pragma once

/* The beacons of other tools' clients, each as the one struct that the native beacon becomes.
 *
 * Plausible's and Umami's are JSON, GoatCounter's is a query string. Whatever they say of an
 * address, a User-Agent, a time or a visitor's identity is not read. Pure; fuzzed. Allocates for
 * JSON only. docs/compatible.md says what of each is understood. */

#include "collector/beacon.h"

enum compat_api { COMPAT_PLAUSIBLE, COMPAT_UMAMI, COMPAT_GOATCOUNTER, COMPAT_API__COUNT };

struct compat_beacon {
    struct beacon beacon; /* its site is the first of `sites`; its path may be COMPAT_NO_PAGE */
    /* Lower case. None: the request's headers tell (GoatCounter), and the beacon has no host. */
    struct str sites[COMPAT_SITES_MAX];
    size_t site_count;
    bool is_silent; /* understood, and nothing that is counted; the beacon is empty */
};

/* The page of an event whose client tells none. */
#define COMPAT_NO_PAGE "(unknown)"

/* `body` is JSON, whatever its content type. Slices point into the scratch. */
MUST_CHECK enum beacon_status compat_parse_plausible(struct str body,
                                                     struct beacon_scratch *scratch,
                                                     struct compat_beacon *ret_beacon);
MUST_CHECK enum beacon_status compat_parse_umami(struct str body, struct beacon_scratch *scratch,
                                                 struct compat_beacon *ret_beacon);
MUST_CHECK enum beacon_status compat_parse_goatcounter(struct str query,
                                                       struct beacon_scratch *scratch,
                                                       struct compat_beacon *ret_beacon);
