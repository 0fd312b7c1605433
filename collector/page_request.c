/* What the field counts as a page: AWStats, Matomo's importer and GoAccess all go by lists of
 * extensions that are none, since pages have all kinds of them or none. */

#include "collector/page_request.h"

#include <assert.h>
#include <stdlib.h>

#include "common/macros.h"

/* Sorted. Styles, scripts, data, pictures, fonts, sound, film, documents, archives, programs and
 * feeds. */
static const char *const FILE_EXTENSIONS[] = {
    "7z",   "aac",  "apk",   "appcache", "atom", "avi",  "avif", "bin", "bmp",  "bz2",
    "css",  "csv",  "cur",   "deb",      "dmg",  "doc",  "docx", "eot", "epub", "exe",
    "flac", "flv",  "gem",   "gif",      "gz",   "ico",  "ics",  "img", "iso",  "jar",
    "jpeg", "jpg",  "js",    "json",     "key",  "less", "m3u8", "m4a", "m4v",  "map",
    "mjs",  "mkv",  "mov",   "mp3",      "mp4",  "mpd",  "mpeg", "mpg", "msi",  "odp",
    "ods",  "odt",  "ogg",   "ogv",      "opus", "otf",  "pdf",  "png", "ppt",  "pptx",
    "ps",   "rar",  "rdf",   "rpm",      "rss",  "rtf",  "scss", "svg", "svgz", "swf",
    "tar",  "tgz",  "tif",   "tiff",     "ttf",  "txt",  "wasm", "wav", "webm", "webmanifest",
    "webp", "woff", "woff2", "xls",      "xlsx", "xml",  "xsl",  "xz",  "zip",  "zst",
};
enum { EXTENSION_BYTES_MAX = 11 };

static const char *const NAMES[PAGE_REQUEST__COUNT] = {[PAGE_REQUEST_VIEW] = "view",
#define X(id, name, meaning) [PAGE_REQUEST_##id] = name,
                                                       PAGE_REQUEST_FAULTS(X)
#undef X
};

static const char *const MEANINGS[PAGE_REQUEST__COUNT] = {[PAGE_REQUEST_VIEW] = "page views",
#define X(id, name, meaning) [PAGE_REQUEST_##id] = meaning,
                                                          PAGE_REQUEST_FAULTS(X)
#undef X
};

const char *page_request_name(enum page_request fault)
{
    assert(fault < PAGE_REQUEST__COUNT);
    return NAMES[fault];
}

const char *page_request_meaning(enum page_request fault)
{
    assert(fault < PAGE_REQUEST__COUNT);
    return MEANINGS[fault];
}

static int compare(const void *key, const void *row)
{
    return strcmp(key, *(const char *const *)row);
}

static bool is_file_extension(struct str extension)
{
    char lower[EXTENSION_BYTES_MAX + 1];
    if (extension.len == 0 || extension.len > EXTENSION_BYTES_MAX)
        return false;
    for (size_t i = 0; i < extension.len; i++) {
        char c = extension.ptr[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    lower[extension.len] = '\0';
    return bsearch(lower, FILE_EXTENSIONS, ARRAY_LEN(FILE_EXTENSIONS), sizeof(FILE_EXTENSIONS[0]),
                   compare) != NULL;
}

/* What follows the last dot of the last segment; empty without a dot. */
static struct str extension_of(struct str target)
{
    target = str_prefix(target, str_find(target, '#'));
    target = str_prefix(target, str_find(target, '?'));
    for (size_t i = target.len; i > 0 && target.ptr[i - 1] != '/'; i--)
        if (target.ptr[i - 1] == '.')
            return str_from_at(target, i);
    return STR_EMPTY;
}

bool page_request_is_page(struct str target, struct str content_type)
{
    if (content_type.len == 0)
        return !is_file_extension(extension_of(target));
    struct str type = str_trim(str_prefix(content_type, str_find(content_type, ';')));
    return str_eq_ci(type, STR_LIT("text/html")) ||
           str_eq_ci(type, STR_LIT("application/xhtml+xml"));
}
