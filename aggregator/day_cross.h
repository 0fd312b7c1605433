#pragma once

/* Crosses: which pairs of tables are counted against each other. Pure. */

#include <stdint.h>

#include "aggregator/model.h"

/* Pairs of tables that are counted against each other, so that one filter narrows every panel.
 * X(table, table, cells a day). A number at rest is the place in this list: new ones come last.
 * The caps are what a site of 100,000 views a day can keep in its share of 12 MB a year. */
#define DAY_CROSSES(X)                                                                             \
    X(PAGE, ENTRY_PAGE, 100)                                                                       \
    X(PAGE, SOURCE, 100)                                                                           \
    X(PAGE, CHANNEL, 100)                                                                          \
    X(PAGE, UTM_CAMPAIGN, 50)                                                                      \
    X(PAGE, COUNTRY, 100)                                                                          \
    X(PAGE, DEVICE, 100)                                                                           \
    X(PAGE, BROWSER, 50)                                                                           \
    X(PAGE, OS, 50)                                                                                \
    X(PAGE, EVENT, 50)                                                                             \
    X(ENTRY_PAGE, SOURCE, 50)                                                                      \
    X(ENTRY_PAGE, CHANNEL, 50)                                                                     \
    X(ENTRY_PAGE, UTM_CAMPAIGN, 30)                                                                \
    X(ENTRY_PAGE, COUNTRY, 50)                                                                     \
    X(ENTRY_PAGE, DEVICE, 50)                                                                      \
    X(ENTRY_PAGE, BROWSER, 30)                                                                     \
    X(ENTRY_PAGE, OS, 30)                                                                          \
    X(ENTRY_PAGE, EVENT, 30)                                                                       \
    X(SOURCE, CHANNEL, 80)                                                                         \
    X(SOURCE, UTM_CAMPAIGN, 30)                                                                    \
    X(SOURCE, COUNTRY, 50)                                                                         \
    X(SOURCE, DEVICE, 50)                                                                          \
    X(SOURCE, BROWSER, 30)                                                                         \
    X(SOURCE, OS, 30)                                                                              \
    X(SOURCE, EVENT, 30)                                                                           \
    X(CHANNEL, UTM_CAMPAIGN, 30)                                                                   \
    X(CHANNEL, COUNTRY, 50)                                                                        \
    X(CHANNEL, DEVICE, 40)                                                                         \
    X(CHANNEL, BROWSER, 40)                                                                        \
    X(CHANNEL, OS, 40)                                                                             \
    X(CHANNEL, EVENT, 30)                                                                          \
    X(UTM_CAMPAIGN, COUNTRY, 30)                                                                   \
    X(UTM_CAMPAIGN, DEVICE, 30)                                                                    \
    X(UTM_CAMPAIGN, BROWSER, 30)                                                                   \
    X(UTM_CAMPAIGN, OS, 30)                                                                        \
    X(UTM_CAMPAIGN, EVENT, 30)                                                                     \
    X(COUNTRY, DEVICE, 60)                                                                         \
    X(COUNTRY, BROWSER, 60)                                                                        \
    X(COUNTRY, OS, 60)                                                                             \
    X(COUNTRY, EVENT, 30)                                                                          \
    X(DEVICE, BROWSER, 50)                                                                         \
    X(DEVICE, OS, 50)                                                                              \
    X(DEVICE, EVENT, 30)                                                                           \
    X(BROWSER, OS, 50)                                                                             \
    X(BROWSER, EVENT, 30)                                                                          \
    X(OS, EVENT, 30)

enum cross {
#define X(a, b, cap) CROSS_##a##_##b,
    DAY_CROSSES(X)
#undef X
        CROSS__COUNT
};

enum table day_cross_left(enum cross cross);
enum table day_cross_right(enum cross cross);
uint32_t day_cross_cap(enum cross cross);
/* The cross of two tables in either order; false when there is none. */
bool day_cross_of(enum table a, enum table b, enum cross *ret_cross);
/* The metric that a cross's views are of: events where one side is, else page views. */
enum metric day_cross_metric(enum cross cross);
