/* Running out of memory ends the process, wherever it happens. Every size is bounded at start-up,
 * so that it means a bound that is wrong; and going on without what was asked for is not always
 * safe: hiredis 0.14, when it cannot note who waits for a reply, hands later replies to whoever is
 * next in line, and a batch may be taken for stored that is not.
 *
 * The allocator stays the C library's, under the names that it keeps for itself. These functions
 * stand in front of it for the executable and, as the executable's symbols go first, for every
 * library in it. Not in builds with a sanitizer: those have allocators of their own, which end the
 * process likewise. */

#include <stdlib.h>

void *__libc_malloc(size_t len);
void *__libc_calloc(size_t count, size_t len);
void *__libc_realloc(void *ptr, size_t len);

static void *had(void *ptr)
{
    if (ptr == NULL)
        abort();
    return ptr;
}

void *malloc(size_t len)
{
    return had(__libc_malloc(len));
}

void *calloc(size_t count, size_t len)
{
    return had(__libc_calloc(count, len));
}

void *realloc(void *ptr, size_t len)
{
    void *moved = __libc_realloc(ptr, len);
    return len == 0 ? moved : had(moved); /* of nothing it is free() */
}

void *reallocarray(void *ptr, size_t count, size_t len)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, len, &bytes))
        abort();
    return realloc(ptr, bytes);
}
