#pragma once

/* Listening sockets, opened. */

#include <stdint.h>

#include "common/macros.h"
#include "common/str.h"

/* The path of "unix:PATH"; empty for anything else. At most LISTENER_PATH_BYTES_MAX. */
enum { LISTENER_PATH_BYTES_MAX = 107 };
struct str listener_unix_path(struct str listen_at);

/* "127.0.0.1:8080", "[::1]:8080", or "unix:PATH": a socket that only its owner may use; one that
 * was left behind under that path is replaced. The descriptor, not blocking, or -1 with a sentence
 * in `error`. */
int listener_open(const char *listen_at, char *error, size_t error_bytes);
/* The bound port; 0 for a Unix socket. */
uint16_t listener_port(int fd);
/* Closes, and removes the path of a Unix socket. */
void listener_close(int fd, const char *listen_at);
