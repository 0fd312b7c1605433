/* Feeds every file of the given folders to a fuzz target, so that the corpus and old findings run
 * in the ordinary builds, without libFuzzer. Fails when the folders hold nothing. */

#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Larger than any input that a target reads in one piece. */
enum { INPUT_BYTES_MAX = 1 << 20 };

static uint8_t whole_file[INPUT_BYTES_MAX];

static bool replay_file(const char *folder, const char *name)
{
    char path[4096];
    int path_len = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (path_len < 0 || (size_t)path_len >= sizeof(path))
        return false;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    size_t len = fread(whole_file, 1, sizeof(whole_file), file);
    bool good = ferror(file) == 0 && len < sizeof(whole_file);
    fclose(file);
    if (!good)
        return false;
    /* A copy of the exact size, so that the address sanitizer sees a read past the input's end. */
    uint8_t *input = malloc(len == 0 ? 1 : len);
    if (input == NULL)
        return false;
    memcpy(input, whole_file, len);
    LLVMFuzzerTestOneInput(input, len);
    free(input);
    return true;
}

static bool replay_folder(const char *folder, size_t *count)
{
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return false;
    bool good = true;
    for (struct dirent *entry; good && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        good = replay_file(folder, entry->d_name);
        (*count)++;
    }
    closedir(dir);
    return good;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        if (!replay_folder(argv[i], &count)) {
            fprintf(stderr, "%s: cannot be read\n", argv[i]);
            return 1;
        }
    }
    printf("%zu inputs\n", count);
    return count == 0;
}
