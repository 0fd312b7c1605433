/* Keys: what the model spells it recognises, whatever the value; any other bytes are of no pattern
 * but one of the inventory.
 *
 * An input is a table's byte, a site on a line, a date's four bytes, and a value or a whole key. */

#include "tests/fuzz/fuzz.h"

#include "aggregator/model.h"

#include <assert.h>

static void check_spelled(struct str site, uint32_t date, enum table table, struct str value)
{
    struct buf key;
    buf_init(&key, 1024);
    model_key_live(&key, site, date, table);
    const char *pattern = model_key_pattern(buf_str(&key));
    assert(pattern != NULL && strstr(pattern, table == TABLE_DROPS ? ":drops:" : ":live:") != NULL);
    buf_reset(&key);
    model_key_seen(&key, site, date, table, value);
    pattern = model_key_pattern(buf_str(&key));
    assert(pattern != NULL && strstr(pattern, ":seen:") != NULL);
    struct buf prefix;
    buf_init(&prefix, 512);
    model_key_site_prefix(&prefix, site);
    assert(str_starts_with(buf_str(&key), buf_str(&prefix)));
    buf_done(&prefix);
    buf_done(&key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str rest = {(const char *)data, len};
    const char *pattern = model_key_pattern(rest);
    assert(pattern == NULL || (str_starts_with(rest, STR_LIT("ff:")) && pattern[0] == 'f'));
    enum table table = (enum table)(fuzz_take_byte(&rest) % TABLE__COUNT);
    struct str site = fuzz_take_line(&rest);
    uint32_t date = (uint32_t)fuzz_take_number(&rest, 4);
    enum table found;
    if (model_table_from_name(rest, &found))
        assert(str_eq(rest, str_from(model_table_name(found))));
    if (model_site_valid(site) && model_date_valid(date))
        check_spelled(site, date, table, str_prefix(rest, VALUE_BYTES_MAX));
    return 0;
}
