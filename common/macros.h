#pragma once

/* Compiler attributes and the few macros that every module shares. */

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* From a pointer to a member back to the struct that holds it. */
#define CONTAINER_OF(type, member, ptr) ((type *)((char *)(ptr)-offsetof(type, member)))
