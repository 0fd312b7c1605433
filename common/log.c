/* The operator's log: formats a line on the stack and writes it with one write(2). */

#include "common/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

enum { LOG_LINE_BYTES_MAX = 1024 };

static const char *role_name = "footfall";
static int log_fd = STDERR_FILENO;

void log_init(const char *role)
{
    role_name = role;
    if (log_fd == STDERR_FILENO) {
        int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        if (fd >= 0)
            log_fd = fd;
    }
}

void log_silence_stderr(void)
{
    int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null_fd < 0 || log_fd == STDERR_FILENO)
        return;
    (void)dup2(null_fd, STDERR_FILENO);
    close(null_fd);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    static const char *const LEVEL_NAME[] = {"info", "warn", "error"};
    char line[LOG_LINE_BYTES_MAX];
    int64_t now_ms = clock_wall_ms();
    time_t now_s = (time_t)(now_ms / 1000);
    struct tm utc;
    gmtime_r(&now_s, &utc);
    size_t len = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &utc);
    len += (size_t)snprintf(line + len, sizeof(line) - len, ".%03dZ %s %s: ", (int)(now_ms % 1000),
                            role_name, LEVEL_NAME[level]);
    va_list args;
    va_start(args, fmt);
    int text_len = vsnprintf(line + len, sizeof(line) - len - 1, fmt, args);
    va_end(args);
    if (text_len > 0)
        len += strlen(line + len);
    for (char *p = line; p < line + len; p++)
        if ((unsigned char)*p < 0x20)
            *p = ' ';
    line[len++] = '\n';
    ssize_t written = write(log_fd, line, len);
    (void)written;
}
