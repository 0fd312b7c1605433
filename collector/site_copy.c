/* The bytes of the site list's copy, without any file. Called by the keeper's thread, and by the
 * process before it has any.
 *
 * A copy of which a part is right is refused as a whole: half a list would answer some sites and
 * not others for a reason that nobody could see. Settings are JSON as in Redis, so that there is
 * one reader of them. */

#include "collector/site_copy.h"

#include <assert.h>
#include <stdlib.h>

#include "common/crc32c.h"

enum { VERSION_AT = 8, COUNT_AT = 12, LENGTH_AT = 16, WRITTEN_AT = 24, LENGTHS_BYTES = 4 };
enum { REASON_BYTES = 160 };

static_assert(SITE_SETTINGS_BYTES_MAX <= UINT16_MAX && HOST_BYTES_MAX <= UINT16_MAX,
              "lengths are of two bytes");

static const struct str MAGIC = {"FFSITES\n", 8};

/* --- Writing ---------------------------------------------------------------------------------- */

static void put_site(struct buf *out, const struct site *site)
{
    char *settings = site_format(site);
    size_t len = strlen(settings);
    assert(len <= SITE_SETTINGS_BYTES_MAX);
    buf_append_number(out, site->domain.len, 2);
    buf_append_number(out, len, 2);
    buf_append_str(out, site->domain);
    buf_append(out, settings, len);
    free(settings);
}

static void set_length(struct buf *out, uint64_t len)
{
    for (size_t i = 0; i < 8; i++)
        out->ptr[LENGTH_AT + i] = (char)(len >> 8 * i);
}

void site_copy_encode(struct buf *out, const struct site_list *list, int64_t written_ms)
{
    assert(out->len == 0);
    buf_append_str(out, MAGIC);
    buf_append_number(out, SITE_COPY_VERSION, 4);
    buf_append_number(out, site_list_count(list), 4);
    buf_append_number(out, 0, 8);
    buf_append_number(out, (uint64_t)written_ms, 8);
    for (size_t i = 0; i < site_list_count(list); i++)
        put_site(out, site_list_at(list, i));
    set_length(out, out->len + SITE_COPY_CRC_BYTES);
    buf_append_number(out, crc32c(0, out->ptr, out->len), SITE_COPY_CRC_BYTES);
    assert(!out->overflow);
}

struct str site_copy_sites(struct str bytes)
{
    assert(bytes.len >= SITE_COPY_HEADER_BYTES + SITE_COPY_CRC_BYTES);
    return str_from_at(str_prefix(bytes, bytes.len - SITE_COPY_CRC_BYTES), SITE_COPY_HEADER_BYTES);
}

/* --- Judging ---------------------------------------------------------------------------------- */

static bool is_whole(struct str bytes)
{
    size_t crc_at = bytes.len - SITE_COPY_CRC_BYTES;
    return bytes.len >= SITE_COPY_HEADER_BYTES + SITE_COPY_CRC_BYTES &&
           str_starts_with(bytes, MAGIC) && str_number(bytes, LENGTH_AT, 8) == bytes.len &&
           crc32c(0, bytes.ptr, crc_at) == str_number(bytes, crc_at, SITE_COPY_CRC_BYTES);
}

static struct str take(struct str *rest, size_t len)
{
    struct str taken = str_prefix(*rest, len);
    *rest = str_from_at(*rest, len);
    return taken;
}

/* NULL when it is none, or does not come after `before`: a list has no site twice. */
static struct site *take_site(struct str *rest, const struct site *before)
{
    char reason[REASON_BYTES];
    if (rest->len < LENGTHS_BYTES)
        return NULL;
    struct str lengths = take(rest, LENGTHS_BYTES);
    size_t domain_len = str_number(lengths, 0, 2), settings_len = str_number(lengths, 2, 2);
    if (rest->len < domain_len + settings_len)
        return NULL;
    struct str domain = take(rest, domain_len), settings = take(rest, settings_len);
    struct site *site = site_parse(domain, settings, reason, sizeof(reason));
    if (site == NULL || before == NULL || strcmp(before->domain.ptr, site->domain.ptr) < 0)
        return site;
    site_free(site);
    return NULL;
}

enum site_copy_verdict site_copy_decode(struct str bytes, struct site_list **ret_list,
                                        int64_t *ret_written_ms)
{
    if (!is_whole(bytes))
        return SITE_COPY_DAMAGED;
    size_t count = str_number(bytes, COUNT_AT, 4), taken = 0;
    if (str_number(bytes, VERSION_AT, 4) != SITE_COPY_VERSION || count > SITES_MAX)
        return SITE_COPY_FOREIGN;
    struct str rest = site_copy_sites(bytes);
    struct site **sites = calloc(count + 1, sizeof(*sites));
    if (sites == NULL)
        abort();
    while (taken < count &&
           (sites[taken] = take_site(&rest, taken == 0 ? NULL : sites[taken - 1])) != NULL)
        taken++;
    bool is_good = taken == count && rest.len == 0;
    if (is_good) {
        *ret_list = site_list_new(sites, count);
        *ret_written_ms = (int64_t)str_number(bytes, WRITTEN_AT, 8);
    } else {
        while (taken > 0)
            site_free(sites[--taken]);
    }
    free(sites);
    return is_good ? SITE_COPY_GOOD : SITE_COPY_FOREIGN;
}
