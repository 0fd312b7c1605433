/* Each sentence is about one setting or limit and takes its numbers from there, so that what is
 * published stays true when a setting changes. For `footfall site show`; docs/privacy.md has an
 * example, which a test compares. */

#include "cli/site_policy.h"

enum { SECONDS_OF_MINUTE = 60 };

struct site_policy site_policy_of(const struct site *site, bool honours_dnt, struct str refuse_url)
{
    return (struct site_policy){
        .domain = site->domain,
        .timezone = site->timezone,
        .is_strict = site->preset == SITE_STRICT,
        .honours_dnt = honours_dnt,
        .thresholds = thresholds_of_preset(site->preset),
        .keep_days = site->keep_days,
        .keep_months = site->keep_months,
        .refuse_url = refuse_url,
    };
}

static void write_what(const struct site_policy *policy, struct buf *out)
{
    buf_printf(out,
               "Visits to %.*s are counted with Footfall, which keeps sums: how often a page was "
               "viewed on a day, and how many visits came from a country. It keeps no record of a "
               "visit or a visitor.\n",
               STR_ARG(policy->domain));
    buf_printf(out,
               "Of your browser its name, its system, the kind of device and the first of its "
               "languages are counted, and the web site that you came from. Days and hours are "
               "those of the time zone %.*s.\n",
               STR_ARG(policy->timezone));
    buf_printf(out, "Nothing is stored on your device, unless you refuse to be counted: then a "
                    "cookie says just that.\n");
}

static void write_address(const struct site_policy *policy, struct buf *out)
{
    if (policy->is_strict)
        buf_printf(out, "Your IP address is shortened before anything is done with it (24 bits of "
                        "IPv4 or 48 bits of IPv6 are left) and is kept nowhere; a country and a "
                        "region are taken from what is left.\n"
                        "Your way from page to page is not followed. With a random key, which is "
                        "destroyed when the day is over, the number of the day's visitors is "
                        "estimated.\n"
                        "Campaign tags in links are not kept.\n");
    else
        buf_printf(out,
                   "Your IP address gives a country and a region and is kept nowhere.\n"
                   "To tell that two page views belong to one visit, the address and what your "
                   "browser calls itself are turned into a number with a random key; the number "
                   "stays in memory until %d minutes after your last page view, and the key until "
                   "the day is over. With the same key the number of visitors is estimated.\n"
                   "Campaign tags in links (utm_source and the like) are counted.\n",
                   VISIT_IDLE_S / SECONDS_OF_MINUTE);
}

static void write_crosses(const struct site_policy *policy, struct buf *out)
{
    if (policy->is_strict || (policy->thresholds.applied & DAY_UNCROSSED))
        buf_printf(out, "No two of these attributes are counted together.\n");
    else
        buf_printf(out, "Two attributes may be counted together, such as a page and a country; "
                        "three never are.\n");
}

static void write_thresholds(const struct site_policy *policy, struct buf *out)
{
    uint32_t k = policy->thresholds.k, applied = policy->thresholds.applied;
    if (k == 0)
        return;
    if (applied & DAY_COUNTRIES_FOLDED)
        buf_printf(out,
                   "When a day is over, countries and regions of fewer than %u people are counted "
                   "with others.\n",
                   k);
    else if (applied & DAY_REGIONS_FOLDED)
        buf_printf(out,
                   "When a day is over, regions of fewer than %u people are counted with others of "
                   "their country.\n",
                   k);
    if (applied & DAY_CELLS_HIDDEN)
        buf_printf(out,
                   "When a day is over, pairs of attributes that fewer than %u visits have in "
                   "common are removed.\n",
                   k);
    if (applied & DAY_ROUNDED)
        buf_printf(out, "When a day is over, all numbers are rounded to the nearest ten.\n");
}

static void write_retention(const struct site_policy *policy, struct buf *out)
{
    buf_printf(out, "The numbers of a day are kept for %d months", policy->keep_days);
    if (policy->keep_months > policy->keep_days)
        buf_printf(out, ", those of a whole month for %d months", policy->keep_months);
    buf_printf(out, ".\n");
}

static void write_refusal(const struct site_policy *policy, struct buf *out)
{
    buf_printf(out,
               "You can refuse to be counted at %.*s, or by Global Privacy Control%s in your "
               "browser; whoever refuses changes no number, and the refusal is not counted "
               "either.\n",
               STR_ARG(policy->refuse_url), policy->honours_dnt ? " or Do Not Track" : "");
}

void site_policy_write(const struct site_policy *policy, struct buf *out)
{
    write_what(policy, out);
    write_address(policy, out);
    write_crosses(policy, out);
    write_thresholds(policy, out);
    write_retention(policy, out);
    write_refusal(policy, out);
}
