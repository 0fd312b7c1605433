#pragma once

/* Where a visit comes from: a named source and its channel, from campaign tags and the referrer's
 * host. Pure; the results are static text or slices of the input. */

#include "collector/beacon.h"
#include "common/str.h"

/* Channels, as Plausible and GA4 name them: "Direct", "Organic Search", "Paid Search",
 * "Organic Social", "Paid Social", "Organic Video", "Paid Video", "Organic Shopping",
 * "Paid Shopping", "AI", "Email", "Referral", "Display", "Affiliates", "SMS", "Audio",
 * "Mobile Push Notifications", "Cross-network", "Paid Other". */
struct source {
    struct str source;   /* "Google", "news.example.com", or "Direct / None" */
    struct str referrer; /* host, or empty: none, or the site's own */
    struct str channel;
};

#define SOURCE_DIRECT "Direct / None"

/* `own_referrer`: the referrer's host belongs to the site itself, which counts as none. */
void source_classify(const struct beacon *beacon, bool own_referrer, struct source *ret_source);
