/* Running out of memory ends the process, in a library as well as here. */

#include "tests/test.h"

#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* More than an address has bits for. */
static const volatile size_t TOO_MUCH = (size_t)1 << 62;

static void *volatile sink;

static void ask_malloc(void)
{
    sink = malloc(TOO_MUCH);
}

static void ask_calloc(void)
{
    sink = calloc(TOO_MUCH, 16);
}

static void ask_realloc(void)
{
    sink = realloc(malloc(1), TOO_MUCH);
}

static void ask_reallocarray(void)
{
    sink = reallocarray(NULL, TOO_MUCH, 16);
}

/* The library would go on with NULL. */
static void ask_library(void)
{
    sink = g_try_malloc(TOO_MUCH);
}

static void running_out_of_memory_aborts_in_libraries_too(void **state)
{
    static void (*const ASK[])(void) = {ask_malloc, ask_calloc, ask_realloc, ask_reallocarray,
                                        ask_library};
    (void)state;
    for (size_t i = 0; i < sizeof(ASK) / sizeof(ASK[0]); i++) {
        int status;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
            (void)signal(SIGABRT, SIG_DFL);
            ASK[i]();
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
            fail_msg("call %zu goes on", i);
    }
}

static void what_can_be_had_is_as_ever(void **state)
{
    (void)state;
    char *ptr = malloc(3), *zeros = calloc(5, 7);
    memcpy(ptr, "ab", 3);
    ptr = realloc(ptr, 100000);
    assert_string_equal(ptr, "ab");
    ptr = reallocarray(ptr, 3, 1);
    assert_string_equal(ptr, "ab");
    for (int i = 0; i < 35; i++)
        assert_int_equal(zeros[i], 0);
    free(zeros);
    ptr = realloc(ptr, 0);
    assert_null(ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(running_out_of_memory_aborts_in_libraries_too),
        cmocka_unit_test(what_can_be_had_is_as_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
