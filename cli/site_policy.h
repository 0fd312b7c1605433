#pragma once

/* What becomes of a visitor's data at a site, in sentences that its operator can publish. Pure. */

#include "aggregator/site.h"
#include "aggregator/threshold.h"
#include "common/buf.h"

struct site_policy {
    struct str domain, timezone;
    bool is_strict;               /* no visits, no campaigns, shortened addresses */
    bool honours_dnt;             /* Do Not Track is a refusal */
    struct thresholds thresholds; /* applied when a day closes */
    /* How many months old the numbers of single days and those of whole months become. */
    int keep_days, keep_months;
    struct str refuse_url; /* where a visitor can refuse */
};

/* The policy of a site as this version treats it. Site and `refuse_url` must
 * outlive it. */
struct site_policy site_policy_of(const struct site *site, bool honours_dnt, struct str refuse_url);

/* Appends one sentence a line; the lines are those of docs/privacy.md. */
void site_policy_write(const struct site_policy *policy, struct buf *out);
