/* The device's class, from the system and a few words of the User-Agent. Called on a cold parse.
 *
 * The rule, in order:
 * 1. a television, console, watch or headset by its system or its words: (other);
 * 2. a system that only telephones or only desktop computers have: that;
 * 3. iOS: a tablet where it says iPad; Android and the rest: by the words "Tablet" and "Mobile",
 *    Android without either is a tablet, as Android asks browsers to spell it.
 * What cannot be told: an iPad with iPadOS 13 or later, and any browser asked for the "desktop
 * site", says that it is a Macintosh, or a Linux computer, and counts as Desktop. */

#include "collector/device.h"

#include <stddef.h>
#include <string.h>

#include "common/limits.h"
#include "common/macros.h"

enum device_rule {
    RULE_BY_WORDS,
    RULE_DESKTOP,
    RULE_MOBILE,
    RULE_TABLET,
    RULE_OTHER,
    RULE_ANDROID
};

/* Systems that are not listed go by words. */
static const struct {
    const char *os;
    enum device_rule rule;
} SYSTEMS[] = {
    {"Android", RULE_ANDROID},
    {"Arch Linux", RULE_DESKTOP},
    {"BSD", RULE_DESKTOP},
    {"BackTrack", RULE_DESKTOP},
    {"Bada", RULE_MOBILE},
    {"BlackBerry OS", RULE_MOBILE},
    {"BlackBerry Tablet OS", RULE_TABLET},
    {"Brew MP", RULE_MOBILE},
    {"BREW", RULE_MOBILE},
    {"CentOS", RULE_DESKTOP},
    {"Chrome OS", RULE_DESKTOP},
    {"Chromecast", RULE_OTHER},
    {"Debian", RULE_DESKTOP},
    {"Fedora", RULE_DESKTOP},
    {"FireHbbTV", RULE_OTHER},
    {"FreeBSD", RULE_DESKTOP},
    {"Gentoo", RULE_DESKTOP},
    {"GoogleTV", RULE_OTHER},
    {"KaiOS", RULE_MOBILE},
    {"Kindle", RULE_TABLET},
    {"Kubuntu", RULE_DESKTOP},
    {"LG", RULE_OTHER},
    {"Linux Mint", RULE_DESKTOP},
    {"Lubuntu", RULE_DESKTOP},
    {"Mac OS", RULE_DESKTOP},
    {"Mageia", RULE_DESKTOP},
    {"Mandriva", RULE_DESKTOP},
    {"NetBSD", RULE_DESKTOP},
    {"Nokia Series 30 Plus", RULE_MOBILE},
    {"Nokia Series 40", RULE_MOBILE},
    {"OpenBSD", RULE_DESKTOP},
    {"PCLinuxOS", RULE_DESKTOP},
    {"Philips", RULE_OTHER},
    {"Puppy", RULE_DESKTOP},
    {"Red Hat", RULE_DESKTOP},
    {"Roku", RULE_OTHER},
    {"SUSE", RULE_DESKTOP},
    {"Samsung", RULE_OTHER},
    {"SerenityOS", RULE_DESKTOP},
    {"Slackware", RULE_DESKTOP},
    {"Solaris", RULE_DESKTOP},
    {"Symbian OS", RULE_MOBILE},
    {"VRE", RULE_OTHER},
    {"WebTV", RULE_OTHER},
    {"Windows", RULE_DESKTOP},
    {"Windows Mobile", RULE_MOBILE},
    {"Windows Phone", RULE_MOBILE},
    {"macOS", RULE_DESKTOP},
    {"openSUSE", RULE_DESKTOP},
    {"tvOS", RULE_OTHER},
    {"watchOS", RULE_OTHER},
};

/* Televisions, consoles and headsets that otherwise say Linux, Android or Windows. "AFT" begins the
 * model of every Fire TV. */
static const char *const OTHER_WORDS[] = {
    "smart-tv", "smarttv",       "smart tv", "android tv", "googletv",     "google tv",   "hbbtv",
    "netcast",  "web0s",         "bravia",   "crkey",      "; aft",        "playstation", "xbox",
    "nintendo", "oculusbrowser", " quest",   "tizen; tv",  "large screen", "apple tv",    "viera",
};

/* The User-Agent in lower case, so that words are found whatever their case. */
struct lowered {
    char bytes[USER_AGENT_BYTES_MAX];
    size_t len;
};

static void lower(struct str text, struct lowered *ret_lowered)
{
    text = str_prefix(text, sizeof(ret_lowered->bytes));
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        ret_lowered->bytes[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    ret_lowered->len = text.len;
}

static bool holds_word(const struct lowered *text, const char *word)
{
    return memmem(text->bytes, text->len, word, strlen(word)) != NULL;
}

static enum device_rule rule_of(struct str os)
{
    for (size_t i = 0; i < ARRAY_LEN(SYSTEMS); i++)
        if (str_eq(os, str_from(SYSTEMS[i].os)))
            return SYSTEMS[i].rule;
    return RULE_BY_WORDS;
}

static enum device by_words(const struct lowered *user_agent, enum device otherwise)
{
    if (holds_word(user_agent, "ipad") || holds_word(user_agent, "tablet"))
        return DEVICE_TABLET;
    if (holds_word(user_agent, "mobi") || holds_word(user_agent, "opera mini") ||
        holds_word(user_agent, "iphone") || holds_word(user_agent, "ipod"))
        return DEVICE_MOBILE;
    return otherwise;
}

enum device device_classify(struct str os, struct str user_agent)
{
    struct lowered words;
    lower(user_agent, &words);
    for (size_t i = 0; i < ARRAY_LEN(OTHER_WORDS); i++)
        if (holds_word(&words, OTHER_WORDS[i]))
            return DEVICE_OTHER;
    switch (rule_of(os)) {
    case RULE_DESKTOP:
        return DEVICE_DESKTOP;
    case RULE_MOBILE:
        return DEVICE_MOBILE;
    case RULE_TABLET:
        return DEVICE_TABLET;
    case RULE_OTHER:
        return DEVICE_OTHER;
    case RULE_ANDROID:
        return by_words(&words, DEVICE_TABLET);
    case RULE_BY_WORDS:
        break;
    }
    return by_words(&words, str_eq(os, STR_LIT("Linux")) || str_eq(os, STR_LIT("Ubuntu"))
                                ? DEVICE_DESKTOP
                                : DEVICE_OTHER);
}

struct str device_name(enum device device)
{
    static const char *const names[DEVICE__COUNT] = {"(other)", "Desktop", "Mobile", "Tablet"};
    return str_from(names[device]);
}
