/* SPDX-License-Identifier: MIT */
/*
 * Generic tables on AVL trees. The driver's routines compare, allocate and
 * free; nothing of ours is held while they run. "The I-th element" is the I-th
 * in key order: the structure, which drivers allocate, has no list of
 * insertions. The caller serialises.
 */
#include "rtl/rtl.h"
#include "rtl/avl.h"
#include "rtl/exports.h"
#include "nt/status.h"

/* What precedes the driver's data in an element that AllocateRoutine returned. */
struct element {
    RTL_BALANCED_LINKS links; /* offset 0: a node is its element */
    LONGLONG data[];
};

static PVOID data_of(PVOID node)
{
    return node ? ((struct element *)node)->data : NULL;
}

EXPORT(ntoskrnl, RtlInitializeGenericTableAvl, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlInitializeGenericTableAvl(PRTL_AVL_TABLE Table, PRTL_AVL_COMPARE_ROUTINE CompareRoutine,
                                        PRTL_AVL_ALLOCATE_ROUTINE AllocateRoutine,
                                        PRTL_AVL_FREE_ROUTINE FreeRoutine, PVOID TableContext)
{
    *Table = (RTL_AVL_TABLE){.BalancedRoot.Parent = &Table->BalancedRoot,
                             .CompareRoutine = CompareRoutine,
                             .AllocateRoutine = AllocateRoutine,
                             .FreeRoutine = FreeRoutine,
                             .TableContext = TableContext};
}

/* The node equal to buffer, or the one under which it belongs. */
static TABLE_SEARCH_RESULT find(PRTL_AVL_TABLE table, PVOID buffer, PRTL_BALANCED_LINKS *where)
{
    PRTL_BALANCED_LINKS node = table->BalancedRoot.RightChild;
    TABLE_SEARCH_RESULT result = TableEmptyTree;
    *where = node;
    while (node) {
        *where = node;
        RTL_GENERIC_COMPARE_RESULTS order = table->CompareRoutine(table, buffer, data_of(node));
        if (order == GenericEqual)
            return TableFoundNode;
        result = order == GenericLessThan ? TableInsertAsLeft : TableInsertAsRight;
        node = order == GenericLessThan ? node->LeftChild : node->RightChild;
    }
    return result;
}

static void forget_position(PRTL_AVL_TABLE table)
{
    table->WhichOrderedElement = 0;
    table->OrderedPointer = NULL;
}

static void link_element(PRTL_AVL_TABLE table, PRTL_BALANCED_LINKS node, PRTL_BALANCED_LINKS parent,
                         TABLE_SEARCH_RESULT where)
{
    PRTL_BALANCED_LINKS anchor = &table->BalancedRoot;
    bool empty = where == TableEmptyTree;
    table->DepthOfTree += rtl_avl_insert(anchor, node, empty ? anchor : parent, where == TableInsertAsLeft);
    table->NumberGenericTableElements++;
    forget_position(table);
}

/* Insertion where a search by RtlLookupElementGenericTableFullAvl ended. */
EXPORT(ntoskrnl, RtlInsertElementGenericTableFullAvl, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
PVOID NTAPI RtlInsertElementGenericTableFullAvl(PRTL_AVL_TABLE Table, PVOID Buffer, CLONG BufferSize,
                                                PBOOLEAN NewElement, PVOID NodeOrParent,
                                                TABLE_SEARCH_RESULT SearchResult)
{
    bool found = SearchResult == TableFoundNode;
    struct element *element = NodeOrParent;
    if (!found) {
        element = Table->AllocateRoutine(Table, BufferSize + (CLONG)sizeof *element);
        if (!element) {
            if (NewElement)
                *NewElement = FALSE;
            return NULL;
        }
        link_element(Table, &element->links, NodeOrParent, SearchResult);
        __builtin_memcpy(element->data, Buffer, BufferSize);
    }
    if (NewElement)
        *NewElement = !found;
    return element->data;
}

/* Copies Buffer into a new element, or finds the equal one. NULL: AllocateRoutine failed. */
EXPORT(ntoskrnl, RtlInsertElementGenericTableAvl, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
PVOID NTAPI RtlInsertElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer, CLONG BufferSize,
                                            PBOOLEAN NewElement)
{
    PRTL_BALANCED_LINKS where;
    TABLE_SEARCH_RESULT result = find(Table, Buffer, &where);
    return RtlInsertElementGenericTableFullAvl(Table, Buffer, BufferSize, NewElement, where, result);
}

/* An enumeration that stands on the node steps back, so that it goes on with the node's successor. */
EXPORT(ntoskrnl, RtlDeleteElementGenericTableAvl, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
BOOLEAN NTAPI RtlDeleteElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer)
{
    PRTL_BALANCED_LINKS node, anchor = &Table->BalancedRoot;
    if (find(Table, Buffer, &node) != TableFoundNode)
        return FALSE;
    if (Table->RestartKey == node)
        Table->RestartKey = rtl_avl_previous(anchor, node);
    Table->DeleteCount++;
    Table->DepthOfTree += rtl_avl_remove(anchor, node);
    Table->NumberGenericTableElements--;
    forget_position(Table);
    Table->FreeRoutine(Table, node);
    return TRUE;
}

EXPORT(ntoskrnl, RtlLookupElementGenericTableFullAvl, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
PVOID NTAPI RtlLookupElementGenericTableFullAvl(PRTL_AVL_TABLE Table, PVOID Buffer, PVOID *NodeOrParent,
                                                TABLE_SEARCH_RESULT *SearchResult)
{
    PRTL_BALANCED_LINKS where;
    *SearchResult = find(Table, Buffer, &where);
    *NodeOrParent = where;
    return *SearchResult == TableFoundNode ? data_of(where) : NULL;
}

EXPORT(ntoskrnl, RtlLookupElementGenericTableAvl, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
PVOID NTAPI RtlLookupElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer)
{
    PRTL_BALANCED_LINKS where;
    return find(Table, Buffer, &where) == TableFoundNode ? data_of(where) : NULL;
}

/* Of several elements that compare as equal the leftmost; *RestartKey lets an enumeration go on from it. */
EXPORT(ntoskrnl, RtlLookupFirstMatchingElementGenericTableAvl, PASSIVE_LEVEL, HIGH_LEVEL,
       X_CALLS_DRIVER | X_RAISES)
PVOID NTAPI RtlLookupFirstMatchingElementGenericTableAvl(PRTL_AVL_TABLE Table, PVOID Buffer,
                                                         PVOID *RestartKey)
{
    PRTL_BALANCED_LINKS node, previous;
    if (find(Table, Buffer, &node) != TableFoundNode)
        return NULL;
    while ((previous = rtl_avl_previous(&Table->BalancedRoot, node)) &&
           Table->CompareRoutine(Table, Buffer, data_of(previous)) == GenericEqual)
        node = previous;
    *RestartKey = node;
    return data_of(node);
}

/* In key order; *RestartKey remembers, NULL begins. */
EXPORT(ntoskrnl, RtlEnumerateGenericTableWithoutSplayingAvl, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PVOID NTAPI RtlEnumerateGenericTableWithoutSplayingAvl(PRTL_AVL_TABLE Table, PVOID *RestartKey)
{
    PRTL_BALANCED_LINKS anchor = &Table->BalancedRoot;
    PRTL_BALANCED_LINKS node = *RestartKey ? rtl_avl_next(anchor, *RestartKey) : rtl_avl_first(anchor);
    if (node)
        *RestartKey = node;
    return data_of(node);
}

/* The same; the table remembers. */
EXPORT(ntoskrnl, RtlEnumerateGenericTableAvl, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PVOID NTAPI RtlEnumerateGenericTableAvl(PRTL_AVL_TABLE Table, BOOLEAN Restart)
{
    PVOID key = Restart ? NULL : Table->RestartKey;
    PVOID data = RtlEnumerateGenericTableWithoutSplayingAvl(Table, &key);
    Table->RestartKey = key;
    return data;
}

/* Where an enumeration resumes: the saved node, or, if there is none or a deletion may have freed it, by key.
 */
static PRTL_BALANCED_LINKS resume(PRTL_AVL_TABLE table, PVOID key, bool still_valid, PVOID buffer, bool skip)
{
    PRTL_BALANCED_LINKS node = key, anchor = &table->BalancedRoot;
    if (!still_valid) {
        TABLE_SEARCH_RESULT result = find(table, buffer, &node);
        if (result == TableInsertAsLeft || result == TableEmptyTree)
            return node;
        if (result == TableInsertAsRight)
            return rtl_avl_next(anchor, node);
    }
    return skip ? rtl_avl_next(anchor, node) : node;
}

/*
 * The next element that MatchFunction accepts, across insertions and deletions: NextFlag skips the one at
 * which the enumeration stands. STATUS_NO_MORE_MATCHES of MatchFunction ends it.
 */
EXPORT(ntoskrnl, RtlEnumerateGenericTableLikeADirectory, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
PVOID NTAPI RtlEnumerateGenericTableLikeADirectory(PRTL_AVL_TABLE Table,
                                                   PRTL_AVL_MATCH_FUNCTION MatchFunction, PVOID MatchData,
                                                   ULONG NextFlag, PVOID *RestartKey, PULONG DeleteCount,
                                                   PVOID Buffer)
{
    bool valid = *RestartKey && *DeleteCount == Table->DeleteCount;
    PRTL_BALANCED_LINKS node = resume(Table, *RestartKey, valid, Buffer, NextFlag != 0);
    *DeleteCount = Table->DeleteCount;
    for (; node; node = rtl_avl_next(&Table->BalancedRoot, node)) {
        NTSTATUS status = MatchFunction ? MatchFunction(Table, data_of(node), MatchData) : STATUS_SUCCESS;
        if (status == STATUS_NO_MORE_MATCHES)
            break;
        *RestartKey = node;
        if (status == STATUS_SUCCESS)
            return data_of(node);
    }
    return NULL;
}

/* The I-th element in key order, from 0; steps from the one that was asked for last. */
EXPORT(ntoskrnl, RtlGetElementGenericTableAvl, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PVOID NTAPI RtlGetElementGenericTableAvl(PRTL_AVL_TABLE Table, ULONG I)
{
    PRTL_BALANCED_LINKS anchor = &Table->BalancedRoot;
    if (I >= Table->NumberGenericTableElements)
        return NULL;
    if (!Table->OrderedPointer) {
        Table->OrderedPointer = rtl_avl_first(anchor);
        Table->WhichOrderedElement = 1;
    }
    for (; Table->WhichOrderedElement < I + 1; Table->WhichOrderedElement++)
        Table->OrderedPointer = rtl_avl_next(anchor, Table->OrderedPointer);
    for (; Table->WhichOrderedElement > I + 1; Table->WhichOrderedElement--)
        Table->OrderedPointer = rtl_avl_previous(anchor, Table->OrderedPointer);
    return data_of(Table->OrderedPointer);
}

EXPORT(ntoskrnl, RtlNumberGenericTableElementsAvl, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI RtlNumberGenericTableElementsAvl(PRTL_AVL_TABLE Table)
{
    return Table->NumberGenericTableElements;
}

EXPORT(ntoskrnl, RtlIsGenericTableEmptyAvl, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlIsGenericTableEmptyAvl(PRTL_AVL_TABLE Table)
{
    return Table->NumberGenericTableElements == 0;
}
