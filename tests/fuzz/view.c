/* A beacon's whole way through the pure part: whatever a page and a browser send, what is counted
 * is a batch that the other side takes. No beacon makes one that has to be left out.
 *
 * An input is User-Agent, Accept-Language and a beacon's body, a line each. */

#include "tests/fuzz/fuzz.h"

#include "aggregator/batch.h"
#include "collector/agent.h"
#include "collector/bot.h"
#include "collector/locale.h"
#include "collector/source.h"
#include "collector/view.h"

#include <assert.h>
#include <stdlib.h>

static struct agent_rules *rules;
static struct visit_table *visits;
static struct section *section;

static void done(void)
{
    agent_rules_free(rules);
    visit_table_free(visits);
    section_free(section);
}

static void setup(void)
{
    rules = agent_rules_new();
    visits = visit_table_new(64, 1 << 20);
    section = section_new(SECTION_CELLS_MAX);
    atexit(done);
}

static void describe(const struct beacon *beacon, const struct agent *agent, struct str language,
                     const struct source *source, struct visit_attributes *ret_attributes)
{
    *ret_attributes = (struct visit_attributes){0};
    struct str *values = ret_attributes->values;
    values[TABLE_ENTRY_PAGE] = beacon->path;
    values[TABLE_SOURCE] = source->source;
    values[TABLE_REFERRER] = source->referrer;
    values[TABLE_CHANNEL] = source->channel;
    for (int i = 0; i < UTM__COUNT; i++)
        values[TABLE_UTM_SOURCE + i] = beacon->utm[i];
    values[TABLE_BROWSER] = agent->browser;
    values[TABLE_BROWSER_VERSION] = agent->browser_version;
    values[TABLE_OS] = agent->os;
    values[TABLE_OS_VERSION] = agent->os_version;
    values[TABLE_DEVICE] = agent->device;
    values[TABLE_LANGUAGE] = language;
    values[TABLE_SCREEN] = locale_screen(beacon->viewport_px);
}

static void count(const struct beacon *beacon, const struct visit_attributes *attributes,
                  const struct visit_change *visit)
{
    static const struct day_key KEY = {.visit = {1}, .sketch = {2}};
    view_count(section, &KEY,
               &(struct view){
                   .kind = beacon->kind,
                   .hour = 12,
                   .tag = 99,
                   .page = beacon->path,
                   .event = beacon->event,
                   .props = beacon->props,
                   .prop_count = beacon->prop_count,
                   .engaged_ms = beacon->engaged_ms,
                   .visit = visit,
                   .attributes = attributes,
               });
}

static void check_batch(void)
{
    struct buf payload;
    struct day_set set;
    buf_init(&payload, BATCH_BYTES_MAX);
    batch_begin(&payload, 1);
    batch_append_section(&payload, section);
    batch_end(&payload);
    assert(!payload.overflow);
    assert(payload.len <= batch_section_bytes_max(section) + BATCH_ENDS_BYTES_MAX);
    day_set_init(&set, SECTION_CELLS_MAX);
    enum batch_status status = batch_fold(buf_str(&payload), &set);
    assert(status == BATCH_OK && set.count == 1);
    assert(set.sections[0]->cell_count == section->cell_count);
    day_set_done(&set);
    buf_done(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct beacon_scratch scratch;
    static struct visit_change change;
    struct str rest = {(const char *)data, len};
    struct beacon beacon;
    struct agent_text text;
    struct agent agent;
    struct source source;
    struct visit_attributes attributes;
    char letters[4];
    if (rules == NULL)
        setup();
    struct str user_agent = fuzz_take_line(&rest), accept = fuzz_take_line(&rest);
    if (beacon_parse(rest, &scratch, &beacon) != BEACON_OK)
        return 0;
    agent_parse(rules, user_agent, &text, &agent);
    (void)bot_by_words(user_agent);
    (void)bot_check(&(struct bot_headers){.sec_purpose = accept, .purpose = user_agent}, &agent);
    source_classify(&beacon, false, &source);
    describe(&beacon, &agent, locale_language(accept, letters), &source, &attributes);
    visit_table_sign(visits,
                     &(struct visit_sign){.tag = len % 3,
                                          .date = 20261123,
                                          .hour = 12,
                                          .now_ms = 1000,
                                          .kind = beacon.kind,
                                          .page = beacon.path,
                                          .event = beacon.event,
                                          .scroll_percent = beacon.scroll_percent,
                                          .has_engagement = beacon.engaged_ms > 0,
                                          .attributes = &attributes},
                     &change);
    section_reset(section, STR_LIT("example.com"), 20261123);
    count(&beacon, &attributes, NULL);
    count(&beacon, &attributes, &change);
    assert(section->cell_count <= 2 * VIEW_CELLS_MAX);
    check_batch();
    return 0;
}
