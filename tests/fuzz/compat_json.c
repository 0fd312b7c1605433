/* Other tools' beacons: any bytes give a status, and a good beacon keeps every promise of compat.h
 * and beacon.h. The first byte picks the tool: 'u' Umami, 'g' GoatCounter, else Plausible. */

#include "tests/fuzz/fuzz.h"

#include "collector/compat.h"
#include "common/utf8.h"

#include <assert.h>

static void check_text(struct str s, size_t bytes_max)
{
    assert(s.ptr != NULL && s.len <= bytes_max && utf8_is_text(s));
}

static void check_beacon(const struct beacon *beacon)
{
    check_text(beacon->host, HOST_BYTES_MAX);
    check_text(beacon->referrer_host, HOST_BYTES_MAX);
    check_text(beacon->path, PATH_BYTES_MAX);
    assert(beacon->path.len > 0);
    assert(beacon->path.ptr[0] == '/' ||
           (beacon->kind == BEACON_EVENT && str_eq(beacon->path, STR_LIT(COMPAT_NO_PAGE))));
    for (size_t i = 0; i < UTM__COUNT; i++)
        check_text(beacon->utm[i], TAG_BYTES_MAX);
    check_text(beacon->ref, TAG_BYTES_MAX);
    check_text(beacon->event, TAG_BYTES_MAX);
    assert((beacon->kind == BEACON_EVENT) == (beacon->event.len > 0));
    assert(!beacon->is_passive || beacon->kind == BEACON_EVENT);
    assert(beacon->prop_count <= EVENT_PROPS_MAX);
    for (size_t i = 0; i < beacon->prop_count; i++) {
        check_text(beacon->props[i].key, TAG_BYTES_MAX);
        check_text(beacon->props[i].value, TAG_BYTES_MAX);
        assert(beacon->props[i].key.len > 0 && beacon->props[i].value.len > 0);
    }
    assert(beacon->engaged_ms <= 30 * 60 * 1000);
    assert(beacon->scroll_percent >= -1 && beacon->scroll_percent <= 100);
}

static void check_sites(const struct compat_beacon *compat, bool names_sites)
{
    assert(compat->site_count <= COMPAT_SITES_MAX);
    assert((compat->site_count > 0) == names_sites);
    assert((compat->beacon.host.len > 0) == names_sites);
    for (size_t i = 0; i < compat->site_count; i++) {
        check_text(compat->sites[i], HOST_BYTES_MAX);
        assert(compat->sites[i].len > 0);
    }
    if (names_sites)
        assert(str_eq(compat->beacon.site, compat->sites[0]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct beacon_scratch scratch;
    struct compat_beacon compat;
    if (len == 0)
        return 0;
    struct str bytes = {(const char *)data + 1, len - 1};
    bool is_goatcounter = data[0] == 'g';
    enum beacon_status status = is_goatcounter ? compat_parse_goatcounter(bytes, &scratch, &compat)
                                : data[0] == 'u' ? compat_parse_umami(bytes, &scratch, &compat)
                                                 : compat_parse_plausible(bytes, &scratch, &compat);
    assert(status < BEACON__COUNT);
    assert(status != BEACON_TOO_LARGE || bytes.len > BEACON_BODY_BYTES_MAX);
    if (status != BEACON_OK || compat.is_silent)
        return 0;
    check_sites(&compat, !is_goatcounter);
    check_beacon(&compat.beacon);
    return 0;
}
