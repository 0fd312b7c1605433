/* What a worker's parts have counted, each for itself, becomes rows of the collector's metrics. So
 * the parts know nothing of metrics, and the way of a beacon costs nothing for them. Worker 0 also
 * tells what there is once a process. */

#include "collector/worker_report.h"

#include "collector/collect_metrics.h"
#include "common/clock.h"
#include "common/limits.h"

enum { DAY_S = 24 * 60 * 60 };

static void report_outbox(const struct outbox_counts *counts, struct metrics_part *metrics)
{
    metrics_set(metrics, COLLECT_SEALED, counts->sealed);
    metrics_set(metrics, COLLECT_ACKNOWLEDGED, counts->acknowledged);
    metrics_set(metrics, COLLECT_SPOOLED, counts->spooled);
    metrics_set(metrics, COLLECT_REPLAYED, counts->replayed);
    metrics_set(metrics, COLLECT_SENT_AGAIN, counts->sent_again);
    metrics_set(metrics, COLLECT_REFUSED, counts->refusals);
    metrics_set(metrics, COLLECT_GAPS, counts->gaps);
    metrics_set(metrics, COLLECT_QUEUED, counts->queued);
    metrics_set(metrics, COLLECT_QUEUED_BYTES, counts->queued_bytes);
}

static void report_writer(struct worker *worker, struct metrics_part *metrics)
{
    struct health *health = worker->collector->health;
    enum outbox_state state = writer_state(worker->writer);
    struct writer_counts counts;
    writer_counts(worker->writer, &counts);
    report_outbox(&counts.outbox, metrics);
    metrics_set(metrics, COLLECT_DURABLE, counts.answered_durable);
    metrics_set(metrics, COLLECT_ACCEPTED, counts.answered_accepted);
    metrics_set(metrics, COLLECT_HELD, counts.held);
    metrics_set(metrics, COLLECT_SECTIONS, counts.open_sections);
    metrics_set(metrics, COLLECT_SECTION_BYTES, counts.open_bytes);
    metrics_set(metrics, COLLECT_LINKS, writer_is_connected(worker->writer));
    health_set(health, worker->index, COLLECT_CHECK_DURABLE, state != OUTBOX_STUCK, 0);
    health_set(health, worker->index, COLLECT_CHECK_LOG, state == OUTBOX_DIRECT, 0);
    health_set(health, worker->index, COLLECT_CHECK_ROOM, counts.shed == worker->reported_shed,
               counts.open_bytes + counts.outbox.queued_bytes);
    worker->reported_shed = counts.shed;
}

static void report_spool(const struct worker *worker, struct metrics_part *metrics)
{
    struct health *health = worker->collector->health;
    struct spool_state spool;
    spool_get_state(worker->collector->spool, &spool);
    metrics_set(metrics, COLLECT_SPOOL_BYTES, spool.bytes);
    metrics_set(metrics, COLLECT_SPOOL_BYTES_MAX, spool.bytes_max);
    metrics_set(metrics, COLLECT_SPOOL_RECORDS, spool.records);
    metrics_set(metrics, COLLECT_SPOOL_OLDEST, (uint64_t)(spool.oldest_ms / 1000));
    metrics_set(metrics, COLLECT_SPOOL_FAILURES, spool.failures);
    metrics_set(metrics, COLLECT_SPOOL_CUT, spool.cut);
    metrics_set(metrics, COLLECT_SPOOL_QUARANTINED, spool.quarantined);
    health_set(health, worker->index, COLLECT_CHECK_SPOOL_DISK, spool.not_durable_since_ms == 0,
               spool.failures);
    health_set(health, worker->index, COLLECT_CHECK_SPOOL_ROOM,
               spool.bytes < spool.bytes_max / SPOOL_FULL_PARTS * (SPOOL_FULL_PARTS - 1),
               spool.bytes);
    health_set(health, worker->index, COLLECT_CHECK_SPOOL_FILES,
               spool.quarantined + spool.unknown == 0, spool.quarantined + spool.unknown);
}

static void report_agents(const struct worker *worker, struct metrics_part *metrics)
{
    const struct agent_cache_counts *counts = agent_cache_counts(worker->agents);
    metrics_set(metrics, COLLECT_AGENTS_KNOWN, counts->known);
    metrics_set(metrics, COLLECT_AGENTS_PARSED, counts->parsed);
    metrics_set(metrics, COLLECT_AGENTS_OVER, counts->over_budget);
}

static void report_regions(const struct worker *worker, struct metrics_part *metrics)
{
    struct health *health = worker->collector->health;
    bool known = worker->regions != NULL;
    int64_t built_s = known ? (int64_t)region_database_built_s(worker->regions) : 0;
    int64_t days = known ? (clock_wall_ms() / 1000 - built_s) / DAY_S : 0;
    metrics_set(metrics, COLLECT_GEO_BUILT, (uint64_t)built_s);
    health_set(health, worker->index, COLLECT_CHECK_GEO, known, 0);
    health_set(health, worker->index, COLLECT_CHECK_GEO_AGE, days <= GEO_FRESH_DAYS,
               (uint64_t)(days < 0 ? 0 : days));
}

static void report_copy(struct collector *collector, unsigned index, struct metrics_part *metrics)
{
    uint64_t row = 0, failures = 0;
    if (collector->site_keeper != NULL)
        failures = site_keeper_failures(collector->site_keeper, &row);
    metrics_set(metrics, COLLECT_SITES_COPY_FAILURES, failures);
    health_set(collector->health, index, COLLECT_CHECK_SITES_COPY,
               collector->site_keeper != NULL && row == 0, 0);
}

static void report_process(const struct worker *worker, struct metrics_part *metrics)
{
    struct collector *collector = worker->collector;
    size_t sites = worker->sites == NULL ? 0 : site_list_count(worker->sites);
    metrics_set(metrics, COLLECT_WORKERS, http_server_workers(collector->server));
    metrics_set(metrics, COLLECT_VISITS, visit_table_count(collector->visits));
    metrics_set(metrics, COLLECT_VISITS_EVICTED, visit_table_evicted(collector->visits));
    metrics_set(metrics, COLLECT_SITES, sites);
    metrics_set(metrics, COLLECT_SITES_READ, (uint64_t)(worker->sites_read_ms / 1000));
    report_copy(collector, worker->index, metrics);
    report_regions(worker, metrics);
    report_spool(worker, metrics);
}

void worker_report(struct worker *worker)
{
    struct collector *collector = worker->collector;
    struct metrics_part *metrics = worker->metrics;
    report_writer(worker, metrics);
    report_agents(worker, metrics);
    metrics_set(metrics, COLLECT_CONNECTIONS,
                http_server_connections(collector->server, worker->index));
    if (worker->index == 0)
        report_process(worker, metrics);
    health_set(collector->health, worker->index, COLLECT_CHECK_SITES, worker->sites != NULL,
               worker->index == 0 && worker->sites != NULL ? site_list_count(worker->sites) : 0);
    health_beat(collector->health, worker->index);
}
