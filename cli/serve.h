#pragma once

/* `footfall serve`: all roles and a private Redis below one folder. */

#include "common/config.h"

struct serve_options {
    const struct config *config;
    const char *config_path; /* handed to the roles; NULL: none */
    const char *program;     /* what runs the roles; NULL: this executable */
    uint32_t rewrite_ms;     /* how often the journal is rewritten; 0: before the hour is over */
};

/* Runs until SIGINT or SIGTERM, then ends all in order. The exit code. */
int serve_run(const struct serve_options *options);
