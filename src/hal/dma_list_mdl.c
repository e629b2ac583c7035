/* SPDX-License-Identifier: MIT */
/*
 * MDLs for what a scatter/gather list describes, wherever that is: the
 * buffer's own where nothing bounces, else new ones over the pages that the
 * device sees. They end with the list.
 */
#include "hal/dma.h"
#include "mm/mm.h"

/* The elements from here on that one MDL can describe: each but the first begins, and each but the last ends,
 * at a page's edge. */
static ULONG group_of(const SCATTER_GATHER_LIST *list, ULONG first)
{
    ULONG count = 1;

    while (first + count < list->NumberOfElements) {
        const SCATTER_GATHER_ELEMENT *before = &list->Elements[first + count - 1];

        if (BYTE_OFFSET(before->Address.QuadPart + before->Length) != 0 ||
            BYTE_OFFSET(list->Elements[first + count].Address.QuadPart) != 0)
            break;
        count++;
    }
    return count;
}

static PMDL mdl_of_group(const SCATTER_GATHER_ELEMENT *element, ULONG count)
{
    ULONG length = 0, page = 0;
    PMDL mdl;

    for (ULONG i = 0; i < count; i++)
        length += element[i].Length;
    mdl = IoAllocateMdl((PVOID)(ULONG_PTR)BYTE_OFFSET(element->Address.QuadPart), length, FALSE, FALSE, NULL);
    if (mdl == NULL)
        return NULL;
    for (ULONG i = 0; i < count; i++) {
        uint64_t pa = (uint64_t)element[i].Address.QuadPart;
        ULONG pages = (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(pa, element[i].Length);

        for (ULONG n = 0; n < pages; n++)
            MmGetMdlPfnArray(mdl)[page++] = (pa >> PAGE_SHIFT) + n;
    }
    mdl->MdlFlags |= MDL_PAGES_LOCKED;
    return mdl;
}

static void free_chain(PMDL mdl)
{
    while (mdl != NULL) {
        PMDL next = mdl->Next;

        IoFreeMdl(mdl);
        mdl = next;
    }
}

/* NULL: no memory. */
static PMDL chain_of_list(const SCATTER_GATHER_LIST *list)
{
    PMDL first = NULL, *next = &first;

    for (ULONG i = 0; i < list->NumberOfElements;) {
        ULONG count = group_of(list, i);

        *next = mdl_of_group(&list->Elements[i], count);
        if (*next == NULL) {
            free_chain(first);
            return NULL;
        }
        next = &(*next)->Next;
        i += count;
    }
    return first;
}

/*
 * *TargetMdl: what describes the memory that the list does; the original itself if that is the same.
 * STATUS_NONE_MAPPED: new MDLs were made for this list already. Owns: the list. IRQL: <= DISPATCH_LEVEL.
 */
NTSTATUS NTAPI dma_build_mdl(PDMA_ADAPTER DmaAdapter, PSCATTER_GATHER_LIST ScatterGather, PMDL OriginalMdl,
                             PMDL *TargetMdl)
{
    struct dma_adapter *adapter = dma_adapter_of(DmaAdapter);
    struct dma_request *request = dma_request_by_list(adapter, ScatterGather);

    if (OriginalMdl == NULL || request == NULL)
        return STATUS_INVALID_PARAMETER;
    if (request->built != NULL)
        return STATUS_NONE_MAPPED;
    *TargetMdl = OriginalMdl;
    if (request->bounce_count == 0)
        return STATUS_SUCCESS;
    request->built = chain_of_list(ScatterGather);
    if (request->built == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    *TargetMdl = request->built;
    return STATUS_SUCCESS;
}
