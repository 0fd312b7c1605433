/* A site's settings of any bytes: refused in one sentence, or a site that is the same after being
 * written and read again. */

#include "tests/fuzz/fuzz.h"

#include "aggregator/site.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char error[256] = "";
    struct str domain = STR_LIT("example.com");
    struct site *site =
        site_parse(domain, (struct str){(const char *)data, len}, error, sizeof(error));
    if (site == NULL) {
        assert(error[0] != '\0');
        return 0;
    }
    assert(site_owns_host(site, domain));
    char *first = site_format(site);
    site_free(site);

    site = site_parse(domain, str_from(first), error, sizeof(error));
    assert(site != NULL);
    char *second = site_format(site);
    assert(strcmp(first, second) == 0);
    site_free(site);
    free(first);
    free(second);
    return 0;
}
