/* Which stored rows a question asks for, and what they are called in its answer. Pure; called for
 * every row that is read, so it allocates nothing. */

#include <jansson.h>

#include "aggregator/query_plan.h"

enum { VALUE_SEPARATOR = 0x1f };

/* A stored value by its parts; `key` and `event` of TABLE_PROP. */
struct parts {
    struct str whole, event, key, value;
};

static bool split_prop(struct str whole, struct parts *ret_parts)
{
    size_t first = str_find(whole, VALUE_SEPARATOR);
    struct str rest = str_from_at(whole, first + 1);
    size_t second = str_find(rest, VALUE_SEPARATOR);
    if (first == whole.len || second == rest.len)
        return false;
    *ret_parts = (struct parts){whole, str_prefix(whole, first), str_prefix(rest, second),
                                str_from_at(rest, second + 1)};
    return true;
}

/* The part of a row's value that stands for a dimension. */
static struct str part_of(const struct query_plan *plan, const struct parts *parts,
                          enum table dimension)
{
    if (plan->table == TABLE_PROP)
        return dimension == TABLE_EVENT ? parts->event : parts->value;
    if (plan->table == TABLE_REGION && dimension == TABLE_COUNTRY)
        return str_prefix(parts->whole, str_find(parts->whole, '-'));
    return parts->whole;
}

static bool holds(struct str text, struct str part, bool ignore_case)
{
    if (!ignore_case)
        return memmem(text.ptr, text.len, part.ptr, part.len) != NULL;
    for (size_t i = 0; i + part.len <= text.len; i++)
        if (strncasecmp(text.ptr + i, part.ptr, part.len) == 0)
            return true;
    return false;
}

/* Paths are kept without a slash at their end; people ask with the one of their address bar. */
static struct str as_kept(enum table dimension, struct str value)
{
    bool is_path =
        dimension == TABLE_PAGE || dimension == TABLE_ENTRY_PAGE || dimension == TABLE_EXIT_PAGE;
    while (is_path && value.len > 1 && value.ptr[value.len - 1] == '/')
        value.len--;
    return value;
}

static bool filter_matches(const struct query_filter *filter, struct str text)
{
    size_t index;
    json_t *item;
    bool any = false;
    json_array_foreach(filter->values, index, item)
    {
        struct str value = {json_string_value(item), json_string_length(item)};
        struct str kept = as_kept(filter->dimension.table, value);
        any = any || (filter->op == QUERY_CONTAINS ? holds(text, value, filter->ignore_case)
                      : filter->ignore_case        ? str_eq_ci(text, kept)
                                                   : str_eq(text, kept));
    }
    return filter->op == QUERY_IS_NOT ? !any : any;
}

bool query_plan_row(const struct query_plan *plan, struct str whole, struct str *ret_label)
{
    const struct query *query = plan->query;
    struct parts parts = {.whole = whole};
    if (plan->table == TABLE_PROP &&
        (!split_prop(whole, &parts) || !str_eq(parts.key, plan->prop_key)))
        return false;
    for (size_t i = 0; i < query->filter_count; i++) {
        const struct query_filter *filter = &query->filters[i];
        if (plan->is_crossed && filter->dimension.table == plan->narrow)
            continue; /* the cells were chosen by it */
        if (!filter_matches(filter, part_of(plan, &parts, filter->dimension.table)))
            return false;
    }
    *ret_label = query->dimension.asked ? part_of(plan, &parts, query->dimension.table) : STR_EMPTY;
    return true;
}

bool query_plan_narrows_to(const struct query_plan *plan, struct str value)
{
    const struct query *query = plan->query;
    for (size_t i = 0; i < query->filter_count; i++) {
        const struct query_filter *filter = &query->filters[i];
        if (filter->dimension.table == plan->narrow && !filter_matches(filter, value))
            return false;
    }
    return true;
}

struct str query_plan_rest_name(const struct query_plan *plan)
{
    if (plan->is_crossed && plan->table != TABLE_UTM_CAMPAIGN)
        return STR_LIT(MODEL_OTHER);
    return plan->table == TABLE_SOURCE || plan->table == TABLE_REFERRER ? STR_LIT("Direct / None")
                                                                        : STR_LIT("(not set)");
}
