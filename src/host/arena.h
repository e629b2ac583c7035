/* SPDX-License-Identifier: MIT */
/*
 * An arena: memory that is allocated piece by piece and freed at once, built
 * from pages of the system range, so it may be used on NT stacks where
 * malloc may not. One user at a time; the pieces stay where they are.
 */
#ifndef ARENA_H
#define ARENA_H

#include "base/base.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t used;                /* of the newest */
};

void *arena_alloc(struct arena *arena, size_t size); /* zeroed, 16-byte aligned; NULL: no memory */
char *arena_string(struct arena *arena, const char *text, size_t length); /* a terminated copy */
void arena_free(struct arena *arena);

#endif
