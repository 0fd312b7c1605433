#pragma once

/* The entry that libFuzzer and replay.c call: one input, any bytes. Returns 0; a broken promise
 * aborts. */

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
