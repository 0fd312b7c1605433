#pragma once

/* The bytes of a log file, unpacked: plain, gzip or zstd, told by the content whatever the name. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

struct log_input; /* one thread's */

/* `path` "-": standard input. NULL with a sentence. */
MUST_CHECK struct log_input *log_input_open(const char *path, char *error, size_t error_bytes);
/* Wipes what it has read. NULL is allowed. */
void log_input_close(struct log_input *input);
/* Fills `out`, but for the last bytes of the log; *ret_len 0 is the end. False with a sentence: it
 * cannot be read, is damaged, or ends in the middle. */
MUST_CHECK bool log_input_read(struct log_input *input, char *out, size_t bytes, size_t *ret_len,
                               char *error, size_t error_bytes);
/* How far it is, in bytes of the file, and how long that is; 0 when nobody knows. */
uint64_t log_input_position(const struct log_input *input);
uint64_t log_input_size(const struct log_input *input);
