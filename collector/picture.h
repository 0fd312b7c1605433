#pragma once

/* What is answered where a page asks for a picture. */

#include "common/str.h"

/* The smallest transparent GIF. */
extern const struct str PICTURE;
