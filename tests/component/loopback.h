#pragma once

/* Ports and connections on the loopback, for tests. What cannot be had ends the test. */

#include <stdint.h>

/* A free port that the kernel gives to no client, and this function to nobody else before the
 * process ends, nor e2e/harness.mjs to any: a server may leave it and come back while tests beside
 * this one go on. */
uint16_t loopback_free_port(void);

/* A connection to 127.0.0.1. */
int loopback_dial(uint16_t port);
/* The same; its kernel takes so few bytes that nobody reads. */
int loopback_dial_small(uint16_t port, int receive_bytes);
/* The same as the first; -1 when nobody listens there. */
int loopback_try(uint16_t port);
