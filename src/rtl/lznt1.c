/* SPDX-License-Identifier: MIT */
/*
 * The compression format LZNT1, after [MS-XCA] 2.5: chunks of up to 4096
 * bytes, each with a 16-bit header; groups of eight literals or back
 * references behind a flag byte; a reference splits its 16 bits between
 * distance and length by how far into the chunk it stands.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "nt/status.h"

#define CHUNK      4096
#define SIGNATURE  0x3000
#define COMPRESSED 0x8000
#define SIZE_MASK  0x0FFF
#define BUCKETS    4096

/* The workspace: for each hash of three bytes the last place in the chunk, and for each place the one before
 * it. */
struct workspace {
    USHORT head[BUCKETS]; /* place + 1, 0: none */
    USHORT previous[CHUNK];
};

/* How many bits of a reference at `position` are its length's. */
static unsigned length_bits(size_t position)
{
    unsigned bits = 12;
    for (size_t reach = 16; reach < position; reach <<= 1)
        bits--;
    return bits;
}

static unsigned hash(const UCHAR *p)
{
    return ((unsigned)p[0] << 8 ^ (unsigned)p[1] << 4 ^ p[2]) % BUCKETS;
}

/* The longest earlier occurrence of what stands at `at`, at least 3 bytes; 0 if there is none. */
static size_t longest_match(struct workspace *w, const UCHAR *chunk, size_t at, size_t size, unsigned tries,
                            size_t *distance)
{
    size_t best = 0, limit = MIN(size - at, ((size_t)1 << length_bits(at)) + 2);
    if (limit < 3)
        return 0;
    for (unsigned next = w->head[hash(chunk + at)]; next && tries-- > 0; next = w->previous[next - 1]) {
        size_t from = next - 1, n = 0;
        while (n < limit && chunk[from + n] == chunk[at + n])
            n++;
        if (n > best) {
            best = n;
            *distance = at - from;
        }
    }
    return best >= 3 ? best : 0;
}

static void remember(struct workspace *w, const UCHAR *chunk, size_t at, size_t size)
{
    if (size - at < 3)
        return;
    unsigned bucket = hash(chunk + at);
    w->previous[at] = w->head[bucket];
    w->head[bucket] = (USHORT)(at + 1);
}

/* Compresses one chunk to at most room bytes; 0 if it does not get smaller than that. */
static size_t compress_chunk(struct workspace *w, const UCHAR *chunk, size_t size, UCHAR *to, size_t room,
                             unsigned tries)
{
    size_t out = 0, flags = 0;
    __builtin_memset(w->head, 0, sizeof w->head);
    for (size_t at = 0, token = 0; at < size; token++) {
        size_t distance = 0, n = longest_match(w, chunk, at, size, tries, &distance);
        if (token % 8 == 0) {
            flags = out++;
            if (flags >= room)
                return 0;
            to[flags] = 0;
        }
        if (out + (n ? 2 : 1) > room)
            return 0;
        if (n) {
            ULONG reference = (ULONG)(distance - 1) << length_bits(at) | (ULONG)(n - 3);
            to[out++] = (UCHAR)reference;
            to[out++] = (UCHAR)(reference >> 8);
            to[flags] |= (UCHAR)(1u << token % 8);
        } else {
            to[out++] = chunk[at];
            n = 1;
        }
        for (; n > 0; n--)
            remember(w, chunk, at++, size);
    }
    return out;
}

static void put_header(UCHAR *to, size_t body, bool compressed)
{
    ULONG header = SIGNATURE | (compressed ? COMPRESSED : 0) | (ULONG)(body - 1);
    to[0] = (UCHAR)header;
    to[1] = (UCHAR)(header >> 8);
}

/* Returns the chunk's whole size, 0 if there is no room even for a plain one. */
static size_t write_chunk(struct workspace *w, const UCHAR *chunk, size_t size, UCHAR *to, size_t room,
                          unsigned tries)
{
    if (room < 3)
        return 0;
    size_t body = compress_chunk(w, chunk, size, to + 2, MIN(room - 2, size - 1), tries);
    bool compressed = body != 0;
    if (!compressed) {
        if (size + 2 > room)
            return 0;
        __builtin_memcpy(to + 2, chunk, size);
        body = size;
    }
    put_header(to, body, compressed);
    return body + 2;
}

static NTSTATUS check_format(USHORT format)
{
    if ((format & 0xFF) <= COMPRESSION_FORMAT_DEFAULT)
        return STATUS_INVALID_PARAMETER;
    return (format & 0xFF) == COMPRESSION_FORMAT_LZNT1 ? STATUS_SUCCESS : STATUS_UNSUPPORTED_COMPRESSION;
}

static NTSTATUS check_format_and_engine(USHORT format_and_engine)
{
    NTSTATUS status = check_format(format_and_engine);
    if (NT_SUCCESS(status) && (format_and_engine & 0xFF00) > COMPRESSION_ENGINE_MAXIMUM)
        return STATUS_NOT_SUPPORTED;
    return status;
}

EXPORT(ntoskrnl, RtlGetCompressionWorkSpaceSize, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlGetCompressionWorkSpaceSize(USHORT CompressionFormatAndEngine,
                                              PULONG CompressBufferWorkSpaceSize,
                                              PULONG CompressFragmentWorkSpaceSize)
{
    NTSTATUS status = check_format_and_engine(CompressionFormatAndEngine);
    if (!NT_SUCCESS(status))
        return status;
    *CompressBufferWorkSpaceSize = sizeof(struct workspace);
    *CompressFragmentWorkSpaceSize = CHUNK;
    return STATUS_SUCCESS;
}

/* UncompressedChunkSize is of other formats. STATUS_BUFFER_ALL_ZEROS: done, and the source was nothing but
 * zeros. */
EXPORT(ntoskrnl, RtlCompressBuffer, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlCompressBuffer(USHORT CompressionFormatAndEngine, PUCHAR UncompressedBuffer,
                                 ULONG UncompressedBufferSize, PUCHAR CompressedBuffer,
                                 ULONG CompressedBufferSize, ULONG UncompressedChunkSize,
                                 PULONG FinalCompressedSize, PVOID WorkSpace)
{
    NTSTATUS status = check_format_and_engine(CompressionFormatAndEngine);
    unsigned tries = (CompressionFormatAndEngine & COMPRESSION_ENGINE_MAXIMUM) ? CHUNK : 16;
    if (!NT_SUCCESS(status))
        return status;
    UCHAR any = 0;
    ULONG out = 0;
    for (ULONG at = 0; at < UncompressedBufferSize; at += CHUNK) {
        ULONG size = MIN(UncompressedBufferSize - at, CHUNK);
        size_t written = write_chunk(WorkSpace, UncompressedBuffer + at, size, CompressedBuffer + out,
                                     CompressedBufferSize - out, tries);
        if (written == 0)
            return STATUS_BUFFER_TOO_SMALL;
        out += (ULONG)written;
    }
    for (ULONG i = 0; i < UncompressedBufferSize; i++)
        any |= UncompressedBuffer[i];
    if (CompressedBufferSize - out >= 2) { /* the end: a header of 0 where there is room, not counted */
        CompressedBuffer[out] = 0;
        CompressedBuffer[out + 1] = 0;
    }
    *FinalCompressedSize = out;
    return any ? STATUS_SUCCESS : STATUS_BUFFER_ALL_ZEROS;
}

/* Copies a back reference, which may overlap itself; false if it points before the chunk or does not fit. */
static bool copy_reference(UCHAR *to, size_t *at, size_t room, ULONG reference)
{
    unsigned bits = length_bits(*at);
    size_t distance = (reference >> bits) + 1, n = (reference & ((1u << bits) - 1)) + 3;
    if (distance > *at || n > room - *at)
        return false;
    for (; n > 0; n--, ++*at)
        to[*at] = to[*at - distance];
    return true;
}

/* Expands one chunk's body; *written. False if it is malformed or does not fit. */
static bool expand_chunk(const UCHAR *from, size_t size, UCHAR *to, size_t room, size_t *written)
{
    size_t in = 0, at = 0;
    while (in < size) {
        UCHAR flags = from[in++];
        for (unsigned bit = 0; bit < 8 && in < size; bit++) {
            if (!(flags >> bit & 1)) {
                if (at == room)
                    return false;
                to[at++] = from[in++];
                continue;
            }
            if (size - in < 2 || !copy_reference(to, &at, room, from[in] | (ULONG)from[in + 1] << 8))
                return false;
            in += 2;
        }
    }
    *written = at;
    return true;
}

/* Puts a chunk of either kind into its place. */
static bool place_chunk(const UCHAR *body, size_t size, bool compressed, UCHAR *to, size_t room,
                        size_t *written)
{
    if (compressed)
        return expand_chunk(body, size, to, room, written);
    if (size > room)
        return false;
    __builtin_memcpy(to, body, size);
    *written = size;
    return true;
}

/* One chunk at *in: its body and size. Size 0: the end. False: malformed. */
static bool next_chunk(const UCHAR *from, size_t size, size_t *in, const UCHAR **body, size_t *body_size,
                       bool *compressed)
{
    *body_size = 0;
    if (size - *in < 2)
        return true;
    ULONG header = from[*in] | (ULONG)from[*in + 1] << 8;
    if (header == 0)
        return true;
    *body = from + *in + 2;
    *body_size = (header & SIZE_MASK) + 1;
    *compressed = (header & COMPRESSED) != 0;
    if (*body_size > size - *in - 2)
        return false;
    *in += 2 + *body_size;
    return true;
}

/*
 * A chunk that expands to less than 4096 bytes is followed by zeros if another chunk comes.
 * STATUS_BAD_COMPRESSION_BUFFER also for data that do not fit, as documented.
 */
EXPORT(ntoskrnl, RtlDecompressBuffer, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlDecompressBuffer(USHORT CompressionFormat, PUCHAR UncompressedBuffer,
                                   ULONG UncompressedBufferSize, PUCHAR CompressedBuffer,
                                   ULONG CompressedBufferSize, PULONG FinalUncompressedSize)
{
    NTSTATUS status = check_format(CompressionFormat);
    if (!NT_SUCCESS(status))
        return status;
    size_t in = 0, out = 0, chunk_start = 0, body_size, written;
    const UCHAR *body;
    bool compressed;
    for (;; chunk_start += CHUNK) {
        if (!next_chunk(CompressedBuffer, CompressedBufferSize, &in, &body, &body_size, &compressed))
            return STATUS_BAD_COMPRESSION_BUFFER;
        if (body_size == 0)
            break;
        if (chunk_start >= UncompressedBufferSize)
            return STATUS_BAD_COMPRESSION_BUFFER;
        __builtin_memset(UncompressedBuffer + out, 0, chunk_start - out);
        size_t room = MIN(UncompressedBufferSize - chunk_start, CHUNK);
        if (!place_chunk(body, body_size, compressed, UncompressedBuffer + chunk_start, room, &written))
            return STATUS_BAD_COMPRESSION_BUFFER;
        out = chunk_start + written;
    }
    *FinalUncompressedSize = (ULONG)out;
    return STATUS_SUCCESS;
}

/* FragmentOffset bytes into the data; WorkSpace holds one chunk. */
EXPORT(ntoskrnl, RtlDecompressFragment, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
NTSTATUS NTAPI RtlDecompressFragment(USHORT CompressionFormat, PUCHAR UncompressedFragment,
                                     ULONG UncompressedFragmentSize, PUCHAR CompressedBuffer,
                                     ULONG CompressedBufferSize, ULONG FragmentOffset,
                                     PULONG FinalUncompressedSize, PVOID WorkSpace)
{
    NTSTATUS status = check_format(CompressionFormat);
    if (!NT_SUCCESS(status))
        return status;
    size_t in = 0, chunk_start = 0, out = 0, body_size, written;
    const UCHAR *body;
    bool compressed;
    for (; out < UncompressedFragmentSize; chunk_start += CHUNK) {
        if (!next_chunk(CompressedBuffer, CompressedBufferSize, &in, &body, &body_size, &compressed))
            return STATUS_BAD_COMPRESSION_BUFFER;
        if (body_size == 0)
            break;
        if (chunk_start + CHUNK <= FragmentOffset)
            continue;
        const UCHAR *chunk = body;
        written = body_size;
        if (compressed) {
            if (!expand_chunk(body, body_size, WorkSpace, CHUNK, &written))
                return STATUS_BAD_COMPRESSION_BUFFER;
            chunk = WorkSpace;
        }
        size_t skip = FragmentOffset > chunk_start ? FragmentOffset - chunk_start : 0;
        size_t n = written > skip ? MIN(written - skip, UncompressedFragmentSize - out) : 0;
        __builtin_memcpy(UncompressedFragment + out, chunk + skip, n);
        out += n;
    }
    *FinalUncompressedSize = (ULONG)out;
    return STATUS_SUCCESS;
}
