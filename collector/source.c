/* Where a visit comes from.
 *
 * The source is the first that the beacon has of utm_source, ref or source, an advertiser's click
 * id, and the referrer's host; known ones get their name. The channel then follows from the
 * source's kind, the medium and the campaign by the rules that GA4 and Plausible publish, in their
 * order. The collector's worker calls this once a view; it searches two small sorted tables and
 * allocates nothing. Pure; any thread. */

#include "collector/source.h"

#include "collector/source_table.h"
#include "common/macros.h"

/* What the rules look at; `medium`, `campaign` and `tag` in small letters. */
struct facts {
    struct str name; /* of the source; empty: direct */
    enum source_kind kind;
    bool is_paid; /* by its tag or by a click id */
    struct str tag, medium, campaign;
};

/* A tag in small letters; longer ones are cut, as the parser has done before. */
struct lower {
    char bytes[TAG_BYTES_MAX];
};

static struct str lower_of(struct str s, struct lower *lower)
{
    size_t len = s.len < sizeof(lower->bytes) ? s.len : sizeof(lower->bytes);
    for (size_t i = 0; i < len; i++)
        lower->bytes[i] = (char)(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? s.ptr[i] | 0x20 : s.ptr[i]);
    return (struct str){lower->bytes, len};
}

static bool contains(struct str s, const char *part)
{
    return s.len > 0 && memmem(s.ptr, s.len, part, strlen(part)) != NULL;
}

static bool is_one_of(struct str s, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(s, str_from(words[i])))
            return true;
    return false;
}

/* --- The tables ------------------------------------------------------------------------------- */
/* The order of bytes, and a prefix before what is longer. */
static int compare(struct str s, struct str key)
{
    int order = memcmp(s.ptr, key.ptr, s.len < key.len ? s.len : key.len);
    return order != 0 ? order : (s.len > key.len) - (s.len < key.len);
}

static const struct source_row *find(struct str key, const struct source_row *rows, size_t count)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(key, str_from(rows[middle].key));
        if (order == 0)
            return &rows[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Where the label before `end` starts. */
static size_t label_start(struct str host, size_t end)
{
    while (end > 0 && host.ptr[end - 1] != '.')
        end--;
    return end;
}

/* The length of a host's country suffix with its dot: ".nl", ".com", ".co.uk", ".com.au"; else 0.
 * Registries of countries sell names below these, so that "google.co.uk" is Google's and
 * "google.example.uk" is not. */
static size_t country_suffix_len(struct str host)
{
    static const char *const second_levels[] = {"co", "com", "ne", "net", "or", "org"};
    size_t top = label_start(host, host.len);
    if (top == 0)
        return 0;
    if (str_eq(str_from_at(host, top), STR_LIT("com")))
        return host.len - top + 1;
    if (host.len - top != 2)
        return 0;
    size_t second = label_start(host, top - 1);
    struct str label = {host.ptr + second, top - 1 - second};
    bool has_second = second > 0 && is_one_of(label, second_levels, ARRAY_LEN(second_levels));
    return host.len - (has_second ? second : top) + 1;
}

/* The most specific row: "mail.google.com" before "google.*". */
static const struct source_row *find_host(struct str host)
{
    char bytes[HOST_BYTES_MAX + 2];
    size_t suffix_len = country_suffix_len(host);
    struct str any_country = {bytes, 0};
    if (host.len > HOST_BYTES_MAX)
        return NULL;
    if (suffix_len > 0) {
        memcpy(bytes, host.ptr, host.len - suffix_len);
        memcpy(bytes + host.len - suffix_len, ".*", 2);
        any_country.len = host.len - suffix_len + 2;
    }
    for (size_t at = 0; at < host.len; at += str_find(str_from_at(host, at), '.') + 1) {
        const struct source_row *row =
            find(str_from_at(host, at), source_hosts, source_hosts_count);
        if (row == NULL && at + 2 < any_country.len)
            row = find(str_from_at(any_country, at), source_hosts, source_hosts_count);
        if (row != NULL)
            return row;
    }
    return NULL;
}

/* Tags are names ("google", "fb") or hosts ("chatgpt.com"). */
static const struct source_row *find_tag(struct str tag)
{
    const struct source_row *row = find(tag, source_tags, source_tags_count);
    return row == NULL && str_find(tag, '.') < tag.len ? find_host(tag) : row;
}

/* --- The source ------------------------------------------------------------------------------- */
static void name_from_row(const struct source_row *row, struct str unknown, struct facts *facts)
{
    facts->name = row == NULL ? unknown : str_from(row->name);
    facts->kind = row == NULL ? SOURCE_KIND_OTHER : row->kind;
    facts->is_paid = row != NULL && row->is_paid;
}

/* A click id says who sold the click when nothing else names the source, and that it was sold when
 * no medium says otherwise. */
static void apply_click_ids(const struct beacon *beacon, struct facts *facts)
{
    const char *seller = beacon->click_id_google      ? "google"
                         : beacon->click_id_microsoft ? "bing"
                                                      : NULL;
    if (seller == NULL)
        return;
    const struct source_row *row = find_tag(str_from(seller));
    if (facts->name.len == 0)
        name_from_row(row, STR_EMPTY, facts);
    if (facts->medium.len == 0 && row != NULL && str_eq(facts->name, str_from(row->name)))
        facts->is_paid = true;
}

static void find_source(const struct beacon *beacon, struct str referrer, struct lower *lower,
                        struct facts *facts)
{
    struct str tag = beacon->utm[UTM_SOURCE].len > 0 ? beacon->utm[UTM_SOURCE] : beacon->ref;
    facts->tag = lower_of(tag, lower);
    if (tag.len > 0)
        name_from_row(find_tag(facts->tag), tag, facts);
    apply_click_ids(beacon, facts);
    if (facts->name.len == 0)
        name_from_row(find_host(referrer), referrer, facts);
}

/* --- The channel ------------------------------------------------------------------------------ */
static bool is_paid_medium(struct str medium)
{
    return contains(medium, "cp") || str_eq(medium, STR_LIT("ppc")) ||
           str_eq(medium, STR_LIT("retargeting")) || str_starts_with(medium, STR_LIT("paid"));
}

/* "shopping" anywhere, or "shop" not after a letter but "e": "shop_sale", "eshop", not "workshop".
 */
static bool is_shopping_campaign(struct str campaign)
{
    for (size_t i = 0; i + 4 <= campaign.len; i++) {
        if (memcmp(campaign.ptr + i, "shop", 4) != 0)
            continue;
        char before = i == 0 ? ' ' : campaign.ptr[i - 1];
        if (before < 'a' || before > 'z' || before == 'e' ||
            str_starts_with(str_from_at(campaign, i), STR_LIT("shopping")))
            return true;
    }
    return false;
}

/* NULL: not bought. */
static const char *paid_channel(const struct facts *facts)
{
    static const char *const display[] = {"display", "banner", "expandable", "interstitial", "cpm"};
    bool paid_medium = is_paid_medium(facts->medium);
    if (contains(facts->campaign, "cross-network"))
        return "Cross-network";
    if (paid_medium && is_shopping_campaign(facts->campaign))
        return "Paid Shopping";
    if (paid_medium || facts->is_paid) {
        switch (facts->kind) {
        case SOURCE_KIND_SHOPPING:
            return "Paid Shopping";
        case SOURCE_KIND_SEARCH:
            return "Paid Search";
        case SOURCE_KIND_SOCIAL:
            return "Paid Social";
        case SOURCE_KIND_VIDEO:
            return "Paid Video";
        default:
            break;
        }
    }
    if (is_one_of(facts->medium, display, ARRAY_LEN(display)))
        return "Display";
    return paid_medium ? "Paid Other" : NULL;
}

static bool says_email(struct str s)
{
    return contains(s, "email") || contains(s, "e-mail") || contains(s, "e_mail") ||
           contains(s, "e mail") || contains(s, "newsletter");
}

/* What was not bought: by the source's kind, else by the medium. */
static const char *organic_channel(const struct facts *facts)
{
    static const char *const social[] = {"social", "social-network", "social-media",
                                         "sm",     "social network", "social media"};
    struct str medium = facts->medium;
    if (facts->kind == SOURCE_KIND_SHOPPING || is_shopping_campaign(facts->campaign))
        return "Organic Shopping";
    if (facts->kind == SOURCE_KIND_SOCIAL || is_one_of(medium, social, ARRAY_LEN(social)))
        return "Organic Social";
    if (facts->kind == SOURCE_KIND_VIDEO || contains(medium, "video"))
        return "Organic Video";
    if (facts->kind == SOURCE_KIND_AI)
        return "AI";
    if (facts->kind == SOURCE_KIND_SEARCH || str_eq(medium, STR_LIT("organic")))
        return "Organic Search";
    if (facts->kind == SOURCE_KIND_EMAIL || says_email(facts->tag) || says_email(medium))
        return "Email";
    if (str_eq(medium, STR_LIT("affiliate")) || str_eq(medium, STR_LIT("affiliates")))
        return "Affiliates";
    if (str_eq(medium, STR_LIT("audio")))
        return "Audio";
    if (str_eq(medium, STR_LIT("sms")) || str_eq(facts->tag, STR_LIT("sms")))
        return "SMS";
    if (str_ends_with(medium, STR_LIT("push")) || contains(medium, "mobile") ||
        contains(medium, "notification"))
        return "Mobile Push Notifications";
    static const char *const links[] = {"referral", "app", "link"};
    bool is_referral = facts->name.len > 0 || is_one_of(medium, links, ARRAY_LEN(links));
    return is_referral ? "Referral" : "Direct";
}

void source_classify(const struct beacon *beacon, bool own_referrer, struct source *ret_source)
{
    struct lower tag, medium, campaign;
    struct facts facts = {
        .name = STR_EMPTY,
        .medium = lower_of(beacon->utm[UTM_MEDIUM], &medium),
        .campaign = lower_of(beacon->utm[UTM_CAMPAIGN], &campaign),
    };
    struct str referrer = own_referrer ? STR_EMPTY : beacon->referrer_host;
    find_source(beacon, referrer, &tag, &facts);
    const char *channel = paid_channel(&facts);
    if (channel == NULL)
        channel = organic_channel(&facts);
    *ret_source = (struct source){
        .source = facts.name.len > 0 ? facts.name : STR_LIT(SOURCE_DIRECT),
        .referrer = referrer,
        .channel = str_from(channel),
    };
}
