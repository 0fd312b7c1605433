#pragma once

/* What a worker tells the dashboards once a second, per site with activity (aggregator/live.h). */

#include "collector/worker.h"

void broadcast(struct worker *worker);
