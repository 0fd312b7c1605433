#pragma once

/* Keeps child processes running and ends them in order. One thread. While a supervisor lives it
 * owns SIGINT, SIGTERM, SIGHUP and SIGCHLD of the process; there is one a process.
 *
 * Children are ended in stages: all of stage 0, then, when they are gone, all of stage 1, and so
 * on. A child that dies by itself is one line of the log, with the last line that it wrote; once
 * the supervisor has settled it is started again, after a pause that doubles with each death soon
 * after a start. */

#include <stdint.h>
#include <sys/types.h>

#include "common/macros.h"
#include "common/str.h"

enum {
    SUPERVISOR_CHILDREN_MAX = 8,
    /* Pauses before a new start: the first, and the longest. */
    SUPERVISOR_PAUSE_FIRST_MS = 250,
    SUPERVISOR_PAUSE_LAST_MS = 30000,
    /* A child that ran this long has recovered: its next death is a first one again. */
    SUPERVISOR_RECOVERED_MS = 60000,
    /* So many deaths in a row are called a crash loop. */
    SUPERVISOR_LOOP_DEATHS = 5,
    /* What a child still gets when the operator asks a second time. */
    SUPERVISOR_HURRY_MS = 1000,
    /* A log over this is set aside as NAME.log.1 before a start. */
    SUPERVISOR_LOG_BYTES_MAX = 8 * 1024 * 1024,
};

struct supervisor;
struct child;

struct child_options {
    const char *name; /* in sentences */
    /* Runs in the new process; what it returns is the exit code. Normally it ends in exec. */
    int (*run)(void *data);
    /* Puts what stands in its log since the start into a sentence; false when it does not know.
     * NULL: the last line of the log speaks for itself. */
    bool (*explain)(void *data, struct str said, char *ret_sentence, size_t sentence_bytes);
    void *data;
    const char *log_path; /* gets standard output and error; NULL: they stay */
    unsigned stop_stage;
    uint32_t stop_ms; /* after this it is killed */
    bool outlives;    /* not told when the supervisor dies: it finds out by itself */
    bool reloads;     /* gets the SIGHUP that the supervisor gets */
};

/* `hup_stops`: SIGHUP is a closed terminal and means stop; else it goes to children that reload. */
struct supervisor *supervisor_new(bool hup_stops);
/* Every child must be gone. */
void supervisor_free(struct supervisor *supervisor);

/* Starts a child; its options are copied, what they point to must live on. */
struct child *supervisor_start(struct supervisor *supervisor, const struct child_options *options);
/* The start is over: from now on what dies is started again. */
void supervisor_settle(struct supervisor *supervisor);
/* Waits at most `timeout_ms` for something to happen and deals with it. */
void supervisor_turn(struct supervisor *supervisor, int32_t timeout_ms);
/* Begins to end the children, as SIGTERM does. A second call hurries. */
void supervisor_stop(struct supervisor *supervisor);
bool supervisor_is_stopping(const struct supervisor *supervisor);
/* No child is left, and none will be started. */
bool supervisor_is_done(const struct supervisor *supervisor);

bool child_is_running(const struct child *child);
/* How often it has died by itself. */
unsigned child_deaths(const struct child *child);
/* 0 when it does not run. */
pid_t child_pid(const struct child *child);

/* The pause after so many deaths in a row. */
uint32_t supervisor_pause_ms(unsigned deaths_in_a_row);
