/* One file of a tool's export after the other. A folder's files come in the order of the family; of
 * other files in it nothing is read. */

#include "cli/import_table.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/import_run.h"
#include "common/clock.h"

enum { ERROR_BYTES = 1024, PATH_BYTES = 4096, FILES_MAX = 1000 };

/* --- The summary ------------------------------------------------------------------------------ */

static void show_date(const char *before, uint32_t date)
{
    printf("%s%04" PRIu32 "-%02" PRIu32 "-%02" PRIu32, before, date / 10000, date / 100 % 100,
           date % 100);
}

static int tell_end(const char *name, const struct table_import *import)
{
    const struct table_counts *counts = table_import_counts(import);
    if (counts->records > 1 && counts->before == counts->records - 1) {
        printf("%s: nothing is new; all of its %" PRIu64 " records were imported before.\n", name,
               counts->before);
        return EXIT_GOOD;
    }
    printf("%s: %" PRIu64 " records", name, counts->counted);
    if (counts->first_date > 0) {
        show_date(" from ", counts->first_date);
        show_date(" to ", counts->last_date);
    }
    puts(".");
    if (counts->before > 0)
        printf("  %" PRIu64 " records before them were imported earlier.\n", counts->before);
    for (int fault = ROW_COUNTED + 1; fault < ROW_FAULT__COUNT; fault++)
        if (counts->left_out[fault] > 0)
            printf("  Left out: %" PRIu64 " %s.\n", counts->left_out[fault],
                   row_fault_words((enum row_fault)fault));
    if (counts->malformed_record > 0)
        printf("  The first of those that are not in the format is record %" PRIu64 ".\n",
               counts->malformed_record);
    return EXIT_GOOD;
}

/* --- A file ----------------------------------------------------------------------------------- */

static enum import_step step(void *import, struct import_batch *ret_batch)
{
    return table_import_step(import, ret_batch);
}

static bool cut(void *import, struct import_batch *ret_batch)
{
    return table_import_cut(import, ret_batch);
}

static uint64_t records_of(const void *import)
{
    return table_import_counts(import)->records;
}

static const char *error_of(const void *import)
{
    return table_import_error(import);
}

static int read_to_end(const struct import_table_place *place, struct table_import *import,
                       struct log_input *input, const char *name)
{
    const struct import_source source = {.import = import,
                                         .name = name,
                                         .unit = "record",
                                         .step = step,
                                         .cut = cut,
                                         .read = records_of,
                                         .error = error_of};
    return import_run(&source, place->store, input, place->stop) ? tell_end(name, import)
                                                                 : EXIT_BAD;
}

static int import_file(const struct import_table_place *place, const char *path)
{
    char error[ERROR_BYTES];
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    struct import_row *rows = NULL;
    size_t row_count = 0;
    enum plausible_table table = PLAUSIBLE_VISITORS;
    if (place->format == CSV_PLAUSIBLE && !plausible_table_of_file(str_from(name), &table))
        return import_complain(name,
                               "its name is none of the family's, such as imported_pages.csv.");
    struct log_input *input = log_input_open(path, error, sizeof(error));
    if (input == NULL ||
        !import_store_rows(place->store, &rows, &row_count, error, sizeof(error))) {
        log_input_close(input);
        return import_complain(name, error);
    }
    struct table_import *import = table_import_new(&(struct table_options){
        .site = place->site,
        .input = input,
        .format = place->format,
        .table = table,
        .now_ms = clock_wall_ms(),
    });
    int code = table_import_begin(import, rows, row_count)
                   ? read_to_end(place, import, input, name)
                   : import_complain(name, table_import_error(import));
    table_import_free(import);
    free(rows);
    log_input_close(input);
    return code;
}

/* --- A folder --------------------------------------------------------------------------------- */

static int is_of_family(const struct dirent *entry)
{
    enum plausible_table table;
    struct str name = str_from(entry->d_name);
    return plausible_table_of_file(name, &table) && str_ends_with(name, STR_LIT(".csv"));
}

static int import_folder(const struct import_table_place *place, const char *folder)
{
    char path[PATH_BYTES];
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_of_family, alphasort), code = EXIT_GOOD;
    if (count <= 0 || count > FILES_MAX)
        code = import_complain(folder, "there are no files of the family in it, or too many.");
    for (int i = 0; i < count; i++) {
        int len = snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        if (code == EXIT_GOOD && len > 0 && (size_t)len < sizeof(path))
            code = import_file(place, path);
        free(entries[i]);
    }
    free(entries);
    return code;
}

int import_table(const struct import_table_place *place, const char *path)
{
    struct stat about;
    bool is_folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    return is_folder && place->format == CSV_PLAUSIBLE ? import_folder(place, path)
                                                       : import_file(place, path);
}
