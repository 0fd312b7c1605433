#pragma once

/* The files of one export, which come to be together or not at all: each is written beside its
 * place, and takes it when all are whole and on disk. Only their owner may read them. */

#include <stdbool.h>
#include <stdio.h>

#include "common/macros.h"

enum { EXPORT_FILES_MAX = 20 };

struct export_files;

/* Makes the folder where it is missing. NULL with a sentence. */
MUST_CHECK struct export_files *export_files_open(const char *folder, char error[static 256]);
/* Removes what was not kept. NULL is allowed. */
void export_files_close(struct export_files *files);
/* Begins a file; the stream is the set's. NULL with a sentence. */
MUST_CHECK FILE *export_files_add(struct export_files *files, const char *name,
                                  char error[static 256]);
/* All take their places. False with a sentence: none has. */
MUST_CHECK bool export_files_keep(struct export_files *files, char error[static 256]);
