/* Beacons: any bytes give a status, and a good beacon keeps every promise of beacon.h. The first
 * byte picks the body or the pixel. */

#include "tests/fuzz/fuzz.h"

#include "collector/beacon.h"
#include "common/utf8.h"

#include <assert.h>

static void check_text(struct str s, size_t bytes_max)
{
    assert(s.ptr != NULL && s.len <= bytes_max && utf8_is_text(s));
}

static void check_beacon(const struct beacon *beacon)
{
    assert(beacon->site.len > 0 && beacon->host.len > 0);
    check_text(beacon->site, HOST_BYTES_MAX);
    check_text(beacon->host, HOST_BYTES_MAX);
    check_text(beacon->referrer_host, HOST_BYTES_MAX);
    check_text(beacon->path, PATH_BYTES_MAX);
    assert(beacon->path.len > 0 && beacon->path.ptr[0] == '/');
    for (size_t i = 0; i < UTM__COUNT; i++)
        check_text(beacon->utm[i], TAG_BYTES_MAX);
    check_text(beacon->ref, TAG_BYTES_MAX);
    check_text(beacon->event, TAG_BYTES_MAX);
    assert((beacon->kind == BEACON_EVENT) == (beacon->event.len > 0));
    assert(beacon->prop_count <= EVENT_PROPS_MAX);
    for (size_t i = 0; i < beacon->prop_count; i++) {
        assert(beacon->props[i].key.len > 0 && beacon->props[i].value.len > 0);
        check_text(beacon->props[i].key, TAG_BYTES_MAX);
        check_text(beacon->props[i].value, TAG_BYTES_MAX);
    }
    assert(beacon->engaged_ms <= 30 * 60 * 1000);
    assert(beacon->scroll_percent >= -1 && beacon->scroll_percent <= 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct beacon_scratch scratch;
    struct beacon beacon;
    if (len == 0)
        return 0;
    struct str bytes = {(const char *)data + 1, len - 1};
    enum beacon_status status = data[0] == 'p' ? beacon_parse_pixel(bytes, &scratch, &beacon)
                                               : beacon_parse(bytes, &scratch, &beacon);
    assert(status < BEACON__COUNT);
    assert(status != BEACON_TOO_LARGE || bytes.len > BEACON_BODY_BYTES_MAX);
    if (status == BEACON_OK)
        check_beacon(&beacon);
    return 0;
}
