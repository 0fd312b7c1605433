/* Findings go to standard output, for people and for `grep TROUBLE`. */

#include "cli/findings.h"

#include <stdarg.h>
#include <stdio.h>

#define SAY(kind, fmt)                                                                             \
    do {                                                                                           \
        va_list args;                                                                              \
        va_start(args, fmt);                                                                       \
        printf("%-9s", kind);                                                                      \
        vprintf(fmt, args);                                                                        \
        printf("\n");                                                                              \
        va_end(args);                                                                              \
    } while (false)

void findings_good(const char *fmt, ...)
{
    SAY("good", fmt);
}

void findings_note(const char *fmt, ...)
{
    SAY("note", fmt);
}

void findings_warning(const char *fmt, ...)
{
    SAY("warning", fmt);
}

void findings_trouble(struct findings *findings, const char *fmt, ...)
{
    findings->trouble = true;
    SAY("TROUBLE", fmt);
}
