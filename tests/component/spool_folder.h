#pragma once

/* A spool's folder for a test, and what stands in it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A new folder DIR/spool, in which there is nothing yet. Frees and removes with the second. */
char *spool_folder_make(void);
void spool_folder_remove(char *folder);

/* The program's log lines go nowhere; the test's own messages stay. */
void spool_folder_silence_log(void);

/* A file below the folder. */
void spool_file_path(const char *folder, const char *name, char *ret_path, size_t bytes);
bool spool_file_is(const char *folder, const char *name);
size_t spool_file_size(const char *folder, const char *name);
void spool_file_write(const char *folder, const char *name, const void *ptr, size_t len);
void spool_file_flip(const char *folder, const char *name, size_t at);
/* Files whose name ends like this, without those in quarantine. */
unsigned spool_file_count(const char *folder, const char *ending);
