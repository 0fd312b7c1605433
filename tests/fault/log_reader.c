/* The log of a real Redis, read as the aggregator would. */

#include "tests/fault/log_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "aggregator/batch.h"
#include "aggregator/functions.h"

struct log_reader_told *log_reader_told_new(void)
{
    void *told = mmap(NULL, sizeof(struct log_reader_told), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED)
        abort();
    return told;
}

int log_reader_page(struct str value)
{
    char digits[8] = "";
    if (value.len < 2 || value.len > sizeof(digits) || value.ptr[0] != '/')
        return -1;
    memcpy(digits, value.ptr + 1, value.len - 1);
    unsigned long page = strtoul(digits, NULL, 10);
    return page < LOG_READER_PAGES ? (int)page : -1;
}

static void count_section(const struct section *section, int64_t counts[LOG_READER_PAGES])
{
    for (uint32_t i = 0; i < section->cell_count; i++) {
        const struct cell *cell = &section->cells[i];
        int page = cell->table == TABLE_PAGE ? log_reader_page(section_value(section, cell)) : -1;
        if (page >= 0)
            counts[page] += cell->sums[METRIC_PAGEVIEWS];
    }
}

bool log_reader_count(struct redis *redis, int64_t counts[LOG_READER_PAGES])
{
    bool good = true;
    struct day_set set;
    struct redis_reply *entries =
        redis_do(redis, STR_LIT("XRANGE"), STR_LIT("ff:{0}:log"), STR_LIT("-"), STR_LIT("+"));
    if (entries == NULL)
        return false;
    day_set_init(&set, APPLY_CELLS_MAX);
    for (size_t i = 0; i < redis_reply_count(entries); i++) {
        const struct redis_reply *fields = redis_reply_at(redis_reply_at(entries, i), 1);
        good = batch_fold(redis_reply_str(redis_reply_at(fields, 5)), &set) == BATCH_OK && good;
    }
    for (size_t i = 0; i < set.count; i++)
        count_section(set.sections[i], counts);
    day_set_done(&set);
    redis_reply_free(entries);
    return good;
}

bool log_reader_check(const struct log_reader_told *told, const int64_t counts[LOG_READER_PAGES])
{
    bool good = true;
    for (int i = 0; i < LOG_READER_PAGES; i++) {
        if (counts[i] >= told->durable[i] && counts[i] <= told->offered[i])
            continue;
        fprintf(stderr, "page %d is counted %" PRId64 " times; offered %d, told durable %d\n", i,
                counts[i], told->offered[i], told->durable[i]);
        good = false;
    }
    return good;
}

void log_reader_clear(const struct redis_server *server)
{
    char error[200];
    struct redis *redis = redis_server_connect(server);
    redis_reply_free(redis_do(redis, STR_LIT("FLUSHALL")));
    if (!functions_load(redis, error, sizeof(error)))
        abort();
    redis_free(redis);
}
