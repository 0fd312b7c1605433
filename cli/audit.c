/* `footfall audit`: what is at rest, for whoever wants to check it. Reads only. The inventory, the
 * canary search and the invariants are in files of their own; this one is the command. */

#include <fcntl.h>
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
#include "cli/command_options.h"
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
    bool is_refused; /* a canary or a file of them was, in words */
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

static int audit(struct redis *redis, struct config *config, void *data)
{
    const struct audit_arguments *args = data;
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

static bool take_option(int option, void *data)
{
    struct audit_arguments *args = data;
    if (option == 'j')
        args->is_json = true;
    else if (option == 'f')
        args->is_refused |= !read_canaries(args->search, optarg);
    else if (!audit_search_add(args->search, str_from(optarg)))
        args->is_refused = !refuse_canary();
    return true;
}

static int run(int argc, char **argv, struct audit_arguments *args)
{
    static const struct option OPTIONS[] = {{"canary", required_argument, NULL, 'y'},
                                            {"canary-file", required_argument, NULL, 'f'},
                                            {"json", no_argument, NULL, 'j'},
                                            COMMAND_SHARED_OPTIONS};
    const struct command_syntax syntax = {HELP, OPTIONS, take_option, &args->place};
    int code;
    if (!command_options(argc, argv, &syntax, args, &code))
        return code;
    if (args->is_refused)
        return EXIT_MISUSE;
    if (optind < argc)
        return command_misused(&syntax);
    return command_with_redis(&args->place, audit, args);
}

int command_audit(int argc, char **argv)
{
    struct audit_arguments args = {.search = audit_search_new()};
    int code = run(argc, argv, &args);
    audit_search_free(args.search);
    return code;
}
