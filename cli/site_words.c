/* The sentences say what the code does: numbers come from where the code takes them, and a change
 * of a preset is a change here. */

#include "cli/site_words.h"

#include <inttypes.h>

#include "aggregator/threshold.h"

static void print_counting(const struct site *site, FILE *out)
{
    bool is_strict = site->preset == SITE_STRICT;
    fprintf(
        out,
        "%.*s is counted without cookies and without anything that is stored on a visitor's\n"
        "device. Days and hours are those of %.*s. A visitor's address is %sturned\n"
        "into a country and a region in memory, and no part of it is kept; of the browser, its\n"
        "name, system and kind of device are kept.\n",
        STR_ARG(site->domain), STR_ARG(site->timezone),
        is_strict ? "shortened to its network (/24, /48), " : "");
    if (is_strict)
        fputs("Visits are not followed from page to page, and campaign tags are not kept.\n", out);
    else
        fputs("The pages of one visit are told to be one visit by a key that exists in memory\n"
              "only and is destroyed when the day is over.\n",
              out);
}

static void print_thresholds(const struct site *site, FILE *out)
{
    struct thresholds thresholds = thresholds_of_preset(site->preset);
    fprintf(out,
            "\nWhen a day is over, its numbers are sealed and what could tell visitors apart is\n"
            "destroyed. Regions of fewer than %" PRIu32 " people are counted with their country",
            thresholds.k);
    if ((thresholds.applied & DAY_COUNTRIES_FOLDED) != 0)
        fputs(",\nand countries of fewer under \"(other)\"", out);
    fputs(".\n", out);
    if ((thresholds.applied & DAY_UNCROSSED) != 0)
        fputs("No two properties of a view are counted together.\n", out);
    else
        fprintf(out,
                "Two properties of a view, such as page and country, are shown together only\n"
                "where %" PRIu32 " visits or more have both.\n",
                thresholds.k);
    if ((thresholds.applied & DAY_ROUNDED) != 0)
        fputs("Every number is rounded to the nearest ten.\n", out);
}

static void print_retention(const struct site *site, FILE *out)
{
    fprintf(out, "\nNumbers by day are kept for %d months", site->keep_days);
    if (site->keep_months > site->keep_days)
        fprintf(out,
                ", and are then added up into one record a\nmonth, which is kept until it is %d "
                "months old.\n",
                site->keep_months);
    else
        fputs(" and are then deleted.\n", out);
}

void site_words_print(const struct site *site, FILE *out)
{
    print_counting(site, out);
    print_thresholds(site, out);
    print_retention(site, out);
}
