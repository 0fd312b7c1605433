/* Batch payloads with a right checksum and any content: nothing is folded by half, nothing crashes.
 */

#include "aggregator/batch.h"

#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

static int64_t sum_of(const struct day_set *set)
{
    int64_t sum = 0;
    for (size_t s = 0; s < set->count; s++) {
        const struct section *section = set->sections[s];
        for (uint32_t c = 0; c < section->cell_count; c++)
            for (int m = 0; m < SECTION_SUMS; m++)
                sum += section->cells[c].sums[m];
        for (uint32_t c = 0; c < section->crosses.count; c++)
            sum += section->crosses.cells[c].views + section->crosses.cells[c].visits;
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf payload;
    struct day_set set;
    if (size == 0 || size > BATCH_BYTES_MAX)
        return 0;
    buf_init(&payload, BATCH_BYTES_MAX + 16);
    buf_append(&payload, data, size);
    batch_end(&payload);
    day_set_init(&set, 1000);
    enum batch_status status = batch_fold(buf_str(&payload), &set);
    int64_t once = sum_of(&set);
    if (status != BATCH_OK && (once != 0 || set.count != 0))
        abort(); /* refused, and yet something is there */
    if (status == BATCH_OK && batch_fold(buf_str(&payload), &set) == BATCH_OK &&
        sum_of(&set) != 2 * once)
        abort(); /* the same again is not the same */
    day_set_done(&set);
    buf_done(&payload);
    return 0;
}
