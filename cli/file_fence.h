#pragma once

/* What a process may open from now on, by the kernel's Landlock: everything is closed but what is
 * allowed here. One thread; the fence holds for it, for the threads and processes that it makes,
 * and over exec. It cannot be taken down again. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macros.h"

/* What may be done with a file, or with all that is below a folder. */
enum fence_right {
    FENCE_READ = 1,   /* read files */
    FENCE_LIST = 2,   /* read folders */
    FENCE_RUN = 4,    /* run it */
    FENCE_WRITE = 8,  /* write to files that are there */
    FENCE_MAKE = 16,  /* make, rename and remove files and folders */
    FENCE_SOCKET = 32 /* make Unix sockets, and remove them */
};

struct file_fence {
    int fd; /* -1: this kernel has no Landlock, and nothing is closed */
    int abi;
};

/* What the kernel has: 0 none, or too old a one. */
int file_fence_abi(void);

/* False, with a sentence, when the kernel could and does not. */
MUST_CHECK bool file_fence_init(struct file_fence *fence, char *error, size_t error_bytes);
/* `rights` of FENCE_*; a path that is not there is left out. */
void file_fence_allow(struct file_fence *fence, const char *path, unsigned rights);
/* TCP, by kernels that can (ABI 4). Port 0 is one that the kernel chooses. */
void file_fence_allow_listen(struct file_fence *fence, uint16_t port);
void file_fence_allow_connect(struct file_fence *fence, uint16_t port);
/* Closes the rest. The fence is done with, whatever comes back. */
MUST_CHECK bool file_fence_close(struct file_fence *fence, char *error, size_t error_bytes);
