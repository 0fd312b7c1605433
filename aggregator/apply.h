#pragma once

/* From what is pending in the ledger to the arguments of one FCALL of `apply` (functions.lua, whose
 * head gives their order). Pure. */

#include <stdint.h>

#include "aggregator/ledger.h"

/* Keys of a date leave Redis by these moments at the latest. An imported log brings days that are
 * long over: they stay for as long as others, from when they came. */
int64_t apply_live_expiry_ms(uint32_t date, int64_t now_ms);
/* A late batch may bring sketches of a day that is long over: they stay for an hour after it. */
int64_t apply_seen_expiry_ms(uint32_t date, int64_t now_ms);

/* One part of the call: slices of the call's bytes, by offset while those grow. */
struct apply_list {
    struct apply_arg {
        size_t at, len;
    } * items;
    size_t count, capacity;
};

/* The call being built. Memory is kept from one to the next. */
struct apply_call {
    struct buf bytes;
    struct apply_list live_keys, seen_keys, live_args, seen_args, days;
    struct str *argv; /* what to send: FCALL apply … */
    size_t argc, argv_capacity;
};

void apply_call_init(struct apply_call *call);
void apply_call_done(struct apply_call *call);

/* Everything pending in the ledger, moving the shard's cursor from entry `from` to entry `to`.
 * Fills call->argv, whose slices live until the next build. Sorts fresh registers in place. */
void apply_call_build(struct apply_call *call, uint32_t shard, struct ledger *ledger,
                      struct str from, struct str to, int64_t now_ms);
/* For an error of the built call that names a key or an argument by number: the live hash that it
 * belongs to, whose key holds no value. Empty when it belongs to none. */
struct str apply_call_culprit(const struct apply_call *call, struct str error);
