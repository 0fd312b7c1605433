#pragma once

/* Every bound of Footfall in one place, each with its reason. Relations are checked at build time.
 */

#include <assert.h>
#include <stdint.h>

/* --- What a visitor's browser may send ------------------------------------------------------- */
/* A beacon's body (413 over it): a URL, a referrer and thirty short properties fit well in 8 KiB.
 */
#define BEACON_BODY_BYTES_MAX (8 * 1024)
/* A URL in a beacon; browsers' practical limit is 2,083 bytes, and longer ones are 400. */
#define BEACON_URL_BYTES_MAX 4096
/* A stored path: long enough for any real page, short enough for two thousand a day a site. */
#define PATH_BYTES_MAX 512
/* A host name (RFC 1035: 253) with a port. */
#define HOST_BYTES_MAX 260
/* A campaign tag, an event's name, a property's key or value. */
#define TAG_BYTES_MAX 120
/* Properties of one event that are counted; more are left out. */
#define EVENT_PROPS_MAX 30
/* What clients of other tools may send of a property, whose servers take as much; kept are
 * TAG_BYTES_MAX of each. */
#define COMPAT_PROP_KEY_BYTES_MAX 300
#define COMPAT_PROP_VALUE_BYTES_MAX 2000
/* Characters of an event's name there; kept are TAG_BYTES_MAX bytes. */
#define COMPAT_NAME_CHARACTERS_MAX 120
/* Their JSON: a request, its payload, the properties; a little more is a newer client's, and a lot
 * is somebody who wants the parser's stack. */
#define COMPAT_JSON_DEPTH_MAX 16
/* Sites that one event of Plausible's clients may name: its own and those that gather several. */
#define COMPAT_SITES_MAX 8
/* A Cookie header past this size is not read: the view is dropped (fail closed). */
#define COOKIE_BYTES_MAX 4096
/* A User-Agent past this size is cut: no browser's is near it. */
#define USER_AGENT_BYTES_MAX 512
/* X-Forwarded-For entries that are walked from the right. */
#define FORWARDED_HOPS_MAX 32
/* The longest value of any table: a property (key, separator, value) or a path. */
#define VALUE_BYTES_MAX 512
/* That of a cross: two values with a separator. */
#define CROSS_VALUE_BYTES_MAX (2 * VALUE_BYTES_MAX + 1)
static_assert(PATH_BYTES_MAX <= VALUE_BYTES_MAX, "a path is a value");
static_assert(3 * TAG_BYTES_MAX + 2 <= VALUE_BYTES_MAX, "a property with its event is a value");
static_assert(HOST_BYTES_MAX <= VALUE_BYTES_MAX, "a referrer host is a value");

/* --- Sites ------------------------------------------------------------------------------------ */
#define SITES_MAX 10000
#define SITE_ALIASES_MAX 32
#define SITE_SETTINGS_BYTES_MAX (16 * 1024)

/* --- Sections and batches ----------------------------------------------------------------------
 */
/* Cells of an open section. A view touches at most some twenty cells and sixty with thirty
 * properties; a section with room for two such views only is sealed whatever its age.
 * As many cells of crosses have room; past it they count under "(other)" of their cross, while the
 * tables' own cells go on: detail is the first to go. */
#define SECTION_CELLS_MAX 8192
/* One batch: what one worker can gather during one round trip to Redis, far under Redis's own
 * limits and small enough that `append` runs well under a millisecond. */
#define BATCH_BYTES_MAX (1024 * 1024)
/* Sections of one batch, and of one live part: far more sites than one round trip brings, and few
 * enough that looking for each among those before it takes milliseconds. */
#define BATCH_SECTIONS_MAX 4096
/* Sealed batches that wait for Redis in a worker's memory; past it beacons are shed with 503. */
#define WRITER_QUEUE_BYTES_MAX (16 * 1024 * 1024)
static_assert(WRITER_QUEUE_BYTES_MAX >= 2 * BATCH_BYTES_MAX, "one in flight and one waiting");
/* A batch that the log has not taken within half of `ack.wait_ms` goes to the spool as well; for
 * any `ack.wait_ms` not sooner than a disk syncs, and not later than a person notices. */
#define LOG_SLOW_MS_MIN 10
#define LOG_SLOW_MS_MAX 500
/* After a refusal the log is asked again. */
#define WRITER_RETRY_MS 200
/* Memory of a worker's open sections; past it beacons are shed with 503. A quiet site's is 11 KB,
 * so that every site of the list may be open at once; a full one is under 2 MiB. */
#define WRITER_OPEN_BYTES_MAX (128 * 1024 * 1024)
/* From here on new values of detail tables count under `(other)`: detail goes before views. Every
 * site of the list may be open and quiet without it. */
#define WRITER_DETAIL_BYTES_MAX (WRITER_OPEN_BYTES_MAX / 8 * 7)
static_assert(WRITER_DETAIL_BYTES_MAX >= SITES_MAX * 10 * 1024, "quiet sites keep their detail");
/* A table with more values a day is detail. The others are so small that they take no room. */
#define DETAIL_VALUES_MAX 100
/* Live messages that Redis has not answered yet; past it the second's others are not told. */
#define WRITER_PUBLISH_BYTES_MAX (32 * 1024 * 1024)
/* The log's length in Redis; `append` refuses past it, which the writer treats as Redis away. */
#define LOG_ENTRIES_MAX 200000
/* Rows of writers, some 100 bytes each; `append` refuses a new writer past it. A row stays for
 * WRITER_ROW_KEPT_MS: room for a collector of eight workers that starts again every twenty seconds
 * for all of that time. */
#define WRITERS_MAX 300000

/* Batches in the log from which on the store is behind: whoever asks for counts is sent away, so
 * that applying the log has Redis for itself. A minute's of twenty busy workers; and few enough to
 * have caught up before the log is full. Half of it is behind no more. */
#define BACKLOG_SHED_ENTRIES (LOG_ENTRIES_MAX / 10)
#define BACKLOG_SERVE_ENTRIES (BACKLOG_SHED_ENTRIES / 2)
/* When they are asked to come again, in seconds. */
#define BACKLOG_RETRY_S 10
/* What the aggregator folds in one `apply`. */
#define APPLY_ENTRIES_MAX 512
#define APPLY_BYTES_MAX (2 * 1024 * 1024)
static_assert(APPLY_BYTES_MAX >= BATCH_BYTES_MAX, "any one batch can be applied");
/* Rows and cells of crosses in one `apply`, beside the last entry's: some twenty thousand fields,
 * which hold Redis for twenty milliseconds. Ten times as many at once take half as long again each,
 * since the function's strings no longer fit the processor's cache. */
#define APPLY_PENDING_MAX 8192

/* --- Visits ------------------------------------------------------------------------------------
 */
/* Thirty idle minutes end a visit: the convention of the field. */
#define VISIT_IDLE_S (30 * 60)
#define VISIT_SHARDS 64
/* Open visits: over half a million visits an hour; past it the oldest is evicted. */
#define VISITS_MAX (256 * 1024)
/* Their attributes' bytes; past it the oldest is evicted. */
#define VISIT_BYTES_MAX (96 * 1024 * 1024)
/* Pages and events that one visit remembers having met, so that visits are counted once a page. */
#define VISIT_SEEN_MAX 24
/* A visitor who was active within this time is here now. */
#define VISIT_NOW_S (5 * 60)

/* --- User-Agents --------------------------------------------------------------------------------
 */
#define AGENT_CACHE_ENTRIES 8192
/* Cold parses a worker may spend a second; past it a new User-Agent counts as `(other)`. One takes
 * some 8 microseconds, and a quarter of a millisecond when its text was made to be slow. */
#define AGENT_COLD_PER_S_MAX 1000
/* The longest browser or system with its version. */
#define AGENT_VALUE_BYTES_MAX 64
/* Expressions that one User-Agent may have run, and the steps of each: three and five times what
 * any of twenty thousand known browsers needs; past it the User-Agent counts as `(other)`. */
#define RULES_RUNS_MAX 96
#define RULES_MATCH_STEPS_MAX 10000
#define RULES_MATCH_HEAP_KIB_MAX 1024

/* --- HTTP ----------------------------------------------------------------------------------------
 */
#define HTTP_WORKERS_MAX 64
#define HTTP_CONNECTIONS_MAX 10000
#define HTTP_ACCEPTS_PER_TURN_MAX 64
/* Descriptors that are no client's: the process's own, and a worker's (loop, listener, Redis).
 * There are fewer connections where the process may open fewer files. */
#define HTTP_FILES_RESERVED 64
#define HTTP_FILES_A_WORKER 16
/* Headers, body and idle together; also how long an idle connection is kept. */
#define HTTP_REQUEST_TIMEOUT_MS 10000
/* A request's head, with some room: twice what any browser sends, and what common fronts take.
 * Whoever sends more than it and the body may have is cut off; libh2o alone takes 400 KiB. */
#define HTTP_HEAD_BYTES_MAX (32 * 1024)
/* A peer that acknowledges nothing is gone, or does not read. */
#define HTTP_USER_TIMEOUT_MS 20000
/* A reader takes all that there is for it, or this much, each time that this long has passed: three
 * kilobytes a second, which the worst of lines has. */
#define HTTP_READER_TIMEOUT_MS 20000
#define HTTP_READER_BYTES_MIN (64 * 1024)
/* Replies that wait for their readers, a worker; past it 503. A few of the largest, a dashboards'
 * export of QUERY_ROWS_MAX long rows; a beacon's are a hundred bytes. */
#define HTTP_REPLY_BYTES_MAX (128 * 1024 * 1024)
#define HTTP_BODY_BYTES_MAX BEACON_BODY_BYTES_MAX
/* Beacons whose reply is held for Redis, a worker. */
#define HELD_REPLIES_MAX 20000
static_assert(HELD_REPLIES_MAX >= HTTP_CONNECTIONS_MAX, "each connection may hold one reply");

/* --- Redis
 * ---------------------------------------------------------------------------------------- */
#define REDIS_CONNECT_TIMEOUT_MS 1000
#define REDIS_COMMAND_TIMEOUT_MS 5000
#define REDIS_BACKOFF_FIRST_MS 50
#define REDIS_BACKOFF_LAST_MS 2000

/* --- Dashboards
 * ------------------------------------------------------------------------------------ */
#define QUERY_BODY_BYTES_MAX (64 * 1024)
#define QUERY_DAYS_MAX (20 * 366) /* imported history goes back far */
#define QUERY_ROWS_MAX 10000
static_assert(HTTP_REPLY_BYTES_MAX >= 4 * QUERY_ROWS_MAX * (4 * VALUE_BYTES_MAX + 256),
              "exports have room");
#define LIVE_STREAMS_MAX 256
#define LIVE_MESSAGE_BYTES_MAX (256 * 1024)
#define LIVE_MINUTES 30
#define LIVE_TOP_PAGES 10

/* Cells of one site's day in one `apply`: more than any batch can carry (a cell takes six bytes).
 */
#define APPLY_CELLS_MAX (256 * 1024)
static_assert(APPLY_CELLS_MAX >= BATCH_BYTES_MAX / 6, "any one batch can be folded");

/* Cells of one cross in a day, but "(other)": the largest hundred or so are kept when the day
 * closes, and of the first two thousand they are with next to certainty the day's largest. All
 * crosses of a site's day full of them take some 20 MB in Redis. */
#define CROSS_CELLS_MAX 2000

/* A geo database older than this is worth a warning: providers make one each month. */
#define GEO_FRESH_DAYS 60

/* --- Configuration
 * ---------------------------------------------------------------------------------- */
/* The file: every key with a comment is under 8 KiB. */
#define CONFIG_FILE_BYTES_MAX (64 * 1024)
/* One value: a path is the longest. */
#define CONFIG_VALUE_BYTES_MAX 4096
#define CONFIG_PATH_BYTES_MAX (CONFIG_VALUE_BYTES_MAX + 64)

/* Keys of sites' days: each site has one, and for a moment at midnight two. */
#define DAY_KEYS_MAX (2 * SITES_MAX)
/* Rows of one answer before it is cut to a page of QUERY_ROWS_MAX: a year of days of 250 values, or
 * fifty times the largest table of a day. Some 20 MB. */
#define QUERY_GROUPS_MAX 100000
static_assert(QUERY_GROUPS_MAX >= QUERY_DAYS_MAX, "a day's figure each fits");

/* --- Applying the log ------------------------------------------------------------------------- */
/* At most so often are entries applied: many batches share one step, and a dashboard sees what is
 * not applied yet through live messages anyway. */
#define APPLY_EVERY_MS 200
/* When an apply takes long the next one waits nine times as long, so that applying takes a tenth of
 * the time at most, but never longer than this. */
#define APPLY_EVERY_MS_MAX 1000
/* How often it is looked meanwhile whether what has come fills an apply. */
#define APPLY_LOOK_MS 50
/* Of a long log the next entries are folded while an apply is under way, but closing days has its
 * turn, before anything is folded, as often as this. */
#define APPLY_AHEAD_MS 1000
/* An entry that has waited for longer is worth a look: applying takes a second at most. */
#define LOG_LAG_MS_MAX 10000
/* How long the aggregator waits for the log before it looks for a signal to stop. */
#define APPLY_BLOCK_MS 500
/* Entries in one reply: bounds it to some tens of megabytes. */
#define APPLY_READ_ENTRIES 32
/* The arguments of one `apply`. The worst of a payload's bytes are cells of seven with one
 * register: each becomes keys, fields and a sketch of some 400. */
#define APPLY_CALL_BYTES_MAX (256u * 1024 * 1024)
/* Of those, the fields of crosses: five bytes of a payload can name two paths, twice. Past it cells
 * count under "(other)": a hundred thousand ordinary ones fit. */
#define APPLY_CROSSES_BYTES_MAX (32u * 1024 * 1024)
static_assert(APPLY_CALL_BYTES_MAX >=
                  64u * (APPLY_BYTES_MAX + BATCH_BYTES_MAX) + APPLY_CROSSES_BYTES_MAX,
              "whatever may be folded can be sent");
/* From so many registers on a sketch is dense at rest (12 KiB): merging into a sparse one takes
 * time by the square of its registers, and from here on longer than into a dense one. */
#define SKETCH_DENSE_FROM 256
/* What the aggregator remembers of values and registers at rest; past it all is forgotten, and
 * loaded again as it is needed. Holds some thousand busy pages, or ten thousand quiet sites. */
#define LEDGER_BYTES_MAX (192 * 1024 * 1024)
/* Live hashes and drops: twenty-five months, the longest that a preset keeps day records; those of
 * an imported day from when it came. */
#define LIVE_KEPT_DAYS 762
/* Sketches after the date has ended in UTC: fourteen hours until it has ended in every time zone,
 * and one in which the last batches arrive. */
#define SEEN_KEPT_HOURS 15
/* Sketches of a day that was over already when its batch arrived. */
#define SEEN_LATE_KEPT_HOURS 1
/* Collectors' last messages in a dashboards' memory; past it new ones are not kept, and what they
 * tell shows when it is applied. A busy site's is some 20 KB. */
#define OVERLAY_BYTES_MAX (64 * 1024 * 1024)
/* Cells of one day and table whose sketches are read for what is not applied yet: each takes some
 * 40 microseconds to estimate. Past it their visitors are added up. */
#define OVERLAY_SKETCHES_MAX 256
/* A collector tells every second; one that is silent for three is gone, or has nothing open. */
#define OVERLAY_EXPIRY_MS 3000

/* --- Questions ----------------------------------------------------------------------------------
 */
/* Questions that are answered at the same time; past it 503. A page asks some eight at once, and
 * one holds at most 20 MB of rows. */
#define QUESTIONS_MAX 32
/* Times that a question is begun anew because a day was sealed while it was read. A site's days are
 * sealed once a day, and a late batch's again a minute after it. */
#define QUERY_TRIES_MAX 4
/* Commands of one step of a question: the stamps of QUERY_DAYS_MAX days twice, for a comparison, at
 * most HOST_BYTES_MAX + 64 bytes each, and as many keys; or the sketches of an open day. */
#define QUERY_COMMANDS_BYTES_MAX (16u * 1024 * 1024)
static_assert(QUERY_COMMANDS_BYTES_MAX >= 4 * QUERY_DAYS_MAX * (HOST_BYTES_MAX + 64),
              "all stamps and keys of a question and what it is compared with");
static_assert(QUERY_COMMANDS_BYTES_MAX >=
                  2 * OVERLAY_SKETCHES_MAX * (VALUE_BYTES_MAX + HOST_BYTES_MAX + 64),
              "an open day's sketches");
/* Bytes of sealed days after which a step of a question asks for no further month: to decode them
 * holds the dashboards' loop up for some three milliseconds. A year of a small site fits. */
#define QUERY_STEP_BYTES (512 * 1024)
/* Decoded sums of sealed days and names of months that the dashboards keep. A year of the largest
 * table is some 300 KB, a month's names as much: enough for some ten busy sites that are looked at,
 * all panels. What goes to make room is counted, see footfall_dashboards_cache_evictions_total. */
#define QUERY_CACHE_BYTES_MAX (64u * 1024 * 1024)

/* --- Admin listeners ---------------------------------------------------------------------------
 */
/* A monitor or two, and `footfall check`. */
#define ADMIN_CONNECTIONS_MAX 32
/* Requests have no body. */
#define ADMIN_BODY_BYTES_MAX 1024
/* One answer: a row takes some 200 bytes with its help, and no role has two hundred. */
#define ADMIN_BYTES_MAX (256 * 1024)
/* A thread that has given no sign for so long is stuck: its signs come each second, and the longest
 * that it may wait for anything is REDIS_COMMAND_TIMEOUT_MS, a few times over. */
#define HEALTH_BEAT_MS_MAX 30000
static_assert(HEALTH_BEAT_MS_MAX >= 4 * REDIS_COMMAND_TIMEOUT_MS,
              "a slow Redis is not a stuck thread");

/* --- The spool -------------------------------------------------------------------------------- */
/* A batch's payload: what the log takes is half of it, and a batch is sealed by an estimate. */
#define SPOOL_PAYLOAD_BYTES_MAX (2 * BATCH_BYTES_MAX)
/* All of DIR/spool, with what is in quarantine, unless `spool.bytes_max` says otherwise: at 200 KB
 * of batches a second more than an hour without Redis. Past it batches stay in memory, and past
 * that beacons are shed. */
#define SPOOL_BYTES_MAX (1024ull * 1024 * 1024)
/* One file: large enough that few are made, small enough to be read in one piece at the start, and
 * to be little to lose when one is damaged. */
#define SPOOL_SEGMENT_BYTES_MAX (64ull * 1024 * 1024)
static_assert(SPOOL_SEGMENT_BYTES_MAX >= 4 * SPOOL_PAYLOAD_BYTES_MAX, "a file holds many batches");
static_assert(SPOOL_BYTES_MAX >= 4 * SPOOL_SEGMENT_BYTES_MAX, "a full file is a part of the whole");
/* Files: a writer has one for each time that Redis was away, one an hour, one for 64 MiB. */
#define SPOOL_SEGMENTS_MAX 4096
/* A file takes batches for this long: the age of a batch is known to within it. */
#define SPOOL_SEGMENT_SPAN_MS (60 * 60 * 1000)
/* One write, followed by one fdatasync: all that waits, up to this. */
#define SPOOL_GROUP_BYTES_MAX (4 * 1024 * 1024)
static_assert(SPOOL_GROUP_BYTES_MAX >= SPOOL_PAYLOAD_BYTES_MAX + 1024, "any one batch is a group");
/* Older batches are not replayed: whoever prunes the rows of writers that are gone may do so after
 * this and not before, since the row is what tells a batch that is in the log already. */
#define SPOOL_AGE_MAX_MS (7ll * 24 * 60 * 60 * 1000)
/* Batches gather so long before they are spooled: records become fewer and larger, so that the log
 * takes them faster than they come. */
#define SPOOL_GATHER_MS 20
/* The least that `spool.bytes_max` may be: two batches of the largest kind. */
#define SPOOL_BYTES_MIN (4 * 1024 * 1024)
static_assert(SPOOL_BYTES_MIN >= 2 * SPOOL_PAYLOAD_BYTES_MAX, "a batch fits while another waits");
/* The spool counts as nearly full, for a warning, when all but one of so many parts are. */
#define SPOOL_FULL_PARTS 8
/* Parts of a full spool that are freed one by one as it is replayed. */
#define SPOOL_SEGMENTS_A_SPOOL 8
/* After two failures in a row the disk is tried again this often. */
#define SPOOL_RETRY_MS 1000
/* What is in quarantine waits this long for somebody to look at it. */
#define SPOOL_QUARANTINE_KEPT_MS (30ll * 24 * 60 * 60 * 1000)

/* --- The site list's copy --------------------------------------------------------------------- */
/* Any list fits; the file is read in one piece. */
#define SITE_COPY_BYTES_MAX (1024 + SITES_MAX * (HOST_BYTES_MAX + SITE_SETTINGS_BYTES_MAX + 4ll))
/* A list that Redis has not confirmed for so long is not believed any more: what would be counted
 * by it since then is no longer replayed either. */
#define SITE_COPY_AGE_MAX_MS SPOOL_AGE_MAX_MS
/* A copy of the same list is written anew when it is this old. */
#define SITE_COPY_FRESH_MS (24ll * 60 * 60 * 1000)
static_assert(SITE_COPY_AGE_MAX_MS > 2 * SITE_COPY_FRESH_MS, "what is confirmed does not age");

/* --- Days at rest ------------------------------------------------------------------------------
 */
/* Names of one site's one month: that of a site of 2,000 pages has some 5,000, and one of which
 * each day fills every table with new ones reaches it in nine days. Past it a new name counts under
 * `(other)`, exactly. */
#define DAY_NAMES_MAX (128 * 1024)
/* Their text: 64 bytes each. */
#define DAY_NAMES_BYTES_MAX (8u * 1024 * 1024)
static_assert(DAY_NAMES_BYTES_MAX >= 64u * DAY_NAMES_MAX, "as many names as may be have room");
/* Cells of one cross while it is counted and merged; past it they count as hidden. A month of full
 * crosses of different cells is less than a tenth. */
#define DAY_CELLS_MAX (64 * 1024)
/* The name of a time zone, with its NUL; the longest that there is has 32 letters. */
#define DAY_TIMEZONE_BYTES_MAX 40
/* Any sum: exact as a double, so that no reader of an answer sees another number. */
#define DAY_SUM_MAX (INT64_C(1) << 53)
/* The least people that a cell of a closed day tells of. Statistics offices ask for three to ten;
 * the strict preset takes their most. */
#define THRESHOLD_K_STANDARD 5
#define THRESHOLD_K_STRICT 10
/* What one record holds of a table: its cap a day, "(other)", and "(other)" of each country. */
#define RECORD_ROWS_MAX 4096
/* Cells of one cross in a record, after the caps of aggregator/model_crosses.h. */
#define RECORD_CELLS_MAX 4096
/* Bytes of the days of a month from which on a part of their records is summed up (month_sum.h). To
 * read as much takes a fifth of a millisecond, so that a year of less takes little beside the names
 * and headers of its days, which take four. Of 100,000 views a day pages, regions, sources and
 * countries have more, of 1,000 pages and entry pages. */
#define MONTH_SUM_PART_BYTES_MIN (16 * 1024)
/* A month's names at rest: the names, a length each, and a head and a frame for each time that they
 * were added to, at the worst for one name. */
#define RECORD_NAMES_BYTES_MAX (DAY_NAMES_BYTES_MAX + 64u * DAY_NAMES_MAX)
/* Of a month's names, what the next chunk is compressed against. */
#define RECORD_NAMES_PREFIX_BYTES (128 * 1024)

/* --- The close ---------------------------------------------------------------------------------
 */
/* A site's day is closed so long after its midnight: `mix.seconds` is ten minutes at the most, and
 * what was sealed then has some more to arrive. What comes later opens the day again. */
#define CLOSE_AFTER_MS (15 * 60 * 1000)
/* And not before so long without a change: dashboards may have a live message of that day for
 * OVERLAY_EXPIRY_MS, and a spool that is replayed brings a day in many batches. */
#define CLOSE_QUIET_MS (60 * 1000)
static_assert(CLOSE_QUIET_MS >= 10 * OVERLAY_EXPIRY_MS, "no live message is of a closed day");
/* How often the aggregator looks which days are over. */
#define CLOSE_LOOK_MS (20 * 1000)
/* One turn of closing, between two applies: then the log has its turn again. A day that takes
 * longer is a turn by itself. */
#define CLOSE_TURN_MS 50
/* Open days that are over and known to the aggregator, some 150 bytes each: two of every site, and
 * many years of some. Others wait for a later look. */
#define CLOSE_DAYS_MAX (4 * SITES_MAX)
/* What cannot be read is tried again after this: somebody may have repaired it. */
#define CLOSE_RETRY_MS (10 * 60 * 1000)
/* A day of a site that is no longer in the list goes after so long without a change: collectors
 * have the new list by then, and what they had sealed before has come. */
#define CLOSE_FORGET_MS (5 * 60 * 1000)
/* Keys of one day that go when it closes: each row of each table may have a sketch. */
#define CLOSE_KEYS_BYTES_MAX (16u * 1024 * 1024)
/* Months that records stay, unless a site's settings say otherwise: days for two years, so that
 * each can be compared with that of a year ago, and not longer than the 25 months that France's
 * authority asks for; months for five years, or in the strict preset not at all. */
#define KEEP_DAYS_STANDARD 25
#define KEEP_DAYS_STRICT 25
#define KEEP_MONTHS_STANDARD 60
/* The most that a site may ask for. */
#define KEEP_MONTHS_MAX 240
/* A day that closes so many months after its own is an imported one, and stays from then on. */
#define RETENTION_LATE_MONTHS 2
/* Days are folded into their month so long before they leave, and leave by themselves only so long
 * after that: while nothing runs, nothing is lost. */
#define RETENTION_FOLD_EARLY_DAYS 3
#define RETENTION_FOLD_LATE_DAYS 31
/* How often all sites are looked at for days that leave soon; far less than
 * RETENTION_FOLD_EARLY_DAYS. */
#define ROLLUP_EVERY_MS (6 * 60 * 60 * 1000)
/* One turn of it, as of closing; a site takes some milliseconds. */
#define ROLLUP_TURN_MS 20
/* Months that are looked for, back from the first that leaves: an imported log may be as old. */
#define ROLLUP_MONTHS_MAX 256
/* One record: more than a day takes whose every table and cross is full. */
#define CLOSE_RECORD_BYTES_MAX (16u * 1024 * 1024)

/* --- What leaves the log otherwise -------------------------------------------------------------
 */
/* Entries that cannot be applied. Of a usual 20 KB each, 20 MB; at the worst BATCH_BYTES_MAX each.
 * Past it the log stops, since nothing of it may be lost. */
#define QUARANTINE_ENTRIES_MAX 1000
/* They wait as long as what the spool has set aside. */
#define QUARANTINE_KEPT_MS SPOOL_QUARANTINE_KEPT_MS
/* Why one of them is there, in words, with the key that is in the way. */
#define QUARANTINE_REASON_BYTES_MAX 600
static_assert(QUARANTINE_REASON_BYTES_MAX >= 2 * HOST_BYTES_MAX, "a key of a site's table fits");
/* The row of a writer is what tells a batch that is in the log already, so it outlives every batch
 * that may still be sent again. A day on top is for clocks that go wrong, and for a file of the
 * spool, whose age is known to within its span. */
#define WRITER_ROW_KEPT_MS (SPOOL_AGE_MAX_MS + 24ll * 60 * 60 * 1000)
/* Rows and the quarantine are looked through this often, and not within this time of a connection:
 * whoever waited for Redis sends again first. */
#define PRUNE_EVERY_MS (60 * 60 * 1000)
static_assert(WRITER_ROW_KEPT_MS >= SPOOL_AGE_MAX_MS + SPOOL_SEGMENT_SPAN_MS + PRUNE_EVERY_MS,
              "no batch that may come again has lost its row");

/* --- The journal ------------------------------------------------------------------------------ */
/* Free space that must be there, beside once more what the journal takes, before Redis is asked to
 * rewrite it: until the rewrite is done the old one stays, and what is appended meanwhile needs
 * room as well. A few seconds of batches at their busiest. */
#define JOURNAL_FREE_BYTES_MIN (16ull * 1024 * 1024)
/* How often it is asked whether a day was closed since the last rewrite, and so how soon a rewrite
 * follows; where sites of many zones close all day, it is no more often than this. */
#define JOURNAL_LOOK_MS (5 * 60 * 1000)
/* How often a rewrite that could not be begun, or failed, is tried again. */
#define JOURNAL_RETRY_MS (60 * 1000)
/* --- Import ------------------------------------------------------------------------------------
 */
/* What names a log: its content up to here. Enough that two logs of one server differ, little
 * enough to be read before anything is counted. */
#define IMPORT_HEAD_BYTES_MAX (64 * 1024)
/* A log's name, keys and digests are hashes of its lines. Of more than this nobody can guess all;
 * below it a guess is made to take some ten milliseconds and much memory. */
#define IMPORT_SHORT_BYTES 4096
#define IMPORT_SHORT_LINES 32
/* A longer line is left out: the longest that servers write have 8 KiB of request line, and as much
 * in each of two headers. */
#define IMPORT_LINE_BYTES_MAX (64 * 1024)
/* Lines that are counted and stored together; an interrupted import reads no more than these again
 * without having counted them. */
#define IMPORT_BATCH_LINES_MAX 16384
/* Where a day begins they are stored as soon as there are so many: a day whose lines come at once
 * is new when it is counted, which costs Redis least. */
#define IMPORT_BATCH_LINES_MIN 4096
/* Days of one batch: a log of a quiet site has many days in so many lines. */
#define IMPORT_BATCH_DAYS_MAX 32
/* Visitors in cells of a day that an import remembers of the lines that it does not count again:
 * some hundred thousand visitors, in 32 MB. The others of a larger day may be counted twice. */
#define IMPORT_SEEN_MAX (2 * 1024 * 1024)
/* Batches that are sent together, and for which Redis syncs its journal once. It applies what came
 * before for some tens of milliseconds at a time, and an import that waits for its turn with each
 * batch takes three times as long; a million lines are some two hundred batches of 60 KB, which a
 * killed import has to read again at most. */
#define IMPORT_GROUP_MAX 256
/* The first go in a group of so few, and each group may be twice as large as the one before: else
 * the aggregator would have nothing to do until a million lines have been read. */
#define IMPORT_GROUP_FIRST 4
#define IMPORT_GROUP_BYTES_MAX (16 * 1024 * 1024)
/* Batches that an import has put into the log and the aggregator has not worked off; past it the
 * import waits. */
#define IMPORT_AHEAD_BYTES_MAX (64 * 1024 * 1024)
#define IMPORT_AHEAD_BATCHES_MAX 4096
static_assert(IMPORT_AHEAD_BYTES_MAX >= 2 * (IMPORT_GROUP_BYTES_MAX + BATCH_BYTES_MAX),
              "while some are worked off, others come");
static_assert(IMPORT_AHEAD_BATCHES_MAX >= 2 * IMPORT_GROUP_MAX, "likewise");
/* After this long without the log moving an import says so, and goes on waiting. */
#define IMPORT_STUCK_MS 5000
/* A longer record of another tool's export is malformed; past it a quotation mark was left open. */
#define IMPORT_RECORD_BYTES_MAX (64 * 1024)
/* A number of such an export: no site has so many of anything in a day. */
#define IMPORT_NUMBER_MAX 1000000000
/* Sessions of a hit-by-hit export that are known at a time; past it one begins anew. */
#define IMPORT_SESSIONS_MAX (256 * 1024)
/* Imports that a site remembers, some 100 bytes each; past it a new log is refused, since it could
 * not be known again. */
#define IMPORTS_MAX 20000

/* --- The audit -------------------------------------------------------------------------------- */
/* Shorter texts are found everywhere; longer ones than a User-Agent or a path are not asked for. */
#define CANARY_BYTES_MIN 6
#define CANARY_BYTES_MAX 1024
/* Some hundred thousand spellings, which take 20 MB. */
#define AUDIT_CANARIES_MAX 1000
/* Of what is found, places by canary and spelling; that there are more is told as well. */
#define AUDIT_FOUND_MAX 1000
/* Sentences that are printed, and keys that are named: one cause can make very many. */
#define AUDIT_BREACHES_TOLD_MAX 100
#define AUDIT_STRAYS_TOLD_MAX 50
/* Folders below the data folder; its own are three deep. */
#define AUDIT_FOLDER_DEPTH_MAX 8
