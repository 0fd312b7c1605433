#pragma once

/* What the collector tells of itself: its counters and gauges, and its checks. Lists only; who sets
 * what is worker_report.c's, and beacon_http.c's for each beacon.
 *
 * A beacon of a visitor who has refused is in no row. X(enum, type, name, labels, help). */

#include "collector/beacon.h"
#include "collector/drop.h"
#include "common/health.h"
#include "common/metrics.h"

#define COLLECT_BEACONS "footfall_collector_beacons_total"
#define COLLECT_BEACONS_HELP                                                                       \
    "Beacons by answer and by what became of them; without those of visitors who refused."
#define COLLECT_AGENTS "footfall_collector_user_agents_total"
#define COLLECT_AGENTS_HELP                                                                        \
    "User-Agents by how they were told: known already, parsed, or (other) for want of time."

#define COLLECT_METRICS(X)                                                                         \
    X(DURABLE, COUNTER, COLLECT_BEACONS, "answer=\"204\",outcome=\"durable\"",                     \
      COLLECT_BEACONS_HELP)                                                                        \
    X(ACCEPTED, COUNTER, COLLECT_BEACONS, "answer=\"202\",outcome=\"accepted\"",                   \
      COLLECT_BEACONS_HELP)                                                                        \
    X(DROPPED, COUNTER, COLLECT_BEACONS, "answer=\"202\",outcome=\"dropped\"",                     \
      COLLECT_BEACONS_HELP)                                                                        \
    X(PIXEL, COUNTER, COLLECT_BEACONS, "answer=\"200\",outcome=\"accepted\"",                      \
      COLLECT_BEACONS_HELP)                                                                        \
    X(PIXEL_DROPPED, COUNTER, COLLECT_BEACONS, "answer=\"200\",outcome=\"dropped\"",               \
      COLLECT_BEACONS_HELP)                                                                        \
    X(BAD, COUNTER, COLLECT_BEACONS, "answer=\"400\",outcome=\"malformed\"", COLLECT_BEACONS_HELP) \
    X(UNKNOWN_SITE, COUNTER, COLLECT_BEACONS, "answer=\"404\",outcome=\"unknown_site\"",           \
      COLLECT_BEACONS_HELP)                                                                        \
    X(TOO_LARGE, COUNTER, COLLECT_BEACONS, "answer=\"413\",outcome=\"too_large\"",                 \
      COLLECT_BEACONS_HELP)                                                                        \
    X(NO_ROOM, COUNTER, COLLECT_BEACONS, "answer=\"503\",outcome=\"no_room\"",                     \
      COLLECT_BEACONS_HELP)                                                                        \
    X(TOO_EARLY, COUNTER, COLLECT_BEACONS, "answer=\"503\",outcome=\"no_site_list\"",              \
      COLLECT_BEACONS_HELP)                                                                        \
    X(AGENTS_KNOWN, COUNTER, COLLECT_AGENTS, "how=\"known\"", COLLECT_AGENTS_HELP)                 \
    X(AGENTS_PARSED, COUNTER, COLLECT_AGENTS, "how=\"parsed\"", COLLECT_AGENTS_HELP)               \
    X(AGENTS_OVER, COUNTER, COLLECT_AGENTS, "how=\"over_budget\"", COLLECT_AGENTS_HELP)            \
    X(HELD, GAUGE, "footfall_collector_held_replies", "",                                          \
      "Beacons whose answer waits for the store.")                                                 \
    X(VISITS, GAUGE, "footfall_collector_open_visits", "", "Visits that are followed.")            \
    X(VISITS_EVICTED, COUNTER, "footfall_collector_evicted_visits_total", "",                      \
      "Visits that were forgotten before their time, for want of room.")                           \
    X(SECTIONS, GAUGE, "footfall_collector_open_sections", "",                                     \
      "Sections that gather views until they are mixed.")                                          \
    X(SECTION_BYTES, GAUGE, "footfall_collector_open_section_bytes", "", "Memory of these.")       \
    X(SEALED, COUNTER, "footfall_collector_batches_sealed_total", "", "Batches that were made.")   \
    X(ACKNOWLEDGED, COUNTER, "footfall_collector_batches_acknowledged_total", "",                  \
      "Batches that the log has.")                                                                 \
    X(SENT_AGAIN, COUNTER, "footfall_collector_batches_sent_again_total", "",                      \
      "Batches that were sent once more, since no answer came.")                                   \
    X(REFUSED, COUNTER, "footfall_collector_batch_refusals_total", "",                             \
      "Answers of the log that it does not take a batch.")                                         \
    X(GAPS, COUNTER, "footfall_collector_log_gaps_total", "",                                      \
      "Times that the log had lost a worker's place.")                                             \
    X(QUEUED, GAUGE, "footfall_collector_queued_batches", "", "Batches that wait in memory.")      \
    X(QUEUED_BYTES, GAUGE, "footfall_collector_queued_bytes", "", "Memory of these.")              \
    X(WORKERS, GAUGE, "footfall_collector_workers", "", "Worker threads.")                         \
    X(LINKS, GAUGE, "footfall_collector_redis_links_up", "", "Workers whose link to Redis is up.") \
    X(CONNECTIONS, GAUGE, "footfall_collector_open_connections", "",                               \
      "Connections of browsers and fronts that are open now.")                                     \
    X(SITES, GAUGE, "footfall_collector_sites", "", "Sites that are counted.")                     \
    X(SITES_READ, GAUGE, "footfall_collector_sites_read_timestamp_seconds", "",                    \
      "When the site list was last read, since 1970.")                                             \
    X(GEO_BUILT, GAUGE, "footfall_collector_geo_database_built_timestamp_seconds", "",             \
      "When the oldest geo database was made, since 1970; 0: there is none.")
/* The spool's rows belong here, after QUEUED_BYTES: bytes, records, files in quarantine. */

enum collect_metric {
#define X(id, type, name, labels, help) COLLECT_##id,
    COLLECT_METRICS(X)
#undef X
        COLLECT_DROPS,                            /* by enum drop_reason */
    COLLECT_FAULTS = COLLECT_DROPS + DROP__COUNT, /* by enum beacon_status, less one */
    COLLECT__COUNT = COLLECT_FAULTS + BEACON__COUNT - 1,
};

/* X(enum, name, needed, counts, when good, when bad). */
#define COLLECT_CHECKS(X)                                                                          \
    X(SITES, "sites", true, "sites", "the site list is known", "the site list was not read yet")   \
    X(LOG, "log", true, "", "the log takes batches: what is counted becomes durable",              \
      "the log takes no batches: what is counted waits in memory and is not durable")              \
    X(ROOM, "room", true, "bytes waiting", "there is room for what waits for the log",             \
      "what waits for the log has filled its memory: beacons are answered 503")                    \
    X(GEO, "geo_database", false, "", "countries and regions are told",                            \
      "there is no geo database: countries and regions are unknown")                               \
    X(GEO_AGE, "geo_age", false, "days", "no geo database is old",                                 \
      "the geo database is old: many addresses have moved since")
/* The spool's checks belong here, after LOG: durable or not, its room, what is in quarantine. */

enum collect_check {
#define X(id, name, needed, counts, good, bad) COLLECT_CHECK_##id,
    COLLECT_CHECKS(X)
#undef X
        COLLECT_CHECK__COUNT
};

/* By enum collect_metric, and by enum collect_check. */
extern const struct metrics_row COLLECT_METRIC_ROWS[COLLECT__COUNT];
extern const struct health_row COLLECT_CHECK_ROWS[COLLECT_CHECK__COUNT];
