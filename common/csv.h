#pragma once

/* CSV as RFC 4180 has it: records of fields, in quotation marks where they hold commas, marks or
 * line breaks. Pure.
 *
 * A spreadsheet runs a text that begins with = + - @, tab or CR. A guarded text that begins so,
 * after any number of apostrophes, gets one apostrophe more in front, and reading takes it off
 * again: what went out comes back as it was. */

#include "common/buf.h"
#include "common/macros.h"
#include "common/str.h"

enum { CSV_FIELDS_MAX = 32 };

struct csv_record {
    struct str fields[CSV_FIELDS_MAX];
    size_t count;
    bool is_bad;  /* more fields, or a quotation mark in a place of its own: no field is told */
    size_t bytes; /* that it takes in the text, with its line break */
};

enum csv_step {
    CSV_RECORD,
    CSV_MORE, /* the text ends within a record */
    CSV_END,  /* there is nothing in the text */
};

/* The bytes of the first record of `text` with its line break. `is_last`: nothing follows the text,
 * so a record needs none. Not for CSV_MORE, where it is 0. */
enum csv_step csv_find(const char *text, size_t len, bool is_last, size_t *ret_bytes);

/* The first record of `text`. Fields are slices of `text`, whose doubled quotation marks are made
 * single in place. A blank line is a record of one empty field. */
enum csv_step csv_read(char *text, size_t len, bool is_last, struct csv_record *ret_record);

/* Appends a text in quotation marks, guarded. */
void csv_append_text(struct buf *out, struct str text);
/* A guarded text as it was. */
struct str csv_unguard(struct str field);
