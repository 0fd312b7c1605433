/* From a batch of any content to the call that applies it: every key is one of the inventory, and
 * the counts at the call's head are those of what follows.
 *
 * An input is fields at rest, a line each and then an empty line, and the body of a payload. */

#include "aggregator/apply.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "aggregator/fold.h"
#include "tests/fuzz/fuzz.h"

enum { ARGS_BEFORE_KEYS = 3, KEYS_BEFORE_LIVE = 3, SCRATCH = 2 };

static size_t number_of(struct str text)
{
    char digits[24] = "";
    assert(text.len < sizeof(digits));
    memcpy(digits, text.ptr, text.len);
    return strtoul(digits, NULL, 10);
}

static void check_call(const struct apply_call *call)
{
    size_t keys = number_of(call->argv[2]);
    size_t live = call->live_keys.count, seen = call->seen_keys.count;
    size_t open = call->days.count > 0 ? 1 : 0;
    assert(keys == KEYS_BEFORE_LIVE + live + seen + open && call->argc > ARGS_BEFORE_KEYS + keys);
    /* The scratch key lives within the call: no pattern may know it. */
    for (size_t i = 0; i < keys; i++)
        assert((model_key_pattern(call->argv[ARGS_BEFORE_KEYS + i]) == NULL) == (i == SCRATCH));
    for (size_t number = 0; number <= keys + 1; number++) {
        char error[32];
        snprintf(error, sizeof(error), "BADTYPE %zu", number);
        (void)apply_call_culprit(call, str_from(error));
    }
}

static void load(struct ledger_day *day, struct str fields)
{
    for (int t = 0; t < TABLE__COUNT; t++) {
        struct str rest = fields;
        while (rest.len > 0)
            ledger_load_field(day, (enum table)t, fuzz_take_line(&rest));
        day->tables[t].is_loaded = true;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str rest = {(const char *)data, len}, fields = rest, line;
    struct day_set set;
    struct ledger ledger;
    struct apply_call call;
    struct buf payload;
    do
        line = fuzz_take_line(&rest);
    while (line.len > 0);
    fields.len = (size_t)(line.ptr - fields.ptr);
    buf_init(&payload, len + 16);
    buf_append_str(&payload, STR_LIT("FB\x01"));
    buf_append_str(&payload, rest);
    batch_end(&payload);
    day_set_init(&set, APPLY_CELLS_MAX);
    ledger_init(&ledger);
    if (batch_fold(buf_str(&payload), &set) != BATCH_OK)
        assert(set.count == 0);
    for (size_t i = 0; i < set.count; i++) {
        struct ledger_day *day = ledger_day(&ledger, set.sections[i]->site, set.sections[i]->date);
        load(day, fields);
        assert(fold_missing_tables(set.sections[i], day) == 0);
        fold_section(set.sections[i], 7, 9, day);
    }
    apply_call_init(&call);
    apply_call_build(&call, 0, &ledger, STR_LIT("1-0"), STR_LIT("2-0"), 1795437000000);
    check_call(&call);
    ledger_applied(&ledger);
    apply_call_done(&call);
    ledger_forget(&ledger);
    day_set_done(&set);
    buf_done(&payload);
    return 0;
}
