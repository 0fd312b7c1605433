/* The one place that says which fact belongs to which of a visit's tables. Called for each view,
 * whichever way it came. */

#include "collector/attributes.h"

#include <assert.h>

#include "collector/locale.h"

static struct str or_unknown(struct str value)
{
    return value.len > 0 ? value : STR_LIT("(unknown)");
}

void attributes_describe(const struct attributes_facts *facts,
                         struct visit_attributes *ret_attributes)
{
    const struct beacon *beacon = facts->beacon;
    const struct agent *agent = facts->agent;
    struct str *values = ret_attributes->values;
    memset(ret_attributes, 0, sizeof(*ret_attributes));
    values[TABLE_ENTRY_PAGE] = beacon->path;
    values[TABLE_SOURCE] = facts->source->source;
    values[TABLE_REFERRER] =
        facts->source->referrer.len > 0 ? facts->source->referrer : STR_LIT(SOURCE_DIRECT);
    values[TABLE_CHANNEL] = facts->source->channel;
    if (facts->preset != SITE_STRICT)
        for (int i = 0; i < UTM__COUNT; i++)
            values[TABLE_UTM_SOURCE + i] = beacon->utm[i];
    values[TABLE_COUNTRY] = or_unknown(str_from(facts->region->country));
    values[TABLE_REGION] = or_unknown(str_from(facts->region->region));
    values[TABLE_BROWSER] = agent->browser;
    values[TABLE_BROWSER_VERSION] = agent->browser_version;
    values[TABLE_OS] = agent->os;
    values[TABLE_OS_VERSION] = agent->os_version;
    values[TABLE_DEVICE] = agent->device;
    values[TABLE_LANGUAGE] = or_unknown(facts->language);
    values[TABLE_SCREEN] = or_unknown(locale_screen(beacon->viewport_px));
}
static_assert(TABLE_UTM_TERM - TABLE_UTM_SOURCE == UTM__COUNT - 1 && UTM_SOURCE == 0,
              "the campaign tables stand in the order of the tags");
