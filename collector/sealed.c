/* A sealed batch, and the way back from it to one site's sections, for live messages. Called by the
 * writer, which numbers its desks. */

#include "collector/sealed.h"

#include <assert.h>
#include <stdlib.h>

#include "aggregator/batch.h"
#include "common/limits.h"

struct sealed_part {
    uint32_t desk;
    size_t at, len; /* of the section in the payload */
};

struct sealed *sealed_new(uint64_t number, size_t section_count)
{
    struct sealed *sealed = calloc(1, sizeof(*sealed));
    if (sealed == NULL)
        abort();
    sealed->parts = calloc(section_count, sizeof(*sealed->parts));
    if (sealed->parts == NULL)
        abort();
    sealed->magic = SEALED_MAGIC;
    sealed->number = number;
    held_chain_init(&sealed->held);
    buf_init(&sealed->payload, BATCH_BYTES_MAX);
    batch_begin(&sealed->payload, (uint32_t)section_count);
    return sealed;
}

void sealed_add(struct sealed *sealed, struct section *section, uint32_t desk)
{
    struct sealed_part *part = &sealed->parts[sealed->part_count++];
    part->desk = desk;
    part->at = sealed->payload.len;
    batch_append_section(&sealed->payload, section);
    part->len = sealed->payload.len - part->at;
}

void sealed_finish(struct sealed *sealed)
{
    batch_end(&sealed->payload);
    assert(!sealed->payload.overflow);
}

void sealed_free(struct sealed *sealed)
{
    assert(sealed->magic == SEALED_MAGIC && held_chain_is_empty(&sealed->held));
    sealed->magic = 0;
    buf_done(&sealed->payload);
    free(sealed->parts);
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

static uint32_t count_parts(const struct sealed *sealed, uint32_t desk)
{
    uint32_t count = 0;
    for (size_t i = 0; i < sealed->part_count; i++)
        count += sealed->parts[i].desk == desk;
    return count;
}

bool sealed_has(const struct sealed *sealed, uint32_t desk)
{
    return count_parts(sealed, desk) > 0;
}

void sealed_each_desk(const struct sealed *sealed, void (*fn)(uint32_t desk, void *data),
                      void *data)
{
    for (size_t i = 0; i < sealed->part_count; i++)
        fn(sealed->parts[i].desk, data);
}

void sealed_append_part(const struct sealed *sealed, uint32_t desk, struct buf *out)
{
    batch_begin(out, count_parts(sealed, desk));
    for (size_t i = 0; i < sealed->part_count; i++)
        if (sealed->parts[i].desk == desk)
            buf_append(out, sealed->payload.ptr + sealed->parts[i].at, sealed->parts[i].len);
    batch_end(out);
}
