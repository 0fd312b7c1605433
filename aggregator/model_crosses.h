#pragma once

/* The crosses: two tables of model.h, which includes this, counted against each other, so that a
 * filter on one narrows the other. X(left, right, cells of a sealed day). All pairs of the tables
 * that can filter are here, since none is empty by definition or known from the others: a page is
 * not its visit's entry page, and one source comes by several channels. A number in a batch is the
 * place in this list: new ones come last, in a record as well. The numbers of cells are what a site
 * of 100,000 views a day can keep in its share of 12 MB a year; an open day has room for
 * CROSS_CELLS_MAX each. */
#define MODEL_CROSSES(X)                                                                           \
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
#define X(left, right, sealed) CROSS_##left##_##right,
    MODEL_CROSSES(X)
#undef X
        CROSS__COUNT
};
