/* SPDX-License-Identifier: MIT */
#include "ldr/sort.h"

struct heap {
    char *elements;
    size_t size;
    bool (*less)(const void *, const void *);
};

static char *at(const struct heap *heap, size_t index)
{
    return heap->elements + index * heap->size;
}

static void swap(const struct heap *heap, size_t a, size_t b)
{
    char saved[LDR_SORT_MAX];

    __builtin_memcpy(saved, at(heap, a), heap->size);
    __builtin_memcpy(at(heap, a), at(heap, b), heap->size);
    __builtin_memcpy(at(heap, b), saved, heap->size);
}

static void sift_down(const struct heap *heap, size_t root, size_t count)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && heap->less(at(heap, child), at(heap, child + 1)))
            child++;
        if (!heap->less(at(heap, root), at(heap, child)))
            return;
        swap(heap, root, child);
    }
}

void ldr_sort(void *elements, size_t count, size_t size, bool (*less)(const void *, const void *))
{
    struct heap heap = {elements, size, less};

    RL_ASSERT(size <= LDR_SORT_MAX);
    for (size_t i = count / 2; i-- > 0;)
        sift_down(&heap, i, count);
    for (size_t end = count; end-- > 1;) {
        swap(&heap, 0, end);
        sift_down(&heap, 0, end);
    }
}
