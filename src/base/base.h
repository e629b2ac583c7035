/* SPDX-License-Identifier: MIT */
/*
 * What every component may use: no state, no calls, nothing from glibc.
 */
#ifndef BASE_H
#define BASE_H

#include <stdbool.h>
#include "nt/types.h"

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define countof(a)                      (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)                       ((a) < (b) ? (a) : (b))
#define MAX(a, b)                       ((a) > (b) ? (a) : (b))
#define ALIGN_UP(x, a)                  (((uintptr_t)(x) + ((uintptr_t)(a)-1)) & ~((uintptr_t)(a)-1))
#define ALIGN_DOWN(x, a)                ((uintptr_t)(x) & ~((uintptr_t)(a)-1))
#define likely(x)                       __builtin_expect(!!(x), 1)
#define unlikely(x)                     __builtin_expect(!!(x), 0)
#define PAGE_SIZE                       4096
#define PAGE_SHIFT                      12
#define PAGE_MASK                       (PAGE_SIZE - 1)

/* An invariant of ours that a driver cannot break by what it does: stays on in release. */
#define RL_ASSERT(cond) ((cond) ? (void)0 : rl_assert_failed(#cond, __FILE__, __LINE__))
_Noreturn void rl_assert_failed(const char *condition, const char *file, int line);

/* LIST_ENTRY: circular, doubly linked, head is an entry itself. */
static inline void list_init(LIST_ENTRY *head)
{
    head->Flink = head->Blink = head;
}

static inline bool list_empty(const LIST_ENTRY *head)
{
    return head->Flink == head;
}

static inline void list_insert_tail(LIST_ENTRY *head, LIST_ENTRY *entry)
{
    entry->Flink = head;
    entry->Blink = head->Blink;
    head->Blink->Flink = entry;
    head->Blink = entry;
}

static inline void list_insert_head(LIST_ENTRY *head, LIST_ENTRY *entry)
{
    entry->Flink = head->Flink;
    entry->Blink = head;
    head->Flink->Blink = entry;
    head->Flink = entry;
}

static inline void list_remove(LIST_ENTRY *entry)
{
    entry->Flink->Blink = entry->Blink;
    entry->Blink->Flink = entry->Flink;
}

static inline LIST_ENTRY *list_remove_head(LIST_ENTRY *head)
{
    LIST_ENTRY *entry = head->Flink;
    list_remove(entry);
    return entry;
}

#define list_for_each(it, head) for (LIST_ENTRY *it = (head)->Flink; it != (head); it = it->Flink)
#define list_for_each_safe(it, next, head)                                                                   \
    for (LIST_ENTRY *it = (head)->Flink, *next = it->Flink; it != (head); it = next, next = it->Flink)

#endif
