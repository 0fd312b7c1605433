#pragma once

/* The canary search below a data folder: every regular file, links not followed. */

#include "cli/audit_search.h"

/* A file that cannot be read is a breach: nobody knows what is in it. */
void audit_files(struct audit_report *report, struct audit_search *search, const char *data);
