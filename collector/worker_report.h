#pragma once

#include "collector/worker.h"

/* Once a second, on the worker's thread: what it has and has done goes into the collector's metrics
 * and checks. Beacons are counted when they come. */
void worker_report(struct worker *worker);
