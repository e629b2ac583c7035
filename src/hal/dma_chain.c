/* SPDX-License-Identifier: MIT */
/*
 * Positions in chains of MDLs: an offset counts from the first byte of the
 * first MDL through all of the chain. What is behind a position comes from the
 * MDLs' frame numbers, never from an address.
 */
#include "hal/dma.h"

uint64_t dma_chain_bytes(PMDL mdl)
{
    uint64_t bytes = 0;

    for (; mdl != NULL; mdl = mdl->Next)
        bytes += mdl->ByteCount;
    return bytes;
}

bool dma_chain_holds(PMDL mdl, uint64_t offset, uint64_t length)
{
    uint64_t bytes = dma_chain_bytes(mdl);

    return offset <= bytes && length <= bytes - offset;
}

/* The offset is inside the chain, or at its end: then the cursor has no MDL. */
struct dma_cursor dma_seek(PMDL mdl, uint64_t offset)
{
    while (mdl != NULL && offset >= mdl->ByteCount) {
        offset -= mdl->ByteCount;
        mdl = mdl->Next;
    }
    return (struct dma_cursor){mdl, (ULONG)offset};
}

uint64_t dma_address(const struct dma_cursor *cursor)
{
    uint64_t in_pages = (uint64_t)cursor->mdl->ByteOffset + cursor->at;

    return (MmGetMdlPfnArray(cursor->mdl)[in_pages >> PAGE_SHIFT] << PAGE_SHIFT) + BYTE_OFFSET(in_pages);
}

ULONG dma_chunk(const struct dma_cursor *cursor, ULONG most)
{
    ULONG in_page = PAGE_SIZE - (ULONG)BYTE_OFFSET(cursor->mdl->ByteOffset + cursor->at);

    return MIN(most, MIN(in_page, cursor->mdl->ByteCount - cursor->at));
}

/* reach: to where the memory is in one piece and the device can go. Not reach: to where the device can go
 * again, in as many pieces as that may be. */
ULONG dma_run(const struct dma_cursor *cursor, ULONG most, uint64_t limit, bool reach)
{
    struct dma_cursor at = *cursor;
    uint64_t expected = dma_address(cursor);
    ULONG run = 0;

    most = MIN(most, cursor->mdl->ByteCount - cursor->at);
    while (run < most) {
        uint64_t pa = dma_address(&at);
        ULONG chunk = dma_chunk(&at, most - run);

        if ((pa + chunk - 1 <= limit) != reach || (reach && pa != expected))
            break;
        run += chunk;
        at.at += chunk;
        expected = pa + chunk;
    }
    return run;
}

void dma_advance(struct dma_cursor *cursor, ULONG bytes)
{
    *cursor = dma_seek(cursor->mdl, (uint64_t)cursor->at + bytes);
}

ULONG dma_span(PMDL mdl, uint64_t offset, ULONG length)
{
    struct dma_cursor at = dma_seek(mdl, offset);
    ULONG pages = 0;

    while (length != 0) {
        ULONG part = MIN(length, at.mdl->ByteCount - at.at);

        pages += ADDRESS_AND_SIZE_TO_SPAN_PAGES(at.mdl->ByteOffset + at.at, part);
        length -= part;
        dma_advance(&at, part);
    }
    return pages;
}
