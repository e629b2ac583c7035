/* SPDX-License-Identifier: MIT */
/*
 * An object's life: creation, references, deletion. The count is one atomic
 * word; whoever takes it to zero deletes the object, at PASSIVE_LEVEL: above
 * that the object goes on a lock-free stack that a worker empties. A count
 * that leaves its range is a driver's mistake and stops the machine (0x18).
 */
#include "ob/object.h"
#include "ob/services.h"

void (*ob_defer)(void (*run)(void *context), void *context);
static struct ob_header *dead_objects; /* pushed atomically; taken all at once */

void *ob_create(struct ob_type *type, size_t body_size)
{
    /* In cache lines of its own: two processors with one object each do not disturb one another. */
    struct ob_header *header =
        mm_alloc_lines(sizeof(*header) + body_size, type->ops.pool_tag ? type->ops.pool_tag : OB_TAG_OBJECT);
    if (!header)
        return NULL;
    header->type = type;
    header->pointer_count = 1;
    LONG objects = __atomic_add_fetch(&type->objects, 1, __ATOMIC_RELAXED);
    if (objects > type->peak_objects)
        type->peak_objects = objects;
    return header->body;
}

static void delete_object(struct ob_header *header)
{
    ob_remove_name(header->body);
    if (header->type->ops.delete_)
        header->type->ops.delete_(header->body);
    if (header->security)
        mm_free(header->security);
    __atomic_sub_fetch(&header->type->objects, 1, __ATOMIC_RELAXED);
    mm_free(header);
}

static void delete_dead_objects(void *context)
{
    struct ob_header *next, *header = __atomic_exchange_n(&dead_objects, NULL, __ATOMIC_ACQUIRE);
    for (; header; header = next) {
        next = header->next_dead;
        delete_object(header);
    }
}

void ob_objects_fini(void)
{
    dead_objects = NULL;
}

/* Only the push that finds the stack empty asks for a worker: it empties all of it. */
static void defer_deletion(struct ob_header *header)
{
    struct ob_header *top = __atomic_load_n(&dead_objects, __ATOMIC_RELAXED);
    do
        header->next_dead = top;
    while (
        !__atomic_compare_exchange_n(&dead_objects, &top, header, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    if (!top && ob_defer)
        ob_defer(delete_dead_objects, NULL);
}

static void count_error(struct ob_header *header, LONG count)
{
    ke_bugcheck_code(REFERENCE_BY_POINTER, (ULONG64)header->type, (ULONG64)header->body, 1,
                     (ULONG64)(LONG64)count);
}

void ob_reference(void *body)
{
    LONG before = __atomic_fetch_add(&ob_header_of(body)->pointer_count, 1, __ATOMIC_RELAXED);
    if (unlikely(before <= 0))
        count_error(ob_header_of(body), before);
}

bool ob_reference_if_live(void *body)
{
    LONG *count = &ob_header_of(body)->pointer_count;
    LONG value = __atomic_load_n(count, __ATOMIC_RELAXED);
    while (value > 0)
        if (__atomic_compare_exchange_n(count, &value, value + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return true;
    return false;
}

/* Returns the count after; the caller deletes at 0. */
static LONG drop_reference(struct ob_header *header)
{
    LONG after = __atomic_sub_fetch(&header->pointer_count, 1, __ATOMIC_ACQ_REL);
    if (unlikely(after < 0 || (after == 0 && header->handle_count != 0)))
        count_error(header, after);
    return after;
}

LONG ob_dereference_count(void *body)
{
    struct ob_header *header = ob_header_of(body);
    LONG after = drop_reference(header);
    if (likely(after > 0))
        return after;
    if (ke_irql() == PASSIVE_LEVEL)
        delete_object(header);
    else
        defer_deletion(header);
    return 0;
}

void ob_dereference(void *body)
{
    ob_dereference_count(body);
}

void ob_dereference_deferred(void *body)
{
    struct ob_header *header = ob_header_of(body);
    if (drop_reference(header) == 0)
        defer_deletion(header);
}

LONG ob_pointer_count(const void *body)
{
    return __atomic_load_n(&ob_header_of(body)->pointer_count, __ATOMIC_RELAXED);
}

LONG ob_handle_count(const void *body)
{
    return __atomic_load_n(&ob_header_of(body)->handle_count, __ATOMIC_RELAXED);
}

struct ob_type *ob_type_of(const void *body)
{
    return ob_header_of(body)->type;
}
