#pragma once

/* What root gives up before anything of ours does its work. */

#include <stdbool.h>
#include <stddef.h>

#include "common/macros.h"

/* Started by root, the process becomes the owner of the folder `data`, for good; when that is root,
 * or there is no such folder, it stays root without any of root's powers. Whoever started it, no
 * capability is left but, with `low_port`, the one to listen on a port below 1024. Before any
 * thread exists. False, with a sentence, when powers are left or the folder cannot be used without
 * them. */
MUST_CHECK bool privileges_drop(const char *data, bool low_port, char *error, size_t error_bytes);
