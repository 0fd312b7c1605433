/* From lines to batches.
 *
 *   input ─▶ line ─▶ page view? ─▶ bot? ─▶ region ─▶ agent ─▶ source ─▶ visit ─▶ section of its day
 *                       left out, counted by reason                                 │ cut
 *                                                    row ◀── digest of the lines    ▼
 *                                                         └──────────────────────▶ batch
 *
 * A cut closes all open sections into one batch after IMPORT_BATCH_LINES_MAX lines, or sooner: when
 * a section or the batch is full, or where a day begins and there are IMPORT_BATCH_LINES_MIN. It
 * stands between two lines, and the row says how many lines it covers: whoever comes later starts
 * just there. Example, a day's log of 40,000 lines that is stopped after its second batch, and
 * grows by 500 lines before it is imported again:
 *   1st run   batch 1: lines 1..16384   batch 2: ..32768
 *   2nd run   lines 1..32768 only move visits and   batch 3: ..40500
 *             tell who was counted (import_seen)
 *
 * Order is the log's own: servers write a line when a request ends, so that two lines may stand
 * some seconds in the wrong order. A visit takes both; the seconds between them count as none.
 *
 * Visits live by the log's clock in a table of their own, keyed by the log's keys (import_keys.h).
 * Whatever holds a visitor's bytes is wiped at the end. */

#include "collector/import.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aggregator/batch.h"
#include "collector/agent.h"
#include "collector/attributes.h"
#include "collector/beacon_parts.h"
#include "collector/import_keys.h"
#include "collector/import_seen.h"
#include "collector/locale.h"
#include "collector/view.h"
#include "collector/visitor.h"
#include "common/utf8.h"

enum {
    BUFFER_BYTES = 1024 * 1024,
    LINES_A_STEP = 4096,
    ERROR_BYTES = 512,
    SECTION_FULL_BYTES = BATCH_BYTES_MAX / 2,
    HOUR_MS = 60 * 60 * 1000,
    DAY_MS = 24 * HOUR_MS,
};
static_assert(BUFFER_BYTES >= 4 * IMPORT_LINE_BYTES_MAX, "any line fits, and many more");
static_assert(BUFFER_BYTES >= IMPORT_HEAD_BYTES_MAX, "the head fits");
static_assert((size_t)VIEW_CELLS_MAX *
                      (VALUE_BYTES_MAX + BATCH_CELL_BYTES_MAX + 2 * BATCH_REGISTER_BYTES) <
                  BATCH_BYTES_MAX - SECTION_FULL_BYTES - BATCH_ENDS_BYTES_MAX,
              "a batch that is not full takes one more view");
/* 1995-01-01: there were no visitors before. */
static const int64_t TIME_MIN_MS = INT64_C(788918400000);

struct open_day {
    uint32_t date;
    size_t bytes; /* of a payload, at the most */
    struct section *section;
};

struct import {
    struct import_options options;
    struct access_reader *reader;
    struct agent_rules *rules;
    struct agent_cache *agents;
    int64_t agent_ms; /* a second each lookup: the budget of cold parses is for beacons */
    struct visit_table *visits;
    struct import_seen *seen;
    struct import_secret secret;
    uint32_t key_date; /* of the key below */
    struct day_key key;
    struct import_row row;           /* as of the last cut, or of an earlier import */
    uint64_t covered;                /* lines of an earlier import, which are not counted again */
    uint64_t cut_lines;              /* read until the last cut */
    crypto_generichash_state digest; /* of all before `hashed` */
    size_t hashed, at, len;          /* in `buffer`: digested up to, read up to, filled up to */
    bool at_end;                     /* of the input */
    bool is_over;
    size_t day_count, last_day; /* open days; the one of the last view */
    uint32_t newest_date;       /* of the open days */
    size_t batch_bytes;
    struct open_day days[IMPORT_BATCH_DAYS_MAX];
    struct buf payload;
    int64_t last_ms; /* time of the last line */
    struct import_counts counts;
    struct beacon_scratch scratch;
    struct visit_change change;
    char error[ERROR_BYTES];
    char buffer[BUFFER_BYTES];
};

struct import *import_new(const struct import_options *options)
{
    struct import *import = calloc(1, sizeof(*import));
    if (import == NULL || sodium_init() < 0)
        abort();
    import->options = *options;
    import->reader = access_reader_new(options->format, &options->rules);
    import->rules = agent_rules_new();
    import->agents = agent_cache_new(import->rules);
    import->visits = visit_table_new(VISITS_MAX, VISIT_BYTES_MAX);
    import->seen = import_seen_new();
    (void)crypto_generichash_init(&import->digest, NULL, 0, IMPORT_DIGEST_BYTES);
    buf_init(&import->payload, BATCH_BYTES_MAX);
    return import;
}

void import_free(struct import *import)
{
    if (import == NULL)
        return;
    for (size_t i = 0; i < IMPORT_BATCH_DAYS_MAX; i++)
        section_free(import->days[i].section);
    visit_table_free(import->visits);
    import_seen_free(import->seen);
    agent_cache_free(import->agents);
    agent_rules_free(import->rules);
    access_reader_free(import->reader);
    buf_done(&import->payload);
    explicit_bzero(import, sizeof(*import));
    free(import);
}

const struct import_counts *import_counts(const struct import *import)
{
    return &import->counts;
}

enum access_format import_format(const struct import *import)
{
    return access_reader_format(import->reader);
}

const char *import_error(const struct import *import)
{
    return import->error;
}

/* --- Cuts ------------------------------------------------------------------------------------- */

static void digest_until(struct import *import, size_t end)
{
    (void)crypto_generichash_update(&import->digest,
                                    (const unsigned char *)import->buffer + import->hashed,
                                    end - import->hashed);
    import->hashed = end;
}

/* Of all lines read so far. The last one's line break may not be there yet. */
static void digest_now(struct import *import, uint8_t ret_digest[IMPORT_DIGEST_BYTES])
{
    digest_until(import, import->at);
    crypto_generichash_state copy = import->digest;
    if (import->at > 0 && import->buffer[import->at - 1] != '\n')
        (void)crypto_generichash_update(&copy, (const unsigned char *)"\n", 1);
    (void)crypto_generichash_final(&copy, ret_digest, IMPORT_DIGEST_BYTES);
    import_keys_digest(ret_digest, import->counts.lines);
}

static bool is_full(const struct import *import)
{
    const struct section *section =
        import->day_count == 0 ? NULL : import->days[import->last_day].section;
    return import->counts.lines - import->cut_lines >= IMPORT_BATCH_LINES_MAX ||
           import->day_count == IMPORT_BATCH_DAYS_MAX || import->batch_bytes > SECTION_FULL_BYTES ||
           (section != NULL && section->cell_count > SECTION_CELLS_MAX - 2 * VIEW_CELLS_MAX);
}

static bool is_covered(const struct import *import)
{
    return import->counts.lines <= import->covered;
}

/* What an earlier import has stored goes into no batch. */
static void forget_covered(struct import *import)
{
    for (size_t i = 0; i < import->day_count; i++)
        section_reset(import->days[i].section, STR_EMPTY, 0);
    import->day_count = import->batch_bytes = 0;
}

bool import_cut(struct import *import, struct import_batch *ret_batch)
{
    import->cut_lines = import->counts.lines;
    if (is_covered(import))
        forget_covered(import);
    if (import->day_count == 0)
        return false;
    buf_reset(&import->payload);
    batch_begin(&import->payload, (uint32_t)import->day_count);
    for (size_t i = 0; i < import->day_count; i++) {
        batch_append_section(&import->payload, import->days[i].section);
        section_reset(import->days[i].section, STR_EMPTY, 0);
    }
    batch_end(&import->payload);
    assert(!import->payload.overflow);
    import->day_count = import->batch_bytes = 0;
    import->row.number++;
    import->row.lines = import->counts.lines;
    digest_now(import, import->row.digest);
    *ret_batch = (struct import_batch){buf_str(&import->payload), import->row};
    return true;
}

/* --- Counting --------------------------------------------------------------------------------- */

static struct open_day *day_of(struct import *import, uint32_t date)
{
    if (import->day_count > 0 && import->days[import->last_day].date == date)
        return &import->days[import->last_day];
    size_t i = 0;
    while (i < import->day_count && import->days[i].date != date)
        i++;
    import->last_day = i;
    struct open_day *day = &import->days[i];
    if (i < import->day_count)
        return day;
    assert(i < IMPORT_BATCH_DAYS_MAX); /* the batch was cut when it was full */
    import->newest_date =
        import->day_count == 0 || date > import->newest_date ? date : import->newest_date;
    import->day_count++;
    day->date = date;
    day->bytes = 0;
    if (day->section == NULL)
        day->section = section_new(SECTION_CELLS_MAX);
    section_reset(day->section, import->options.site->domain, date);
    return day;
}

static void account(struct import *import, struct open_day *day)
{
    size_t bytes = batch_section_bytes_max(day->section);
    import->batch_bytes += bytes - day->bytes;
    day->bytes = bytes;
}

static const struct day_key *key_of(struct import *import, uint32_t date)
{
    if (import->key_date != date) {
        import_keys_day(&import->secret, date, &import->key);
        import->key_date = date;
    }
    return &import->key;
}

/* A page view on its way to its section. */
struct passage {
    const struct access_line *line;
    struct beacon beacon;
    const struct agent *agent;
    struct local_time local;
    struct region region;
    struct source source;
    char language[4];
};

static void describe(const struct import *import, struct passage *passage,
                     struct visit_attributes *attributes)
{
    attributes_describe(
        &(struct attributes_facts){
            .preset = import->options.site->preset,
            .beacon = &passage->beacon,
            .agent = passage->agent,
            .region = &passage->region,
            .source = &passage->source,
            .language = locale_language(passage->line->language, passage->language),
        },
        attributes);
}

static const struct visit_change *follow_visit(struct import *import, const struct passage *passage,
                                               uint64_t tag,
                                               const struct visit_attributes *attributes)
{
    if (import->options.site->preset == SITE_STRICT)
        return NULL;
    visit_table_sign(import->visits,
                     &(struct visit_sign){
                         .tag = tag,
                         .date = passage->local.date,
                         .hour = passage->local.hour,
                         .now_ms = passage->line->time_ms,
                         .kind = BEACON_PAGEVIEW,
                         .page = passage->beacon.path,
                         .scroll_percent = -1,
                         .attributes = attributes,
                     },
                     &import->change);
    return &import->change;
}

static void note_date(struct import_counts *counts, uint32_t date)
{
    counts->views++;
    if (counts->first_date == 0 || date < counts->first_date)
        counts->first_date = date;
    if (date > counts->last_date)
        counts->last_date = date;
}

static void count_view(struct import *import, struct passage *passage)
{
    const struct site *site = import->options.site;
    const struct day_key *key = key_of(import, passage->local.date);
    const struct visitor_rules rules = {
        .preset = site->preset, .regions = import->options.regions, .key = key};
    struct client_address address = passage->line->address;
    struct visit_attributes attributes;
    uint64_t tag = visitor_read(&rules, &address, passage->line->user_agent, &passage->region);
    source_classify(&passage->beacon, site_owns_host(site, passage->beacon.referrer_host),
                    &passage->source);
    describe(import, passage, &attributes);
    const struct visit_change *visit = follow_visit(import, passage, tag, &attributes);
    struct open_day *day = day_of(import, passage->local.date);
    uint32_t first = day->section->register_count;
    view_count(day->section, key,
               &(struct view){
                   .kind = BEACON_PAGEVIEW,
                   .hour = passage->local.hour,
                   .tag = tag,
                   .page = passage->beacon.path,
                   .visit = visit,
                   .attributes = visit == NULL ? &attributes : &visit->attributes,
               });
    account(import, day);
    if (is_covered(import)) {
        import_seen_note(import->seen, day->section, first, tag);
    } else {
        import_seen_drop(import->seen, day->section, first, tag);
        note_date(&import->counts, passage->local.date);
    }
}

static void count_drop(struct import *import, uint32_t date, enum drop_reason reason)
{
    struct open_day *day = day_of(import, date);
    view_count_drops(day->section, reason, 1);
    account(import, day);
}

/* --- Lines ------------------------------------------------------------------------------------ */

static bool read_page(struct import *import, const struct access_line *line, struct beacon *beacon)
{
    struct beacon_scratch *scratch = &import->scratch;
    scratch->used = 0;
    *beacon = beacon_nothing();
    beacon->kind = BEACON_PAGEVIEW;
    beacon->site = beacon->host = import->options.site->domain;
    enum beacon_status status = beacon_looks_like_url(line->target)
                                    ? beacon_read_url(line->target, scratch, beacon)
                                : str_starts_with(line->target, STR_LIT("/"))
                                    ? beacon_read_target(line->target, scratch, beacon)
                                    : BEACON_BAD_URL;
    if (status != BEACON_OK)
        return false;
    /* A referrer that is no text is none. */
    return !utf8_is_text(line->referrer) ||
           beacon_read_referrer(line->referrer, scratch, beacon) == BEACON_OK;
}

/* What a line says by itself, whoever asked. */
static enum page_request judge(const struct import *import, const struct access_line *line)
{
    if (line->refused)
        return PAGE_REQUEST_FILE;
    if (line->time_ms < TIME_MIN_MS || line->time_ms > import->options.now_ms + HOUR_MS)
        return PAGE_REQUEST_TIME;
    if (line->host.len > 0 && !site_owns_host(import->options.site, line->host))
        return PAGE_REQUEST_HOST;
    if (!str_eq(line->method, STR_LIT("GET")))
        return PAGE_REQUEST_METHOD;
    if (line->status != 200 && line->status != 304)
        return PAGE_REQUEST_STATUS;
    return page_request_is_page(line->target, line->content_type) ? PAGE_REQUEST_VIEW
                                                                  : PAGE_REQUEST_FILE;
}

static enum page_request take_page(struct import *import, const struct access_line *line)
{
    struct passage passage = {.line = line};
    if (!read_page(import, line, &passage.beacon))
        return PAGE_REQUEST_URL;
    passage.local = timezone_local(import->options.site->zone, line->time_ms);
    import->agent_ms += 1000;
    passage.agent = agent_lookup(import->agents, line->user_agent, import->agent_ms);
    enum bot bot = bot_check(&line->ahead, passage.agent);
    if (bot == BOT_NONE) {
        count_view(import, &passage);
        return PAGE_REQUEST_VIEW;
    }
    if (!is_covered(import))
        count_drop(import, passage.local.date, bot == BOT_PREFETCH ? DROP_PREFETCH : DROP_BOT);
    return bot == BOT_PREFETCH ? PAGE_REQUEST_PREFETCH : PAGE_REQUEST_BOT;
}

static void note_jump(struct import *import, int64_t time_ms)
{
    struct import_counts *counts = &import->counts;
    if (time_ms < import->last_ms - DAY_MS && !is_covered(import) && counts->jumps++ == 0)
        counts->jump_line = counts->lines;
    import->last_ms = time_ms;
}

/* The line's number is counts.lines. */
static void take_line(struct import *import, bool is_readable, const struct access_line *line)
{
    struct import_counts *counts = &import->counts;
    enum page_request fault = PAGE_REQUEST_MALFORMED;
    if (is_readable) {
        fault = judge(import, line);
        if (fault == PAGE_REQUEST_VIEW)
            fault = take_page(import, line);
        if (fault != PAGE_REQUEST_TIME)
            note_jump(import, line->time_ms);
    } else if (counts->malformed_line == 0 && !is_covered(import)) {
        counts->malformed_line = counts->lines;
    }
    if (is_covered(import))
        counts->before++;
    else
        counts->left_out[fault] += fault != PAGE_REQUEST_VIEW;
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* Moves what is not read to the front and fills up. */
static bool refill(struct import *import)
{
    size_t filled;
    if (import->at == 0 && import->len == BUFFER_BYTES) {
        snprintf(import->error, ERROR_BYTES, "line %llu has no end: this is no access log.",
                 (unsigned long long)import->counts.lines + 1);
        return false;
    }
    digest_until(import, import->at);
    memmove(import->buffer, import->buffer + import->at, import->len - import->at);
    import->len -= import->at;
    import->at = import->hashed = 0;
    if (!log_input_read(import->options.input, import->buffer + import->len,
                        BUFFER_BYTES - import->len, &filled, import->error, ERROR_BYTES))
        return false;
    import->len += filled;
    import->at_end = filled == 0;
    return true;
}

/* The last line has no line break: it may be whole, or a server is just writing it. */
static void take_last(struct import *import)
{
    struct access_line line;
    struct str text = {import->buffer + import->at, import->len - import->at};
    import->is_over = true;
    if (text.len == 0)
        return;
    if (!access_read(import->reader, text, &line)) {
        import->counts.unfinished = true;
        return;
    }
    import->at = import->len;
    import->counts.lines++;
    take_line(import, true, &line);
    client_address_wipe(&line.address);
}

/* A batch that ends with its day is counted fastest (limits.h). */
static bool begins_day(const struct import *import, const struct access_line *line)
{
    return import->day_count > 0 &&
           import->counts.lines - import->cut_lines >= IMPORT_BATCH_LINES_MIN &&
           timezone_local(import->options.site->zone, line->time_ms).date > import->newest_date;
}

enum next { NEXT_TAKEN, NEXT_NONE, NEXT_CUT };

/* Takes one line of the buffer, unless there is no whole one or a cut is due before it. */
static enum next next_line(struct import *import)
{
    struct access_line line;
    struct str rest = {import->buffer + import->at, import->len - import->at};
    size_t len = str_find(rest, '\n');
    if (len == rest.len)
        return NEXT_NONE;
    struct str text = str_prefix(rest, len);
    if (text.len > 0 && text.ptr[text.len - 1] == '\r')
        text.len--;
    bool is_readable = access_read(import->reader, text, &line);
    bool is_cut = is_readable && begins_day(import, &line);
    if (!is_cut) {
        import->at += len + 1;
        import->counts.lines++;
        take_line(import, is_readable, &line);
    }
    if (is_readable)
        client_address_wipe(&line.address);
    return is_cut ? NEXT_CUT : NEXT_TAKEN;
}

/* --- An earlier import ------------------------------------------------------------------------ */

/* After the last line that it covers. */
static bool is_same_log(struct import *import)
{
    uint8_t digest[IMPORT_DIGEST_BYTES];
    digest_now(import, digest);
    forget_covered(import);
    import->cut_lines = import->counts.lines;
    if (import->counts.lines == import->covered &&
        memcmp(digest, import->row.digest, sizeof(digest)) == 0)
        return true;
    snprintf(import->error, ERROR_BYTES,
             "this log begins like one that was imported, but its first %llu lines are not the "
             "same: it is another log, or was changed. Nothing of it is counted.",
             (unsigned long long)import->covered);
    return false;
}

bool import_begin(struct import *import, struct import_row *rows, size_t row_count)
{
    struct str site = import->options.site->domain;
    if (!refill(import))
        return false;
    struct str head = str_prefix((struct str){import->buffer, import->len}, IMPORT_HEAD_BYTES_MAX);
    const struct import_row *row = import_keys_find(site, head, rows, row_count);
    if (row != NULL) {
        head = str_prefix(head, row->head_bytes);
        import->row = *row;
        import->covered = row->lines;
    } else {
        import->row =
            (struct import_row){.id = import_keys_id(site, head), .head_bytes = (uint32_t)head.len};
    }
    import_keys_secret(site, head, &import->secret);
    return true;
}

/* --- Steps ------------------------------------------------------------------------------------ */

static enum import_step finish(struct import *import, struct import_batch *ret_batch)
{
    if (import->counts.lines < import->covered && !is_same_log(import))
        return IMPORT_FAILED;
    return import_cut(import, ret_batch) ? IMPORT_BATCH : IMPORT_END;
}

enum import_step import_step(struct import *import, struct import_batch *ret_batch)
{
    if (import->is_over)
        return finish(import, ret_batch);
    for (int i = 0; i < LINES_A_STEP; i++) {
        enum next next = next_line(import);
        if (next == NEXT_NONE) {
            if (import->at_end)
                take_last(import);
            else if (!refill(import))
                return IMPORT_FAILED;
        }
        if (import->covered > 0 && import->counts.lines == import->covered &&
            import->cut_lines < import->covered && !is_same_log(import))
            return IMPORT_FAILED;
        if ((next == NEXT_CUT || is_full(import)) && import_cut(import, ret_batch))
            return IMPORT_BATCH;
        if (import->is_over)
            return IMPORT_MORE;
    }
    return IMPORT_MORE;
}
