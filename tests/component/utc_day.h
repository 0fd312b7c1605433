#pragma once

/* The day that a test stores counts of. */

#include <stdint.h>

/* Today's date in UTC. Where little is left of the day it waits for the next one, so that no test
 * runs into midnight. */
uint32_t utc_day_today(void);
