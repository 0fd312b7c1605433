/* Paths: the promises of path.h for any bytes. */

#include "tests/fuzz/fuzz.h"

#include "collector/path.h"
#include "common/utf8.h"

#include <assert.h>

/* A path as it would stand in a URL again. */
static struct str encode(struct str path, char *out)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t len = 0;
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        if (c == '%' || c == '?' || c == '#') {
            out[len++] = '%';
            out[len++] = hex[c >> 4];
            out[len++] = hex[c & 15];
        } else {
            out[len++] = (char)c;
        }
    }
    return (struct str){out, len};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char out[PATH_BYTES_MAX];
    struct str path;
    if (!path_normalise((struct str){(const char *)data, len}, out, &path))
        return 0;
    assert(path.len >= 1 && path.len <= PATH_BYTES_MAX);
    assert(path.ptr[0] == '/');
    assert(path.len == 1 || path.ptr[path.len - 1] != '/');
    assert(utf8_is_text(path));

    /* Normalising twice changes nothing, unless the path was too long and a segment was cut. */
    char raw[3 * PATH_BYTES_MAX], again_out[PATH_BYTES_MAX];
    struct str again;
    bool good = path_normalise(encode(path, raw), again_out, &again);
    assert(good);
    assert(len >= PATH_BYTES_MAX || str_eq(path, again));
    return 0;
}
