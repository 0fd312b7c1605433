/* Names of the reasons why a beacon is not counted. */

#include "collector/drop.h"

#include <assert.h>

const char *drop_reason_name(enum drop_reason reason)
{
    static const char *const NAMES[DROP__COUNT] = {
#define X(id, name, meaning) [DROP_##id] = name,
        DROP_REASONS(X)
#undef X
    };
    assert(reason < DROP__COUNT);
    return NAMES[reason];
}
