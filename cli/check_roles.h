#pragma once

/* The part of `footfall check` that asks the roles themselves. */

#include "cli/findings.h"
#include "common/config.h"

/* Each role that has an admin listener here, by the configuration or as `serve` gives it one: is it
 * ready, and what it says is wrong. */
void check_roles(struct findings *findings, const struct config *config);
