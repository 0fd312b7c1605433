/* Names of the spool's files: what is taken for one is spelled just so. */

#include "tests/fuzz/fuzz.h"

#include "collector/spool_format.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint64_t writer, first;
    bool is_heir;
    char *name = malloc(len + 1), again[SPOOL_NAME_BYTES];
    assert(name != NULL);
    if (len > 0)
        memcpy(name, data, len);
    name[len] = '\0';
    if (spool_name_parse(name, &writer, &first, &is_heir)) {
        spool_name_format(again, writer, first, is_heir);
        assert(first > 0 && strcmp(name, again) == 0);
    }
    free(name);
    return 0;
}
