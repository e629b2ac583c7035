/* SPDX-License-Identifier: MIT */
/*
 * What the verifier knows of each remove lock: with which tags it is held. The
 * calls do nothing without the verifier, and know nothing of a lock that was
 * initialized before it or for which there was no memory.
 */
#ifndef IO_REMOVE_LOCK_H
#define IO_REMOVE_LOCK_H

#include "io/private.h"

/* 0: none. */
struct io_remove_lock_limits {
    LONGLONG locked_100ns; /* how long one may hold it */
    ULONG holders;         /* how often it may be held at a time */
};

/* The kinds of bug check 0xC4. */
enum io_remove_lock_release { IO_REMOVE_LOCK_RELEASE = 0xD5, IO_REMOVE_LOCK_RELEASE_AND_WAIT = 0xD6 };

void io_remove_lock_initializing(PIO_REMOVE_LOCK lock, const struct io_remove_lock_limits *limits);
void io_remove_lock_acquired(PIO_REMOVE_LOCK lock, const void *tag);
void io_remove_lock_released(PIO_REMOVE_LOCK lock, const void *tag, enum io_remove_lock_release kind);

#endif
