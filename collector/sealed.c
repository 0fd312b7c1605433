/* A sealed batch. */

#include "collector/sealed.h"

#include <assert.h>
#include <stdlib.h>

#include "aggregator/batch.h"
#include "common/limits.h"

/* The name stands in the payload as well, but not at a place that is known. */
struct sealed_site {
    char *name;
    size_t name_len;
    size_t at, len; /* of the section in the payload */
};

struct sealed *sealed_new(uint64_t number, size_t section_count)
{
    struct sealed *sealed = calloc(1, sizeof(*sealed));
    if (sealed == NULL)
        abort();
    sealed->sites = calloc(section_count, sizeof(*sealed->sites));
    if (sealed->sites == NULL)
        abort();
    sealed->number = number;
    /* Sections are sealed by an estimate of their bytes at half of it. */
    buf_init(&sealed->payload, 2 * BATCH_BYTES_MAX);
    batch_begin(&sealed->payload, (uint32_t)section_count);
    return sealed;
}

void sealed_add(struct sealed *sealed, struct section *section)
{
    struct sealed_site *site = &sealed->sites[sealed->site_count++];
    site->name = strndup(section->site.ptr, section->site.len);
    if (site->name == NULL)
        abort();
    site->name_len = section->site.len;
    site->at = sealed->payload.len;
    batch_append_section(&sealed->payload, section);
    site->len = sealed->payload.len - site->at;
}

void sealed_finish(struct sealed *sealed)
{
    batch_end(&sealed->payload);
    assert(!sealed->payload.overflow);
}

void sealed_free(struct sealed *sealed)
{
    held_free_chain(sealed->held);
    for (size_t i = 0; i < sealed->site_count; i++)
        free(sealed->sites[i].name);
    buf_done(&sealed->payload);
    free(sealed->sites);
    free(sealed);
}

void sealed_free_list(struct sealed *first)
{
    while (first != NULL) {
        struct sealed *next = first->next;
        sealed_free(first);
        first = next;
    }
}

bool sealed_part(const struct sealed *sealed, struct str site, struct buf *out)
{
    for (size_t i = 0; i < sealed->site_count; i++) {
        const struct sealed_site *entry = &sealed->sites[i];
        if (!str_eq((struct str){entry->name, entry->name_len}, site))
            continue;
        buf_init(out, LIVE_MESSAGE_BYTES_MAX);
        batch_begin(out, 1);
        buf_append(out, sealed->payload.ptr + entry->at, entry->len);
        batch_end(out);
        return true;
    }
    return false;
}
