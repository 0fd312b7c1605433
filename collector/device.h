#pragma once

/* What kind of device a User-Agent is on. Pure. */

#include <stdint.h>

#include "common/str.h"

enum device { DEVICE_OTHER, DEVICE_DESKTOP, DEVICE_MOBILE, DEVICE_TABLET, DEVICE__COUNT };

/* `os` is the system's name as agent.h gives it. */
enum device device_classify(struct str os, struct str user_agent);
/* "Desktop", "Mobile", "Tablet" or "(other)"; static. */
struct str device_name(enum device device);
