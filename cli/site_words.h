#pragma once

/* What a site's settings mean for its visitors, in sentences that an operator can publish. */

#include <stdio.h>

#include "aggregator/site.h"

void site_words_print(const struct site *site, FILE *out);
