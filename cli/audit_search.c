/* What is found is counted by place, canary and spelling. Forms of up to eight bytes come of 24 to
 * 32 bits, and those turn up by chance in enough bytes of numbers; such a one is a breach unless
 * chance explains it, and a note then. Called by `footfall audit`. */

#include "cli/audit_search.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cli/canary.h"
#include "cli/finder.h"
#include "cli/lzf.h"

enum {
    PLACE_BYTES = 512,
    SHORT_BYTES_MAX = 8,
    SHORT_BITS = 32,
    PACKED_BYTES_MAX = 16 * 1024 * 1024,
    CHANCE_MAX = 4,
    CHANCE_FACTOR = 3,
};

static const double CHANCE_OF_ANY = 0.1;

struct form {
    const char *spelling;
    uint32_t canary; /* from 1 */
    bool is_short;
};

struct found {
    char place[PLACE_BYTES];
    uint32_t form;
    uint64_t count, of_bytes;
};

struct audit_search {
    struct finder *finder;
    struct form *forms;
    size_t form_count, form_capacity, short_count;
    uint32_t canary_count;
    struct found *found;
    size_t found_count;
    uint64_t bytes, places;
    uint64_t beyond; /* finds for which there was no room */
    char place[PLACE_BYTES];
    struct buf packed;
};

struct audit_search *audit_search_new(void)
{
    struct audit_search *search = calloc(1, sizeof(*search));
    if (search == NULL || (search->found = calloc(AUDIT_FOUND_MAX, sizeof(*search->found))) == NULL)
        abort();
    search->finder = finder_new();
    buf_init(&search->packed, PACKED_BYTES_MAX);
    return search;
}

void audit_search_free(struct audit_search *search)
{
    if (search == NULL)
        return;
    finder_free(search->finder);
    buf_done(&search->packed);
    free(search->forms);
    free(search->found);
    free(search);
}

/* --- Needles ---------------------------------------------------------------------------------- */

static void on_form(const char *spelling, struct str bytes, void *data)
{
    struct audit_search *search = data;
    if (search->form_count == search->form_capacity) {
        search->form_capacity = search->form_capacity == 0 ? 128 : 2 * search->form_capacity;
        search->forms = realloc(search->forms, search->form_capacity * sizeof(*search->forms));
        if (search->forms == NULL)
            abort();
    }
    search->forms[search->form_count] = (struct form){
        .spelling = spelling,
        .canary = search->canary_count,
        .is_short = bytes.len <= SHORT_BYTES_MAX,
    };
    search->short_count += bytes.len <= SHORT_BYTES_MAX;
    finder_add(search->finder, bytes, (uint32_t)search->form_count++);
}

bool audit_search_add(struct audit_search *search, struct str canary)
{
    if (!canary_valid(canary) || search->canary_count == AUDIT_CANARIES_MAX)
        return false;
    search->canary_count++;
    canary_forms(canary, on_form, search);
    return true;
}

bool audit_search_is_idle(const struct audit_search *search)
{
    return search->canary_count == 0;
}

size_t audit_search_longest(const struct audit_search *search)
{
    return finder_bytes_max(search->finder);
}

/* --- Searching -------------------------------------------------------------------------------- */

void audit_search_at(struct audit_search *search, const char *place)
{
    if (strcmp(search->place, place) != 0)
        search->places++;
    (void)snprintf(search->place, sizeof(search->place), "%s", place);
}

static void on_found(uint32_t number, size_t len, void *data)
{
    (void)len;
    struct audit_search *search = data;
    for (size_t i = 0; i < search->found_count; i++) {
        struct found *found = &search->found[i];
        if (found->form == number && strcmp(found->place, search->place) == 0) {
            found->count++;
            return;
        }
    }
    if (search->found_count == AUDIT_FOUND_MAX) {
        search->beyond++;
        return;
    }
    struct found *found = &search->found[search->found_count++];
    found->form = number;
    found->count = 1;
    memcpy(found->place, search->place, sizeof(found->place));
}

void audit_search_bytes(struct audit_search *search, struct str bytes, size_t from)
{
    search->bytes += bytes.len - from;
    finder_scan(search->finder, bytes, from, on_found, search);
}

static void on_unpacked(struct str text, void *data)
{
    struct audit_search *search = data;
    finder_scan(search->finder, text, 0, on_found, search);
}

void audit_search_packed(struct audit_search *search, struct str bytes, size_t from)
{
    audit_search_bytes(search, bytes, from);
    lzf_each(bytes, &search->packed, on_unpacked, search);
}

/* --- Telling ---------------------------------------------------------------------------------- */

/* Whether as many of a short form are to be expected in so many bytes without anybody's doing: not
 * as long as hardly any of all short forms would turn up. */
static bool is_chance(const struct audit_search *search, const struct found *found)
{
    double expected = (double)search->bytes / (double)(UINT64_C(1) << SHORT_BITS);
    return search->forms[found->form].is_short &&
           expected * (double)search->short_count >= CHANCE_OF_ANY &&
           (double)found->count <= CHANCE_MAX + CHANCE_FACTOR * expected;
}

static json_t *found_json(const struct form *form, const struct found *found)
{
    return json_pack("{s:s, s:i, s:s, s:I}", "where", found->place, "canary", (int)form->canary,
                     "spelling", form->spelling, "count", (json_int_t)found->count);
}

void audit_search_tell(struct audit_search *search, struct audit_report *report)
{
    json_t *all = json_array();
    size_t breaches = 0;
    for (size_t i = 0; i < search->found_count; i++) {
        const struct found *found = &search->found[i];
        const struct form *form = &search->forms[found->form];
        if (is_chance(search, found)) {
            audit_note(report,
                       "Canary %" PRIu32 " may be in %s: %s, %" PRIu64 " times, as often as chance "
                       "makes such short bytes.",
                       form->canary, found->place, form->spelling, found->count);
            continue;
        }
        breaches++;
        json_array_append_new(all, found_json(form, found));
        audit_breach(report, "Canary %" PRIu32 " is in %s, %" PRIu64 " times: %s.", form->canary,
                     found->place, found->count, form->spelling);
    }
    if (search->beyond > 0)
        audit_breach(report, "Canaries are in more places than are told.");
    if (breaches == 0 && search->beyond == 0)
        audit_good(report,
                   "No canary is at rest: %" PRIu32 " in %zu spellings, looked for in %" PRIu64
                   " bytes.",
                   search->canary_count, search->form_count, search->bytes);
    else
        audit_good(report, "The search saw %" PRIu64 " bytes.", search->bytes);
    audit_tell(report, "canaries",
               json_pack("{s:I, s:I, s:I, s:o}", "count", (json_int_t)search->canary_count,
                         "spellings", (json_int_t)search->form_count, "bytes",
                         (json_int_t)search->bytes, "found", all));
}
