/* The lives and what becomes of them. Where only some calls are tried, which ones depends on a seed
 * that is printed; FOOTFALL_SEED repeats it. */

#include "tests/fault/fail_nth.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HANG_MS = 60000, POLL_MS = 2, CALLS_MAX = 100000, BROKEN_CODE = 97, REFUSED_CODE = 96 };
enum { ALL_FACTOR = 10 };

/* Lives of one kind, by how they ended. */
struct tally {
    unsigned calls, lives, went_on, refused, aborted, bad;
};

static struct {
    enum failing_kind kind;
    unsigned nth;
    bool stays;
} plan;

void fail_nth_begin(void)
{
    failing_set(plan.kind, plan.nth, plan.stays);
}

/* --- Children -------------------------------------------------------------------------------- */

/* What children say goes here, and to the terminal only when something is wrong. */
static int words_fd;

static pid_t start_child(void)
{
    (void)!ftruncate(words_fd, 0);
    (void)lseek(words_fd, 0, SEEK_SET);
    fflush(stdout);
    pid_t child = fork();
    if (child < 0)
        abort();
    if (child > 0)
        return child;
    struct rlimit none = {0, 0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)dup2(words_fd, STDERR_FILENO);
    return 0;
}

/* Its status, or -1 when it would not end. */
static int await_child(pid_t child)
{
    int status;
    for (int waited_ms = 0; waited_ms < HANG_MS; waited_ms += POLL_MS) {
        if (waitpid(child, &status, WNOHANG) == child)
            return status;
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return -1;
}

static void print_words(void)
{
    char bytes[4096];
    ssize_t got;
    (void)lseek(words_fd, 0, SEEK_SET);
    while ((got = read(words_fd, bytes, sizeof(bytes))) > 0)
        fwrite(bytes, 1, (size_t)got, stdout);
}

static int live_once(const struct fail_nth_life *life)
{
    life->prepare();
    if (!life->starts_sound)
        fail_nth_begin();
    pid_t child = start_child();
    if (child == 0) {
        failing_subject();
        enum fail_nth_end end = life->live();
        (void)failing_clear(); /* the sanitizers' last words are not to be disturbed */
        exit(end == FAIL_NTH_WENT_ON ? 0 : REFUSED_CODE);
    }
    if (life->attend != NULL)
        life->attend(child);
    return await_child(child);
}

static int judge(const struct fail_nth_life *life)
{
    pid_t child = start_child();
    if (child == 0)
        exit(life->judge() ? 0 : BROKEN_CODE);
    return await_child(child);
}

/* --- Outcomes -------------------------------------------------------------------------------- */

static bool take_outcome(int status, struct tally *tally)
{
    bool ended = status != -1 && WIFEXITED(status);
    if (ended && WEXITSTATUS(status) == 0)
        tally->went_on++;
    else if (ended && WEXITSTATUS(status) == REFUSED_CODE)
        tally->refused++;
    else if (status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
             plan.kind == FAILING_MEMORY)
        tally->aborted++;
    else
        return false;
    return true;
}

static void complain(const char *what, int status)
{
    printf("%s %u%s: %s ", failing_kind_name(plan.kind), plan.nth, plan.stays ? " stay" : "", what);
    if (status == -1)
        printf("does not end\n");
    else if (WIFSIGNALED(status))
        printf("dies of signal %d\n", WTERMSIG(status));
    else
        printf("ends with %d\n", WEXITSTATUS(status));
    print_words();
}

/* False when there was no such call. */
static bool try_call(const struct fail_nth_life *life, unsigned nth, struct tally *tally)
{
    plan.nth = nth;
    int status = live_once(life);
    unsigned calls = failing_clear();
    tally->lives++;
    if (!take_outcome(status, tally)) {
        tally->bad++;
        complain("the life", status);
    }
    status = judge(life);
    if (status != 0) {
        tally->bad++;
        complain("the judge", status);
    }
    return calls > nth;
}

/* --- All of it ------------------------------------------------------------------------------- */

/* How many calls a life makes of which none fails. */
static unsigned count_calls(const struct fail_nth_life *life, struct tally *tally)
{
    plan.nth = FAILING_NEVER;
    int status = live_once(life);
    tally->calls = failing_clear();
    int judged = judge(life);
    if (status != 0 || judged != 0) {
        tally->bad++;
        complain("the sound life", status != 0 ? status : judged);
    }
    return tally->calls;
}

static unsigned try_kind(const struct fail_nth_life *life, unsigned lives, unsigned seed)
{
    struct tally tally = {0};
    unsigned calls = count_calls(life, &tally);
    unsigned stride = calls < lives ? 1 : (calls + lives - 1) / lives;
    for (unsigned nth = seed % stride; nth < CALLS_MAX && tally.bad < 10; nth += stride)
        if (!try_call(life, nth, &tally))
            break;
    printf("%-6s %-4s %6u calls %5u lives: %5u went on, %4u refused, %5u aborted, %u bad\n",
           failing_kind_name(plan.kind), plan.stays ? "stay" : "once", tally.calls, tally.lives,
           tally.went_on, tally.refused, tally.aborted, tally.bad);
    fflush(stdout);
    return tally.bad;
}

/* "memory 66" or "memory 66 stay". */
static unsigned try_one(const struct fail_nth_life *life, int argc, char **argv)
{
    struct tally tally = {0};
    while (strcmp(argv[1], failing_kind_name(plan.kind)) != 0)
        if (++plan.kind == FAILING__COUNT)
            return 1;
    plan.stays = argc > 3;
    (void)try_call(life, (unsigned)strtoul(argv[2], NULL, 10), &tally);
    print_words();
    return tally.bad;
}

static unsigned try_kinds(const struct fail_nth_life *life, unsigned lives)
{
    const char *given = getenv("FOOTFALL_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    unsigned bad = 0;
    printf("FOOTFALL_SEED=%u\n", seed);
    for (int kind = 0; kind < FAILING__COUNT; kind++)
        for (int stays = 0; stays <= 1 && life->has_kind[kind]; stays++) {
            plan.kind = (enum failing_kind)kind;
            plan.stays = stays != 0;
            bad += try_kind(life, lives, seed);
        }
    return bad;
}

int fail_nth_main(int argc, char **argv, const struct fail_nth_life *life, unsigned lives)
{
    words_fd = memfd_create("words", MFD_CLOEXEC);
    if (words_fd < 0)
        abort();
    failing_share();
    if (argc > 1 && strcmp(argv[1], "--all") == 0)
        lives *= ALL_FACTOR;
    unsigned bad = argc > 2 ? try_one(life, argc, argv) : try_kinds(life, lives);
    return bad == 0 ? 0 : 1;
}
