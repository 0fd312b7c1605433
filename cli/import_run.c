/* The loop around an import:
 *
 *   step ─▶ batch ─▶ put ─▶ step … ─▶ end ─▶ flush
 *     └─ stop ─▶ cut ─▶ batch ─▶ put ─▶ flush
 *
 * A stop stores what was read, so that the next run goes on from there. What a killed one has not
 * stored is read again, since only what is stored says what it covers. */

#include "cli/import_run.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/import_show.h"

enum { ERROR_BYTES = 1024 };

int import_complain(const char *name, const char *sentence)
{
    fprintf(stderr, "footfall: %s: %s\n", name, sentence);
    return EXIT_BAD;
}

static void tell_stopped(const struct import_source *source, uint64_t stored)
{
    if (stored == 0)
        fprintf(stderr, "footfall: %s: stopped before anything new was stored.\n", source->name);
    else
        fprintf(stderr,
                "footfall: %s: stopped after %s %" PRIu64
                ". The same command goes on from there.\n",
                source->name, source->unit, stored);
}

bool import_run(const struct import_source *source, struct import_store *store,
                const struct log_input *input, const volatile int *stop)
{
    char error[ERROR_BYTES];
    struct import_batch batch;
    struct import_progress progress;
    enum import_put put = IMPORT_STORED;
    enum import_step step = IMPORT_MORE;
    import_progress_begin(&progress, source->name, source->unit);
    while (!*stop && put == IMPORT_STORED && (step == IMPORT_MORE || step == IMPORT_BATCH)) {
        step = source->step(source->import, &batch);
        if (step == IMPORT_BATCH)
            put = import_store_put(store, &batch, error, sizeof(error));
        import_progress_show(&progress, source->read(source->import), input);
    }
    import_progress_end(&progress);
    if (step == IMPORT_MORE && put == IMPORT_STORED && source->cut(source->import, &batch))
        put = import_store_put(store, &batch, error, sizeof(error));
    if (put == IMPORT_STORED)
        put = import_store_flush(store, error, sizeof(error));
    if (step == IMPORT_END && put == IMPORT_STORED)
        return true;
    if (step == IMPORT_FAILED)
        (void)import_complain(source->name, source->error(source->import));
    else if (put == IMPORT_REFUSED)
        (void)import_complain(source->name, error);
    else
        tell_stopped(source, import_store_lines(store));
    return false;
}
