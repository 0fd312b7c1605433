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

#define COLLECT_COMPATIBLE "footfall_collector_compatible_beacons_total"
#define COLLECT_COMPATIBLE_HELP                                                                    \
    "Beacons of other tools' clients by answer and by what became of them; without refusals."
/* The fates of compat_reply.h in their order, for one tool; `unknown`: its answer for a site that
 * is not counted here, `good`: for all that is well. */
#define COMPAT_ROW(X, id, api, answer, outcome)                                                    \
    X(id, COUNTER, COLLECT_COMPATIBLE,                                                             \
      "api=\"" api "\",answer=\"" answer "\",outcome=\"" outcome "\"", COLLECT_COMPATIBLE_HELP)
#define COMPAT_ROWS(X, API, api, good, unknown)                                                    \
    COMPAT_ROW(X, API##_ACCEPTED, api, good, "accepted")                                           \
    COMPAT_ROW(X, API##_DROPPED, api, good, "dropped")                                             \
    COMPAT_ROW(X, API##_SILENT, api, good, "not_counted")                                          \
    COMPAT_ROW(X, API##_UNKNOWN_SITE, api, unknown, "unknown_site")                                \
    COMPAT_ROW(X, API##_MALFORMED, api, "400", "malformed")                                        \
    COMPAT_ROW(X, API##_TOO_LARGE, api, "413", "too_large")                                        \
    COMPAT_ROW(X, API##_NO_ROOM, api, "503", "no_room")                                            \
    COMPAT_ROW(X, API##_TOO_EARLY, api, "503", "no_site_list")

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
    COMPAT_ROWS(X, PLAUSIBLE, "plausible", "202", "202")                                           \
    COMPAT_ROWS(X, UMAMI, "umami", "200", "400")                                                   \
    COMPAT_ROWS(X, GOATCOUNTER, "goatcounter", "200", "404")                                       \
    X(AGENTS_KNOWN, COUNTER, COLLECT_AGENTS, "how=\"known\"", COLLECT_AGENTS_HELP)                 \
    X(AGENTS_PARSED, COUNTER, COLLECT_AGENTS, "how=\"parsed\"", COLLECT_AGENTS_HELP)               \
    X(AGENTS_OVER, COUNTER, COLLECT_AGENTS, "how=\"over_budget\"", COLLECT_AGENTS_HELP)            \
    X(FOLDED, COUNTER, "footfall_collector_folded_views_total", "",                                \
      "Views of which some detail counts under (other), for want of memory.")                      \
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
    X(SPOOLED, COUNTER, "footfall_collector_batches_spooled_total", "",                            \
      "Batches that went to the disk, since the log did not take them in time.")                   \
    X(REPLAYED, COUNTER, "footfall_collector_batches_replayed_total", "",                          \
      "Batches that the log has taken from the disk.")                                             \
    X(SENT_AGAIN, COUNTER, "footfall_collector_batches_sent_again_total", "",                      \
      "Batches that were sent once more, since no answer came.")                                   \
    X(REFUSED, COUNTER, "footfall_collector_batch_refusals_total", "",                             \
      "Answers of the log that it does not take a batch.")                                         \
    X(GAPS, COUNTER, "footfall_collector_log_gaps_total", "",                                      \
      "Times that the log had lost a worker's place.")                                             \
    X(QUEUED, GAUGE, "footfall_collector_queued_batches", "", "Batches that wait in memory.")      \
    X(QUEUED_BYTES, GAUGE, "footfall_collector_queued_bytes", "", "Memory of these.")              \
    X(SPOOL_BYTES, GAUGE, "footfall_collector_spool_bytes", "",                                    \
      "Disk that the spool takes, with what is in quarantine.")                                    \
    X(SPOOL_BYTES_MAX, GAUGE, "footfall_collector_spool_max_bytes", "", "What it may take.")       \
    X(SPOOL_RECORDS, GAUGE, "footfall_collector_spooled_batches", "",                              \
      "Batches on the disk that wait for the log.")                                                \
    X(SPOOL_OLDEST, GAUGE, "footfall_collector_spool_oldest_timestamp_seconds", "",                \
      "When the oldest file of these was made, since 1970; 0: there is none.")                     \
    X(SPOOL_FAILURES, COUNTER, "footfall_collector_spool_failures_total", "",                      \
      "Calls that the spool's disk has failed.")                                                   \
    X(SPOOL_CUT, COUNTER, "footfall_collector_spool_ends_cut_total", "",                           \
      "Unfinished writes that were cut off at the start; nobody was told that they are durable.")  \
    X(SPOOL_QUARANTINED, GAUGE, "footfall_collector_spool_quarantined_files", "",                  \
      "Files that are damaged or too old, and wait for somebody to look at them.")                 \
    X(WORKERS, GAUGE, "footfall_collector_workers", "", "Worker threads.")                         \
    X(LINKS, GAUGE, "footfall_collector_redis_links_up", "", "Workers whose link to Redis is up.") \
    X(CONNECTIONS, GAUGE, "footfall_collector_open_connections", "",                               \
      "Connections of browsers and fronts that are open now.")                                     \
    X(SITES, GAUGE, "footfall_collector_sites", "", "Sites that are counted.")                     \
    X(SITES_READ, GAUGE, "footfall_collector_sites_read_timestamp_seconds", "",                    \
      "When the site list was last read, since 1970.")                                             \
    X(SITES_COPY_FAILURES, COUNTER, "footfall_collector_sites_copy_failures_total", "",            \
      "Times that the copy of the site list could not be written.")                                \
    X(GEO_BUILT, GAUGE, "footfall_collector_geo_database_built_timestamp_seconds", "",             \
      "When the oldest geo database was made, since 1970; 0: there is none.")

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
    X(SITES_COPY, "sites_copy", false, "", "the site list has a copy in the data folder",          \
      "the site list has no fresh copy: a start while Redis is away may count nothing")            \
    X(DURABLE, "durable", true, "", "what is counted becomes durable, in the log or in the spool", \
      "neither the log nor the spool takes batches: what is counted waits in memory")              \
    X(LOG, "log", false, "", "the log takes batches",                                              \
      "the log takes no batches, or has to be told those of the spool first: they go to the "      \
      "spool")                                                                                     \
    X(SPOOL_DISK, "spool_disk", false, "failed calls", "the spool's disk takes batches",           \
      "the spool's disk does not take batches")                                                    \
    X(SPOOL_ROOM, "spool_room", false, "bytes", "the spool has room",                              \
      "the spool is nearly full: past it beacons are not durable, and at last answered 503")       \
    X(SPOOL_FILES, "spool_files", false, "files", "all of the spool's files are good",             \
      "files of the spool are damaged, too old, or not known, and were set aside")                 \
    X(ROOM, "room", true, "bytes waiting", "there is room for what waits for the log",             \
      "what waits for the log has filled its memory: beacons are answered 503")                    \
    X(GEO, "geo_database", false, "", "countries and regions are told",                            \
      "there is no geo database: countries and regions are unknown")                               \
    X(GEO_AGE, "geo_age", false, "days", "no geo database is old",                                 \
      "the geo database is old: many addresses have moved since")

enum collect_check {
#define X(id, name, needed, counts, good, bad) COLLECT_CHECK_##id,
    COLLECT_CHECKS(X)
#undef X
        COLLECT_CHECK__COUNT
};

/* By enum collect_metric, and by enum collect_check. */
extern const struct metrics_row COLLECT_METRIC_ROWS[COLLECT__COUNT];
extern const struct health_row COLLECT_CHECK_ROWS[COLLECT_CHECK__COUNT];
