/* `footfall quarantine`: what the aggregator could not count and has put aside, and the ways out of
 * there. One entry at a time, so that a large quarantine needs no memory. */

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "aggregator/batch.h"
#include "aggregator/quarantine.h"
#include "cli/command_options.h"

enum { SHARD = 0 };

static const char HELP[] =
    "usage: footfall quarantine [--retry | --discard] [--data DIR] [--config FILE]\n\n"
    "Batches of the log that could not be counted: when each came, why it could not be counted, "
    "and\nwhat is in it. They wait for thirty days.\n\n"
    "  --retry         put each back into the log, once, to be counted now that what was in the "
    "way\n"
    "                  is mended; what still cannot be counted comes back here\n"
    "  --discard       delete them: what is in them is never counted\n"
    "  --data DIR      the data folder of `footfall serve` (./data)\n"
    "  --config FILE   configuration, for a Redis of your own\n";

enum wish { WISH_LIST, WISH_RETRY, WISH_DISCARD };

struct quarantine_arguments {
    struct command_place place;
    enum wish wish;
};

struct tally {
    uint64_t seen, back, gone, stay;
};

static int complain(const struct trouble *trouble)
{
    fprintf(stderr, "footfall: %s: %s.\n", trouble->doing,
            trouble->kind == TROUBLE_FULL ? "the log is full; try again when it is shorter"
                                          : trouble->said);
    return EXIT_BAD;
}

/* --- Listing ---------------------------------------------------------------------------------- */

/* Of an id: when it was given. */
static void print_time(struct str id)
{
    uint64_t ms = 0, seq;
    char text[32] = "(unknown)";
    struct tm utc;
    if (log_entry_id_parse(id, &ms, &seq)) {
        time_t seconds = (time_t)(ms / 1000);
        if (gmtime_r(&seconds, &utc) != NULL)
            (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    fputs(text, stdout);
}

static void print_section(const struct section *section)
{
    printf("    %" PRIu32 " views and events of %.*s on %04" PRIu32 "-%02" PRIu32 "-%02" PRIu32
           "\n",
           section->views, STR_ARG(section->site), section->date / 10000, section->date / 100 % 100,
           section->date % 100);
}

static void print_contents(struct str payload)
{
    struct day_set set;
    day_set_init(&set, APPLY_CELLS_MAX);
    if (batch_fold(payload, &set) == BATCH_OK)
        for (size_t i = 0; i < set.count; i++)
            print_section(set.sections[i]);
    day_set_done(&set);
}

static void print_entry(const struct quarantine_entry *entry)
{
    printf("%.*s, which came ", STR_ARG(entry->entry));
    print_time(entry->entry);
    printf(", is here since ");
    print_time(entry->id);
    printf(": %.*s\n", STR_ARG(entry->why));
    if (entry->is_batch)
        print_contents(entry->payload);
    else
        printf("    no collector wrote it: it can only be discarded\n");
}

/* --- The ways out ----------------------------------------------------------------------------- */

/* False with the trouble. */
static bool treat(struct redis *redis, enum wish wish, const struct quarantine_entry *entry,
                  struct tally *tally, struct trouble *ret_trouble)
{
    tally->seen++;
    if (wish == WISH_LIST) {
        print_entry(entry);
        return true;
    }
    if (wish == WISH_DISCARD) {
        bool good = quarantine_discard(redis, SHARD, entry->id, ret_trouble);
        tally->gone += good;
        return good;
    }
    switch (quarantine_retry(redis, SHARD, entry->id, ret_trouble)) {
    case QUARANTINE_RETRIED:
        tally->back++;
        return true;
    case QUARANTINE_NO_BATCH:
        tally->stay++;
        return true;
    case QUARANTINE_GONE:
        return true;
    case QUARANTINE_REFUSED:
        return false;
    }
    return false;
}

/* Those that are there at first: what comes back meanwhile is left for the next time. */
static bool treat_all(struct redis *redis, enum wish wish, struct tally *tally,
                      struct trouble *ret_trouble)
{
    struct log_entry_id after;
    uint64_t count;
    if (!log_entry_id_set(&after, STR_LIT("0-0")) ||
        !quarantine_count(redis, SHARD, &count, ret_trouble))
        return false;
    for (bool good = true; count > 0; count--) {
        struct quarantine_entry entry;
        bool has_entry;
        struct redis_reply *reply = quarantine_next(redis, SHARD, log_entry_id_str(&after),
                                                    &has_entry, &entry, ret_trouble);
        if (reply == NULL)
            return false;
        good = !has_entry || (log_entry_id_set(&after, entry.id) &&
                              treat(redis, wish, &entry, tally, ret_trouble));
        redis_reply_free(reply);
        if (!good || !has_entry)
            return good;
    }
    return true;
}

static int tell(enum wish wish, const struct tally *tally)
{
    if (tally->seen == 0)
        puts("Nothing is in quarantine.");
    else if (wish == WISH_LIST)
        printf("\nIn quarantine, not counted: %" PRIu64 ". When what is in the way is mended, "
               "--retry counts them.\n",
               tally->seen);
    if (tally->back > 0)
        printf("Back in the log: %" PRIu64 ". What still cannot be counted comes back here.\n",
               tally->back);
    if (tally->gone > 0)
        printf("Discarded: %" PRIu64 ".\n", tally->gone);
    if (tally->stay > 0)
        printf("Still here, since no collector wrote them: %" PRIu64 ". --discard removes them.\n",
               tally->stay);
    return tally->stay > 0 ? EXIT_BAD : EXIT_GOOD;
}

static int run(struct redis *redis, struct config *config, void *data)
{
    const struct quarantine_arguments *args = data;
    (void)config;
    struct trouble trouble = {0};
    struct tally tally = {0};
    bool good = treat_all(redis, args->wish, &tally, &trouble);
    int code = EXIT_BAD;
    if (good || tally.back + tally.gone > 0)
        code = tell(args->wish, &tally);
    return good ? code : complain(&trouble);
}

static bool take_option(int option, void *data)
{
    struct quarantine_arguments *args = data;
    bool is_first = args->wish == WISH_LIST;
    args->wish = option == 'r' ? WISH_RETRY : WISH_DISCARD;
    return is_first;
}

int command_quarantine(int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"retry", no_argument, NULL, 'r'},
                                            {"discard", no_argument, NULL, 'x'},
                                            COMMAND_SHARED_OPTIONS};
    struct quarantine_arguments args = {.wish = WISH_LIST};
    const struct command_syntax syntax = {HELP, OPTIONS, take_option, &args.place};
    int code;
    if (!command_options(argc, argv, &syntax, &args, &code))
        return code;
    if (optind < argc)
        return command_misused(&syntax);
    return command_with_redis(&args.place, run, &args);
}
