/* SPDX-License-Identifier: MIT */
/*
 * Generic tables on splay links. The driver's routines compare, allocate and
 * free; nothing of ours is held while they run. Elements keep the order in
 * which they were inserted in a list besides. The caller serialises.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"

/* What precedes the driver's data in an element that AllocateRoutine returned. */
struct element {
    RTL_SPLAY_LINKS links; /* offset 0: a node is its element */
    LIST_ENTRY order;
    LONGLONG data[];
};

static PVOID data_of(PVOID node)
{
    return node ? ((struct element *)node)->data : NULL;
}

EXPORT(ntoskrnl, RtlInitializeGenericTable, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
VOID NTAPI RtlInitializeGenericTable(PRTL_GENERIC_TABLE Table, PRTL_GENERIC_COMPARE_ROUTINE CompareRoutine,
                                     PRTL_GENERIC_ALLOCATE_ROUTINE AllocateRoutine,
                                     PRTL_GENERIC_FREE_ROUTINE FreeRoutine, PVOID TableContext)
{
    *Table = (RTL_GENERIC_TABLE){.CompareRoutine = CompareRoutine,
                                 .AllocateRoutine = AllocateRoutine,
                                 .FreeRoutine = FreeRoutine,
                                 .TableContext = TableContext};
    list_init(&Table->InsertOrderList);
    Table->OrderedPointer = &Table->InsertOrderList;
}

/* The node equal to buffer, or the one under which it belongs. */
static TABLE_SEARCH_RESULT find(PRTL_GENERIC_TABLE table, PVOID buffer, PRTL_SPLAY_LINKS *where)
{
    PRTL_SPLAY_LINKS node = table->TableRoot;
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

static void link_element(PRTL_GENERIC_TABLE table, struct element *element, PRTL_SPLAY_LINKS parent,
                         TABLE_SEARCH_RESULT where)
{
    element->links = (RTL_SPLAY_LINKS){where == TableEmptyTree ? &element->links : parent, NULL, NULL};
    if (where == TableInsertAsLeft)
        parent->LeftChild = &element->links;
    else if (where == TableInsertAsRight)
        parent->RightChild = &element->links;
    list_insert_tail(&table->InsertOrderList, &element->order);
    table->NumberGenericTableElements++;
}

/* Insertion where a search by RtlLookupElementGenericTableFull ended. */
EXPORT(ntoskrnl, RtlInsertElementGenericTableFull, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
PVOID NTAPI RtlInsertElementGenericTableFull(PRTL_GENERIC_TABLE Table, PVOID Buffer, CLONG BufferSize,
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
        link_element(Table, element, NodeOrParent, SearchResult);
        __builtin_memcpy(element->data, Buffer, BufferSize);
    }
    Table->TableRoot = RtlSplay(&element->links);
    if (NewElement)
        *NewElement = !found;
    return element->data;
}

/* Copies Buffer into a new element, or finds the equal one. NULL: AllocateRoutine failed. */
EXPORT(ntoskrnl, RtlInsertElementGenericTable, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
PVOID NTAPI RtlInsertElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer, CLONG BufferSize,
                                         PBOOLEAN NewElement)
{
    PRTL_SPLAY_LINKS where;
    TABLE_SEARCH_RESULT result = find(Table, Buffer, &where);
    return RtlInsertElementGenericTableFull(Table, Buffer, BufferSize, NewElement, where, result);
}

EXPORT(ntoskrnl, RtlDeleteElementGenericTable, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
BOOLEAN NTAPI RtlDeleteElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    PRTL_SPLAY_LINKS node;
    if (find(Table, Buffer, &node) != TableFoundNode)
        return FALSE;
    Table->TableRoot = RtlDelete(node);
    list_remove(&((struct element *)node)->order);
    Table->NumberGenericTableElements--;
    Table->WhichOrderedElement = 0;
    Table->OrderedPointer = &Table->InsertOrderList;
    Table->FreeRoutine(Table, node);
    return TRUE;
}

/* The element found becomes the root; also says where a missing one would go. */
EXPORT(ntoskrnl, RtlLookupElementGenericTableFull, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
PVOID NTAPI RtlLookupElementGenericTableFull(PRTL_GENERIC_TABLE Table, PVOID Buffer, PVOID *NodeOrParent,
                                             TABLE_SEARCH_RESULT *SearchResult)
{
    PRTL_SPLAY_LINKS where;
    *SearchResult = find(Table, Buffer, &where);
    *NodeOrParent = where;
    if (*SearchResult != TableFoundNode)
        return NULL;
    Table->TableRoot = RtlSplay(where);
    return data_of(where);
}

EXPORT(ntoskrnl, RtlLookupElementGenericTable, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
PVOID NTAPI RtlLookupElementGenericTable(PRTL_GENERIC_TABLE Table, PVOID Buffer)
{
    PVOID where;
    TABLE_SEARCH_RESULT result;
    return RtlLookupElementGenericTableFull(Table, Buffer, &where, &result);
}

static PRTL_SPLAY_LINKS leftmost(PRTL_SPLAY_LINKS node)
{
    while (node && node->LeftChild)
        node = node->LeftChild;
    return node;
}

/* In key order; where it is, is remembered as the root. */
EXPORT(ntoskrnl, RtlEnumerateGenericTable, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PVOID NTAPI RtlEnumerateGenericTable(PRTL_GENERIC_TABLE Table, BOOLEAN Restart)
{
    if (!Table->TableRoot)
        return NULL;
    PRTL_SPLAY_LINKS node = Restart ? leftmost(Table->TableRoot) : RtlRealSuccessor(Table->TableRoot);
    if (node)
        Table->TableRoot = RtlSplay(node);
    return data_of(node);
}

/* In key order; *RestartKey remembers, NULL begins. */
EXPORT(ntoskrnl, RtlEnumerateGenericTableWithoutSplaying, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PVOID NTAPI RtlEnumerateGenericTableWithoutSplaying(PRTL_GENERIC_TABLE Table, PVOID *RestartKey)
{
    if (!Table->TableRoot)
        return NULL;
    PRTL_SPLAY_LINKS node = *RestartKey ? RtlRealSuccessor(*RestartKey) : leftmost(Table->TableRoot);
    if (node)
        *RestartKey = node;
    return data_of(node);
}

/* The I-th element in the order of insertion, from 0; steps from the one that was asked for last. */
EXPORT(ntoskrnl, RtlGetElementGenericTable, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PVOID NTAPI RtlGetElementGenericTable(PRTL_GENERIC_TABLE Table, ULONG I)
{
    if (I >= Table->NumberGenericTableElements)
        return NULL;
    ULONG wanted = I + 1; /* the list's head is element 0 */
    while (Table->WhichOrderedElement < wanted) {
        Table->OrderedPointer = Table->OrderedPointer->Flink;
        Table->WhichOrderedElement++;
    }
    while (Table->WhichOrderedElement > wanted) {
        Table->OrderedPointer = Table->OrderedPointer->Blink;
        Table->WhichOrderedElement--;
    }
    return container_of(Table->OrderedPointer, struct element, order)->data;
}

EXPORT(ntoskrnl, RtlNumberGenericTableElements, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI RtlNumberGenericTableElements(PRTL_GENERIC_TABLE Table)
{
    return Table->NumberGenericTableElements;
}

EXPORT(ntoskrnl, RtlIsGenericTableEmpty, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlIsGenericTableEmpty(PRTL_GENERIC_TABLE Table)
{
    return Table->TableRoot == NULL;
}
