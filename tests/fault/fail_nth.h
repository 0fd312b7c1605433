#pragma once

/* A small life, lived again and again, each time with another call that fails (failing.h): the nth
 * alone, and the nth and all after it, for n from 0 until no call is left to fail.
 *
 * Each life is a child's. Whatever the call was, it may go on, or refuse in words; when memory ran
 * out it may also abort. It may not crash, leak, fail an assertion or never end. Afterwards another
 * child, in which nothing fails, judges what was left behind. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tests/fault/failing.h"

enum fail_nth_end { FAIL_NTH_WENT_ON, FAIL_NTH_REFUSED };

struct fail_nth_life {
    /* In the parent, in front of each life: a world without a past. */
    void (*prepare)(void);
    /* The child. Returns, or ends by itself on SIGTERM. */
    enum fail_nth_end (*live)(void);
    /* In the parent while the child lives, which it may end by SIGTERM. May be NULL. */
    void (*attend)(pid_t child);
    /* In a child of its own; false, with a line on standard error, when a promise is broken. */
    bool (*judge)(void);
    bool has_kind[FAILING__COUNT];
    /* The life's start is not what is tried: attend() calls fail_nth_begin(). */
    bool starts_sound;
};

/* The plan takes effect. */
void fail_nth_begin(void);

/* Without arguments about so many lives a kind, spread over its calls; "--all": ten times as many;
 * "memory 66 [stay]": one. Prints what became of them, and returns the process's exit code. */
int fail_nth_main(int argc, char **argv, const struct fail_nth_life *life, unsigned lives);
