/* SPDX-License-Identifier: MIT */
/*
 * Unicode prefix tables: path names in a splay tree by upper case; names that
 * differ only in case form a ring (CaseMatch), of which one is in the tree.
 * The driver provides the entries and serialises.
 */
#include "rtl/rtl.h"
#include "rtl/exports.h"
#include "rtl/nls.h"

enum { TABLE = 0x0800, IN_TREE = 0x0801, IN_RING = 0x0802 }; /* NodeTypeCode */

static PUNICODE_PREFIX_TABLE_ENTRY entry_of(PRTL_SPLAY_LINKS links)
{
    return container_of(links, UNICODE_PREFIX_TABLE_ENTRY, Links);
}

EXPORT(ntoskrnl, RtlInitializeUnicodePrefix, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
VOID NTAPI RtlInitializeUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable)
{
    *PrefixTable = (UNICODE_PREFIX_TABLE){.NodeTypeCode = TABLE};
}

/* The tree's entry for a text of n characters in any case, else the place where it belongs. */
static PUNICODE_PREFIX_TABLE_ENTRY find(PUNICODE_PREFIX_TABLE table, const WCHAR *text, size_t n,
                                        PUNICODE_PREFIX_TABLE_ENTRY *parent, LONG *order)
{
    PUNICODE_PREFIX_TABLE_ENTRY at = table->NextPrefixTree;
    *parent = NULL;
    while (at) {
        *order =
            RtlCompareUnicodeStrings(text, n, at->Prefix->Buffer, at->Prefix->Length / sizeof(WCHAR), TRUE);
        if (*order == 0)
            return at;
        *parent = at;
        PRTL_SPLAY_LINKS next = *order < 0 ? at->Links.LeftChild : at->Links.RightChild;
        at = next ? entry_of(next) : NULL;
    }
    return NULL;
}

static void splay(PUNICODE_PREFIX_TABLE table, PUNICODE_PREFIX_TABLE_ENTRY entry)
{
    table->NextPrefixTree = entry_of(RtlSplay(&entry->Links));
}

/* Adds to the ring of `same`; false if the very name is there. */
static bool join_ring(PUNICODE_PREFIX_TABLE_ENTRY same, PUNICODE_PREFIX_TABLE_ENTRY entry)
{
    PUNICODE_PREFIX_TABLE_ENTRY at = same;
    do {
        if (RtlEqualUnicodeString(at->Prefix, entry->Prefix, FALSE))
            return false;
        at = at->CaseMatch;
    } while (at != same);
    entry->NodeTypeCode = IN_RING;
    entry->CaseMatch = same->CaseMatch;
    same->CaseMatch = entry;
    return true;
}

/* Owns: the table borrows the entry and the string until RtlRemoveUnicodePrefix. FALSE: a duplicate. */
EXPORT(ntoskrnl, RtlInsertUnicodePrefix, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
BOOLEAN NTAPI RtlInsertUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable, PUNICODE_STRING Prefix,
                                     PUNICODE_PREFIX_TABLE_ENTRY PrefixTableEntry)
{
    PUNICODE_PREFIX_TABLE_ENTRY parent, entry = PrefixTableEntry;
    LONG order = 0;
    *entry = (UNICODE_PREFIX_TABLE_ENTRY){.NodeTypeCode = IN_TREE, .CaseMatch = entry, .Prefix = Prefix};
    PUNICODE_PREFIX_TABLE_ENTRY same =
        find(PrefixTable, Prefix->Buffer, Prefix->Length / sizeof(WCHAR), &parent, &order);
    PrefixTable->LastNextEntry = NULL;
    if (same)
        return join_ring(same, entry);
    entry->Links.Parent = parent ? &parent->Links : &entry->Links;
    if (parent && order < 0)
        parent->Links.LeftChild = &entry->Links;
    else if (parent)
        parent->Links.RightChild = &entry->Links;
    splay(PrefixTable, entry);
    return TRUE;
}

/* Another member of the ring takes an entry's place in the tree. */
static void replace_in_tree(PUNICODE_PREFIX_TABLE table, PUNICODE_PREFIX_TABLE_ENTRY entry,
                            PUNICODE_PREFIX_TABLE_ENTRY heir)
{
    PRTL_SPLAY_LINKS parent = entry->Links.Parent;
    heir->NodeTypeCode = IN_TREE;
    heir->Links = entry->Links;
    if (parent == &entry->Links) {
        heir->Links.Parent = &heir->Links;
        table->NextPrefixTree = heir;
    } else if (parent->LeftChild == &entry->Links) {
        parent->LeftChild = &heir->Links;
    } else {
        parent->RightChild = &heir->Links;
    }
    if (heir->Links.LeftChild)
        heir->Links.LeftChild->Parent = &heir->Links;
    if (heir->Links.RightChild)
        heir->Links.RightChild->Parent = &heir->Links;
}

EXPORT(ntoskrnl, RtlRemoveUnicodePrefix, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
VOID NTAPI RtlRemoveUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable,
                                  PUNICODE_PREFIX_TABLE_ENTRY PrefixTableEntry)
{
    PUNICODE_PREFIX_TABLE_ENTRY entry = PrefixTableEntry, previous = entry;
    PrefixTable->LastNextEntry = NULL;
    while (previous->CaseMatch != entry)
        previous = previous->CaseMatch;
    previous->CaseMatch = entry->CaseMatch;
    if (entry->NodeTypeCode == IN_RING)
        return;
    if (previous != entry) {
        replace_in_tree(PrefixTable, entry, previous);
        return;
    }
    PRTL_SPLAY_LINKS root = RtlDelete(&entry->Links);
    PrefixTable->NextPrefixTree = root ? entry_of(root) : NULL;
}

/* A member of the ring whose first `exact` characters are those of the text, case and all. */
static PUNICODE_PREFIX_TABLE_ENTRY match_case(PUNICODE_PREFIX_TABLE_ENTRY ring, const WCHAR *text,
                                              size_t exact)
{
    PUNICODE_PREFIX_TABLE_ENTRY at = ring;
    do {
        size_t n = MIN(exact, at->Prefix->Length / sizeof(WCHAR));
        if (RtlCompareUnicodeStrings(at->Prefix->Buffer, n, text, n, FALSE) == 0)
            return at;
        at = at->CaseMatch;
    } while (at != ring);
    return NULL;
}

/* The longest prefix of FullName that ends where a name in the path ends: the first CaseInsensitiveIndex
 * characters count with their case. */
EXPORT(ntoskrnl, RtlFindUnicodePrefix, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
PUNICODE_PREFIX_TABLE_ENTRY NTAPI RtlFindUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable,
                                                       PUNICODE_STRING FullName, ULONG CaseInsensitiveIndex)
{
    const WCHAR *text = FullName->Buffer;
    size_t length = FullName->Length / sizeof(WCHAR);
    for (size_t n = length; n > 0; n--) {
        bool boundary = n == length || text[n] == '\\' || (n == 1 && text[0] == '\\');
        PUNICODE_PREFIX_TABLE_ENTRY parent, ring, found;
        LONG order;
        if (!boundary || !(ring = find(PrefixTable, text, n, &parent, &order)))
            continue;
        found = match_case(ring, text, CaseInsensitiveIndex);
        if (found) {
            splay(PrefixTable, ring);
            return found;
        }
    }
    return NULL;
}

/* Every entry, in the order of the names. */
EXPORT(ntoskrnl, RtlNextUnicodePrefix, PASSIVE_LEVEL, APC_LEVEL, X_RAISES)
PUNICODE_PREFIX_TABLE_ENTRY NTAPI RtlNextUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable, BOOLEAN Restart)
{
    PUNICODE_PREFIX_TABLE_ENTRY last = PrefixTable->LastNextEntry, in_tree = last;
    PRTL_SPLAY_LINKS links;
    if (Restart || !last) {
        links = PrefixTable->NextPrefixTree ? &PrefixTable->NextPrefixTree->Links : NULL;
        while (links && links->LeftChild)
            links = links->LeftChild;
    } else {
        if (last->CaseMatch->NodeTypeCode == IN_RING)
            return PrefixTable->LastNextEntry = last->CaseMatch;
        in_tree = last->CaseMatch; /* the ring is closed by the entry in the tree */
        links = RtlRealSuccessor(&in_tree->Links);
    }
    if (!links)
        return NULL;
    return PrefixTable->LastNextEntry = entry_of(links);
}
