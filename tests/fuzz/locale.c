/* Accept-Language: the answer is empty, "(other)", or two or three small letters. */

#include "tests/fuzz/fuzz.h"

#include "collector/locale.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char out[4];
    struct str got = locale_language((struct str){(const char *)data, len}, out);
    if (got.len == 0 || str_eq(got, STR_LIT("(other)")))
        return 0;
    assert(got.len == 2 || got.len == 3);
    for (size_t i = 0; i < got.len; i++)
        assert(got.ptr[i] >= 'a' && got.ptr[i] <= 'z');
    return 0;
}
