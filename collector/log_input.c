/* Reads a log and unpacks it on the way. Called by an import; blocks, so it is nothing for a loop.
 *
 * A packed file may have several members one after the other, as when logs were joined by `cat`.
 * What zstd may take is bounded by the library's own limit of a window, 128 MiB. */

#include "collector/log_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { PACKED_BYTES = 256 * 1024, GZIP_WINDOW = 15 + 16 };

static const unsigned char GZIP_MAGIC[] = {0x1f, 0x8b}, ZSTD_MAGIC[] = {0x28, 0xb5, 0x2f, 0xfd};

enum packing { PACKED_NOT, PACKED_GZIP, PACKED_ZSTD };

struct log_input {
    int fd;
    const char *name;
    uint64_t size, position;
    enum packing packing;
    bool at_end;    /* of the file */
    bool is_within; /* a member that has not ended */
    bool has_ended; /* a member, so that what follows need not be one */
    z_stream gzip;
    ZSTD_DCtx *zstd;
    size_t at, len; /* what is left of `bytes` */
    unsigned char bytes[PACKED_BYTES];
};

static bool fail(const struct log_input *input, const char *what, char *error, size_t error_bytes)
{
    snprintf(error, error_bytes, "%s: %s", input->name, what);
    return false;
}

/* One read of the file; *ret_len 0 is its end. */
static bool read_file(struct log_input *input, void *out, size_t bytes, size_t *ret_len,
                      char *error, size_t error_bytes)
{
    ssize_t len;
    do
        len = read(input->fd, out, bytes);
    while (len < 0 && errno == EINTR);
    if (len < 0)
        return fail(input, strerror(errno), error, error_bytes);
    input->at_end = len == 0;
    input->position += (uint64_t)len;
    *ret_len = (size_t)len;
    return true;
}

/* More packed bytes, when all are used. */
static bool refill(struct log_input *input, char *error, size_t error_bytes)
{
    if (input->at < input->len || input->at_end)
        return true;
    input->at = 0;
    return read_file(input, input->bytes, sizeof(input->bytes), &input->len, error, error_bytes);
}

/* --- Packings -------------------------------------------------------------------------------- */

/* Fills the buffer's start, so that the first bytes tell. */
static bool sniff(struct log_input *input, char *error, size_t error_bytes)
{
    while (input->len < sizeof(ZSTD_MAGIC) && !input->at_end) {
        size_t len;
        if (!read_file(input, input->bytes + input->len, sizeof(input->bytes) - input->len, &len,
                       error, error_bytes))
            return false;
        input->len += len;
    }
    if (input->len >= sizeof(GZIP_MAGIC) &&
        memcmp(input->bytes, GZIP_MAGIC, sizeof(GZIP_MAGIC)) == 0) {
        input->packing = PACKED_GZIP;
        if (inflateInit2(&input->gzip, GZIP_WINDOW) != Z_OK)
            abort();
    } else if (input->len >= sizeof(ZSTD_MAGIC) &&
               memcmp(input->bytes, ZSTD_MAGIC, sizeof(ZSTD_MAGIC)) == 0) {
        input->packing = PACKED_ZSTD;
        input->zstd = ZSTD_createDCtx();
        if (input->zstd == NULL)
            abort();
    }
    return true;
}

static bool read_plain(struct log_input *input, char *out, size_t bytes, size_t *ret_len,
                       char *error, size_t error_bytes)
{
    size_t len = input->len - input->at;
    if (len == 0)
        return input->at_end || read_file(input, out, bytes, ret_len, error, error_bytes);
    len = len < bytes ? len : bytes;
    memcpy(out, input->bytes + input->at, len);
    input->at += len;
    *ret_len = len;
    return true;
}

static bool read_gzip(struct log_input *input, char *out, size_t bytes, size_t *ret_len,
                      char *error, size_t error_bytes)
{
    z_stream *gzip = &input->gzip;
    if (input->has_ended && !input->is_within && input->bytes[input->at] != GZIP_MAGIC[0]) {
        input->at = input->len; /* padding, as tapes have it */
        return true;
    }
    gzip->next_in = input->bytes + input->at;
    gzip->avail_in = (uInt)(input->len - input->at);
    gzip->next_out = (Bytef *)out;
    gzip->avail_out = (uInt)bytes;
    int status = inflate(gzip, Z_NO_FLUSH);
    input->at = input->len - gzip->avail_in;
    *ret_len = bytes - gzip->avail_out;
    input->is_within = status != Z_STREAM_END;
    input->has_ended |= status == Z_STREAM_END;
    if (status == Z_STREAM_END)
        return inflateReset(gzip) == Z_OK;
    if (status == Z_OK || status == Z_BUF_ERROR)
        return true;
    return fail(input, "what it holds is damaged (gzip).", error, error_bytes);
}

static bool read_zstd(struct log_input *input, char *out, size_t bytes, size_t *ret_len,
                      char *error, size_t error_bytes)
{
    ZSTD_inBuffer packed = {input->bytes, input->len, input->at};
    ZSTD_outBuffer unpacked = {out, bytes, 0};
    size_t left = ZSTD_decompressStream(input->zstd, &unpacked, &packed);
    if (ZSTD_isError(left))
        return fail(input, "what it holds is damaged (zstd).", error, error_bytes);
    input->at = packed.pos;
    input->is_within = left > 0;
    *ret_len = unpacked.pos;
    return true;
}

/* One step of a packed file. A member that has ended may have left its last bytes in the library,
 * so the end is where neither it nor the file has any more. */
static bool read_packed(struct log_input *input, char *out, size_t bytes, size_t *ret_len,
                        char *error, size_t error_bytes)
{
    if (!refill(input, error, error_bytes))
        return false;
    bool no_more = input->at_end && input->at == input->len;
    if (no_more && !input->is_within)
        return true;
    bool good = input->packing == PACKED_GZIP
                    ? read_gzip(input, out, bytes, ret_len, error, error_bytes)
                    : read_zstd(input, out, bytes, ret_len, error, error_bytes);
    if (!good)
        return false;
    if (no_more && *ret_len == 0 && input->is_within)
        return fail(input, "it ends in the middle: it is not the whole file.", error, error_bytes);
    return true;
}

/* --- The input ------------------------------------------------------------------------------- */

struct log_input *log_input_open(const char *path, char *error, size_t error_bytes)
{
    bool is_stdin = strcmp(path, "-") == 0;
    struct log_input *input = calloc(1, sizeof(*input));
    if (input == NULL)
        abort();
    input->name = is_stdin ? "standard input" : path;
    input->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (input->fd < 0) {
        (void)fail(input, strerror(errno), error, error_bytes);
        free(input);
        return NULL;
    }
    struct stat file;
    if (fstat(input->fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_size > 0)
        input->size = (uint64_t)file.st_size;
    (void)posix_fadvise(input->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (!sniff(input, error, error_bytes)) {
        log_input_close(input);
        return NULL;
    }
    return input;
}

void log_input_close(struct log_input *input)
{
    if (input == NULL)
        return;
    if (input->packing == PACKED_GZIP)
        (void)inflateEnd(&input->gzip);
    (void)ZSTD_freeDCtx(input->zstd);
    if (input->fd != STDIN_FILENO)
        (void)close(input->fd);
    explicit_bzero(input, sizeof(*input));
    free(input);
}

bool log_input_read(struct log_input *input, char *out, size_t bytes, size_t *ret_len, char *error,
                    size_t error_bytes)
{
    size_t filled = 0;
    for (;;) {
        size_t len = 0;
        uint64_t at_before = input->position - (input->len - input->at);
        bool good =
            input->packing == PACKED_NOT
                ? read_plain(input, out + filled, bytes - filled, &len, error, error_bytes)
                : read_packed(input, out + filled, bytes - filled, &len, error, error_bytes);
        if (!good)
            return false;
        filled += len;
        bool has_moved = len > 0 || input->position - (input->len - input->at) != at_before;
        if (filled == bytes || (!has_moved && input->at_end)) {
            *ret_len = filled;
            return true;
        }
    }
}

uint64_t log_input_position(const struct log_input *input)
{
    return input->position - (input->len - input->at);
}

uint64_t log_input_size(const struct log_input *input)
{
    return input->size;
}
