/* SPDX-License-Identifier: MIT */
/*
 * Sorting and searching arrays with the driver's comparison. A heap sort: in
 * place, no recursion (NT stacks are small), no bad case. Nothing is held
 * across a comparison, which may raise: the array is then a permutation.
 */
#include "rtl/rtl.h"
#include "rtl/crt.h"
#include "rtl/exports.h"

typedef int NTAPI compare_fn(const VOID *, const VOID *);
typedef int NTAPI compare_context_fn(PVOID, const VOID *, const VOID *);

struct order {
    SIZE_T width;
    compare_fn *compare; /* one of the two */
    compare_context_fn *compare_context;
    PVOID context;
};

static int compare(const struct order *order, const VOID *a, const VOID *b)
{
    return order->compare ? order->compare(a, b) : order->compare_context(order->context, a, b);
}

static void swap(char *a, char *b, SIZE_T width)
{
    for (SIZE_T i = 0; i < width; i++) {
        char c = a[i];
        a[i] = b[i];
        b[i] = c;
    }
}

/* Moves the element at `root` down until no child is larger. */
static void sift_down(const struct order *order, char *base, SIZE_T root, SIZE_T count)
{
    for (SIZE_T child; (child = root * 2 + 1) < count; root = child) {
        if (child + 1 < count &&
            compare(order, base + child * order->width, base + (child + 1) * order->width) < 0)
            child++;
        if (compare(order, base + root * order->width, base + child * order->width) >= 0)
            return;
        swap(base + root * order->width, base + child * order->width, order->width);
    }
}

static void sort(const struct order *order, char *base, SIZE_T count)
{
    for (SIZE_T root = count / 2; root > 0; root--)
        sift_down(order, base, root - 1, count);
    for (; count > 1; count--) {
        swap(base, base + (count - 1) * order->width, order->width);
        sift_down(order, base, 0, count - 1);
    }
}

EXPORT_AS(ntoskrnl, "qsort", crt_qsort, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
VOID NTAPI crt_qsort(PVOID base, SIZE_T count, SIZE_T width, int(NTAPI *fn)(const VOID *, const VOID *))
{
    sort(&(struct order){width, fn, NULL, NULL}, base, count);
}

EXPORT_AS(ntoskrnl, "qsort_s", crt_qsort_s, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
VOID NTAPI crt_qsort_s(PVOID base, SIZE_T count, SIZE_T width,
                       int(NTAPI *fn)(PVOID, const VOID *, const VOID *), PVOID context)
{
    sort(&(struct order){width, NULL, fn, context}, base, count);
}

static PVOID search(const struct order *order, const VOID *key, const char *base, SIZE_T count)
{
    for (SIZE_T low = 0, high = count; low < high;) {
        SIZE_T middle = low + (high - low) / 2;
        const char *at = base + middle * order->width;
        int difference = compare(order, key, at);
        if (difference == 0)
            return (PVOID)at;
        if (difference < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

EXPORT_AS(ntoskrnl, "bsearch", crt_bsearch, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
PVOID NTAPI crt_bsearch(const VOID *key, const VOID *base, SIZE_T count, SIZE_T width,
                        int(NTAPI *fn)(const VOID *, const VOID *))
{
    return search(&(struct order){width, fn, NULL, NULL}, key, base, count);
}

EXPORT_AS(ntoskrnl, "bsearch_s", crt_bsearch_s, PASSIVE_LEVEL, HIGH_LEVEL, X_CALLS_DRIVER | X_RAISES)
PVOID NTAPI crt_bsearch_s(const VOID *key, const VOID *base, SIZE_T count, SIZE_T width,
                          int(NTAPI *fn)(PVOID, const VOID *, const VOID *), PVOID context)
{
    return search(&(struct order){width, NULL, fn, context}, key, base, count);
}
