/* The list of crosses as tables. Thread-safe. */

#include "aggregator/day_cross.h"

#include <assert.h>

struct cross_row {
    enum table left, right;
    uint32_t cap;
};

static const struct cross_row CROSSES[CROSS__COUNT] = {
#define X(a, b, cap) [CROSS_##a##_##b] = {TABLE_##a, TABLE_##b, cap},
    DAY_CROSSES(X)
#undef X
};

enum table day_cross_left(enum cross cross)
{
    assert(cross < CROSS__COUNT);
    return CROSSES[cross].left;
}

enum table day_cross_right(enum cross cross)
{
    assert(cross < CROSS__COUNT);
    return CROSSES[cross].right;
}

uint32_t day_cross_cap(enum cross cross)
{
    assert(cross < CROSS__COUNT);
    return CROSSES[cross].cap;
}

bool day_cross_of(enum table a, enum table b, enum cross *ret_cross)
{
    for (int c = 0; c < CROSS__COUNT; c++) {
        if ((CROSSES[c].left == a && CROSSES[c].right == b) ||
            (CROSSES[c].left == b && CROSSES[c].right == a)) {
            *ret_cross = (enum cross)c;
            return true;
        }
    }
    return false;
}

enum metric day_cross_metric(enum cross cross)
{
    bool is_event = day_cross_left(cross) == TABLE_EVENT || day_cross_right(cross) == TABLE_EVENT;
    return is_event ? METRIC_EVENTS : METRIC_PAGEVIEWS;
}
