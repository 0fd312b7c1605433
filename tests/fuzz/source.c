/* Sources: referrer, utm_source, utm_medium, utm_campaign and ref, separated by newlines. There is
 * always a source and a channel that is known. */

#include "tests/fuzz/fuzz.h"

#include "collector/source.h"
#include "common/macros.h"

#include <assert.h>

static const char *const channels[] = {
    "Direct",        "Organic Search",
    "Paid Search",   "Organic Social",
    "Paid Social",   "Organic Video",
    "Paid Video",    "Organic Shopping",
    "Paid Shopping", "AI",
    "Email",         "Referral",
    "Display",       "Affiliates",
    "SMS",           "Audio",
    "Cross-network", "Mobile Push Notifications",
    "Paid Other",
};

static bool is_channel(struct str channel)
{
    for (size_t i = 0; i < ARRAY_LEN(channels); i++)
        if (str_eq(channel, str_from(channels[i])))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str fields[5], rest = {(const char *)data, len};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        fields[i] = fuzz_take_line(&rest);
    struct beacon beacon = {
        .referrer_host = fields[0],
        .utm = {[UTM_SOURCE] = fields[1], [UTM_MEDIUM] = fields[2], [UTM_CAMPAIGN] = fields[3]},
        .ref = fields[4],
        .click_id_google = len % 3 == 1,
        .click_id_microsoft = len % 3 == 2,
    };
    struct source source;
    source_classify(&beacon, false, &source);
    assert(source.source.len > 0 && is_channel(source.channel));
    assert(str_eq(source.referrer, fields[0]));
    return 0;
}
