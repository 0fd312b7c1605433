#pragma once

/* One classified beacon as increments of its site's section. Pure. */

#include "aggregator/section.h"
#include "collector/beacon.h"
#include "collector/day_key.h"
#include "collector/drop.h"
#include "collector/visit.h"

struct view {
    enum beacon_kind kind;
    uint8_t hour; /* local */
    uint64_t tag; /* of the visitor; for the sketches */
    struct str page;
    struct str event;
    const struct beacon_prop *props;
    size_t prop_count;
    uint32_t engaged_ms;
    const struct visit_change *visit;          /* NULL: visits are not followed for this site */
    const struct visit_attributes *attributes; /* the visit's, or the view's own without visits */
};

/* Cells that one view can touch at the most: all tables once, time and exit page twice, and its
 * properties. */
enum { VIEW_CELLS_MAX = TABLE__COUNT + 2 + EVENT_PROPS_MAX };
/* And cells of crosses: one each. */
enum { VIEW_CROSSES_MAX = CROSS__COUNT };

/* For a section that folds detail, whose worker is short of memory, and that is not small: each
 * value of a detail table that it has no cell of becomes "(other)". Before the visit is told, so
 * that what the visit takes back later it takes from where it was added. True when there was one.
 */
bool view_fold_detail(const struct section *section, struct visit_attributes *attributes,
                      struct str *page, struct str *event);

/* The section must have room for VIEW_CELLS_MAX more cells. Crosses that it has no room for count
 * under "(other)"; where visits are not followed nothing is crossed. */
void view_count(struct section *section, const struct day_key *key, const struct view *view);

/* Beacons that are not counted, by reason. */
void view_count_drops(struct section *section, enum drop_reason reason, uint32_t count);
