/* `footfall audit`: what is at rest, for whoever wants to check it. Reads only. The inventory, the
 * canary search and the invariants are in files of their own; this one is the command. */

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/audit_files.h"
#include "cli/audit_keys.h"
#include "cli/audit_log.h"
#include "cli/audit_search.h"
#include "cli/canary.h"
#include "cli/command.h"
#include "cli/store.h"

static const char HELP[] =
    "usage: footfall audit [--canary STRING]... [--canary-file FILE] [--json]\n"
    "                      [--data DIR] [--config FILE]\n\n"
    "Tells what is at rest: each kind of key with its count, bytes and expiry; keys that may not\n"
    "exist; whether each day's tables add up, and whether batches and records can be read. "
    "Changes\n"
    "nothing. Exit code 1 when something is not as docs/design.md says.\n\n"
    "  --canary STRING       look for it in every value of Redis and every file below the data\n"
    "                        folder: as text, hexadecimal, base64, hashed without a key, and an\n"
    "                        address in all its spellings; 6 to 1,024 bytes, up to 1,000 of them\n"
    "  --canary-file FILE    the same, one a line, so that none is in the shell's history; - "
    "reads\n"
    "                        standard input\n"
    "  --json                for machines\n"
    "  --data DIR            the data folder of `footfall serve` (./data)\n"
    "  --config FILE         configuration, for a Redis of your own\n";

struct audit_arguments {
    struct command_place place;
    struct audit_search *search;
    bool is_json;
};

/* --- Canaries --------------------------------------------------------------------------------- */

static bool refuse_canary(void)
{
    fprintf(stderr, "footfall: a canary has %d to %d bytes, and there are at most %d of them.\n",
            CANARY_BYTES_MIN, CANARY_BYTES_MAX, AUDIT_CANARIES_MAX);
    return false;
}

/* One a line, empty lines left out. */
static bool read_canaries(struct audit_search *search, const char *path)
{
    enum { LINE_BYTES = CANARY_BYTES_MAX + 3 };
    char line[LINE_BYTES];
    bool is_input = strcmp(path, "-") == 0, good = true;
    FILE *file = is_input ? stdin : fopen(path, "re");
    if (file == NULL) {
        fputs("footfall: the file of canaries cannot be read.\n", stderr);
        return false;
    }
    while (good && fgets(line, sizeof(line), file) != NULL) {
        struct str canary = str_from(line);
        while (canary.len > 0 && strchr("\r\n", canary.ptr[canary.len - 1]) != NULL)
            canary.len--;
        good = canary.len == 0 || audit_search_add(search, canary) || refuse_canary();
    }
    if (!is_input)
        (void)fclose(file);
    return good;
}

/* --- The command ------------------------------------------------------------------------------ */

static void audit_data_folder(struct audit_report *report, struct audit_search *search,
                              const char *data)
{
    char redis[STORE_PATH_BYTES];
    struct stat about;
    store_path(redis, data, "redis");
    audit_files(report, search, data);
    if (stat(redis, &about) != 0)
        audit_good(report, "Redis is not below %s: its own files are not searched.", data);
}

static int audit(const struct audit_arguments *args, const struct config *config,
                 struct redis *redis)
{
    struct audit_report report;
    audit_report_init(&report, args->is_json);
    bool searches = !audit_search_is_idle(args->search);
    bool good = audit_keys(&report, args->search, redis) && audit_log(&report, redis);
    if (good && searches) {
        audit_data_folder(&report, args->search, config->data);
        audit_search_tell(args->search, &report);
    }
    if (!good)
        fprintf(stderr, "footfall: the audit was not finished, Redis went away: %s.\n",
                redis_error(redis));
    good = good && audit_report_print(&report);
    audit_report_done(&report);
    return good ? EXIT_GOOD : EXIT_BAD;
}

/* True to go on; else *ret_code is the exit code. */
static bool arguments_read(int argc, char **argv, struct audit_arguments *args, int *ret_code)
{
    static const struct option OPTIONS[] = {
        {"data", required_argument, NULL, 'd'},
        {"config", required_argument, NULL, 'c'},
        {"canary", required_argument, NULL, 'y'},
        {"canary-file", required_argument, NULL, 'f'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    *ret_code = EXIT_MISUSE;
    for (int option; (option = getopt_long(argc, argv, "h", OPTIONS, NULL)) != -1;) {
        if (option == 'd')
            args->place.data = optarg;
        else if (option == 'c')
            args->place.config_path = optarg;
        else if (option == 'j')
            args->is_json = true;
        else if (option == 'y') {
            if (!audit_search_add(args->search, str_from(optarg)))
                return refuse_canary();
        } else if (option == 'f') {
            if (!read_canaries(args->search, optarg))
                return false;
        } else {
            *ret_code = option == 'h' ? EXIT_GOOD : EXIT_MISUSE;
            return fputs(HELP, option == 'h' ? stdout : stderr), false;
        }
    }
    return optind == argc || (fputs(HELP, stderr), false);
}

int command_audit(int argc, char **argv)
{
    struct audit_arguments args = {.search = audit_search_new()};
    struct config config;
    int code;
    if (!arguments_read(argc, argv, &args, &code)) {
        audit_search_free(args.search);
        return code;
    }
    code = EXIT_BAD;
    if (command_config(&args.place, &config)) {
        struct redis *redis = command_redis(&config);
        if (redis != NULL)
            code = audit(&args, &config, redis);
        redis_free(redis);
        config_done(&config);
    }
    audit_search_free(args.search);
    return code;
}
