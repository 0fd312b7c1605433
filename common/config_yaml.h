#pragma once

/* A configuration's way from YAML: sections of keys, two deep. */

#include "common/config_keys.h"

/* Sets what the text has; `name` is the file's, for sentences. False with the sentence. */
MUST_CHECK bool config_yaml_apply(struct str yaml, const char *name, struct config *config,
                                  const struct config_failure *failure);
