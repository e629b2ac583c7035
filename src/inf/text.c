/* SPDX-License-Identifier: MIT */
/*
 * Memory of an INF, and its bytes as UTF-8 whatever they were.
 */
#include "inf/internal.h"
#include "host/host.h"

enum { CHUNK_BYTES = 16384 };

struct inf_chunk {
    struct inf_chunk *next;
    size_t used, size;
    _Alignas(16) char bytes[];
};

void *inf_allocate(struct inf *inf, size_t bytes)
{
    struct inf_chunk *chunk = inf->chunks;

    bytes = ALIGN_UP(bytes, 16);
    if (chunk == NULL || chunk->size - chunk->used < bytes) {
        size_t size = MAX(bytes, (size_t)CHUNK_BYTES);
        chunk = host_alloc(sizeof(*chunk) + size);
        chunk->size = size;
        chunk->next = inf->chunks;
        inf->chunks = chunk;
    }
    chunk->used += bytes;
    return chunk->bytes + chunk->used - bytes;
}

char *inf_copy(struct inf *inf, const char *text, size_t length)
{
    char *copy = inf_allocate(inf, length + 1);
    __builtin_memcpy(copy, text, length);
    return copy;
}

void inf_free_all(struct inf *inf)
{
    struct inf_chunk *next, *chunk = inf->chunks;

    for (; chunk != NULL; chunk = next) {
        next = chunk->next;
        host_free(chunk);
    }
    host_free(inf);
}

bool inf_fail(struct inf_error *error, unsigned line, const char *format, ...)
{
    va_list arguments;

    error->line = line;
    va_start(arguments, format);
    host_vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return false;
}

static char *put_utf8(char *to, ULONG c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    } else {
        *to++ = (char)(0xF0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3F));
        *to++ = (char)(0x80 | (c >> 6 & 0x3F));
        *to++ = (char)(0x80 | (c & 0x3F));
    }
    return to;
}

static ULONG unit_at(const UCHAR *bytes, size_t index)
{
    return bytes[2 * index] | (ULONG)bytes[2 * index + 1] << 8;
}

/* At most three bytes for each two; a surrogate without its partner becomes U+FFFD. */
static char *from_utf16(struct inf *inf, const UCHAR *bytes, size_t length)
{
    size_t units = length / 2;
    char *text = inf_allocate(inf, units * 3 + 1), *to = text;

    for (size_t i = 0; i < units; i++) {
        ULONG c = unit_at(bytes, i);
        if (c - 0xD800 < 0x400 && i + 1 < units && unit_at(bytes, i + 1) - 0xDC00 < 0x400) {
            c = 0x10000 + ((c - 0xD800) << 10) + (unit_at(bytes, i + 1) - 0xDC00);
            i++;
        } else if (c - 0xD800 < 0x800) {
            c = 0xFFFD;
        }
        to = put_utf8(to, c);
    }
    return text;
}

static unsigned sequence_length(UCHAR lead)
{
    return lead < 0x80 ? 1 : lead - 0xC2u < 0x1E ? 2 : (lead & 0xF0) == 0xE0 ? 3 : lead - 0xF0u < 5 ? 4 : 0;
}

static bool is_utf8(const UCHAR *bytes, size_t length)
{
    for (size_t i = 0; i < length;) {
        unsigned count = sequence_length(bytes[i]);
        if (count == 0 || count > length - i)
            return false;
        for (unsigned k = 1; k < count; k++)
            if ((bytes[i + k] & 0xC0) != 0x80)
                return false;
        i += count;
    }
    return true;
}

/* Windows-1252 where it differs from Latin-1: 0x80 to 0x9F. */
static const USHORT high_1252[32] = {0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                     0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,   0x017D, 0x8F,
                                     0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                     0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

static char *from_ansi(struct inf *inf, const UCHAR *bytes, size_t length)
{
    char *text = inf_allocate(inf, length * 3 + 1), *to = text;

    for (size_t i = 0; i < length; i++)
        to = put_utf8(to, bytes[i] - 0x80u < 32 ? high_1252[bytes[i] - 0x80] : bytes[i]);
    return text;
}

static bool has_zero(const UCHAR *bytes, size_t length, unsigned width)
{
    for (size_t i = 0; i + width <= length; i += width)
        if (bytes[i] == 0 && (width == 1 || bytes[i + 1] == 0))
            return true;
    return false;
}

char *inf_decode(struct inf *inf, const UCHAR *bytes, size_t length, struct inf_error *error)
{
    bool wide = length >= 2 && bytes[0] == 0xFF && bytes[1] == 0xFE;

    if (wide) {
        bytes += 2, length -= 2;
    } else if (length >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF) {
        bytes += 3, length -= 3;
    }
    if ((wide && length % 2 != 0) || has_zero(bytes, length, wide ? 2 : 1)) {
        inf_fail(error, 0, "it is no text");
        return NULL;
    }
    if (wide)
        return from_utf16(inf, bytes, length);
    return is_utf8(bytes, length) ? inf_copy(inf, (const char *)bytes, length)
                                  : from_ansi(inf, bytes, length);
}
