/* Geo databases of any bytes: refused with a sentence, or safe to look up in, and what comes out is
 * a country of two letters.
 *
 * The check runs in a child, so this is slow; a crash there is a refusal and no finding. */

#include "tests/fuzz/fuzz.h"

#include "collector/region.h"

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct client_address ADDRESSES[] = {
    {4, {81, 2, 69, 160}},
    {4, {8, 8, 8, 8}},
    {4, {223, 255, 255, 255}},
    {6, {0x20, 0x01, 0x02, 0x18}},
    {6, {0x2a, 0x02, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
};

static void check_lookups(const struct region_database *database)
{
    for (size_t i = 0; i < ARRAY_LEN(ADDRESSES); i++) {
        struct region region;
        region_lookup(database, &ADDRESSES[i], &region);
        size_t country = strlen(region.country), all = strlen(region.region);
        assert(country == 0 || country == 2);
        assert(all == 0 || (all > 3 && memcmp(region.region, region.country, 2) == 0 &&
                            region.region[2] == '-'));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char path[64], error[300] = "";
    const char *paths[] = {path};
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    assert(fd >= 0);
    ssize_t written = len == 0 ? 0 : write(fd, data, len);
    assert(written == (ssize_t)len && lseek(fd, 0, SEEK_SET) == 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct region_database *database = region_database_open(paths, 1, error, sizeof(error));
    if (database != NULL)
        check_lookups(database);
    else
        assert(error[0] != '\0');
    region_database_unref(database);
    close(fd);
    return 0;
}
