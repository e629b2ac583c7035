/* SPDX-License-Identifier: MIT */
/*
 * Looking at structures that may be garbage: at a pointer that a driver passed,
 * at an object after the machine has stopped. Nothing here faults, takes a lock
 * or trusts a length.
 */
#ifndef VF_PEEK_H
#define VF_PEEK_H

#include "nt/nt.h"
#include "vf/text.h"

/* Copies memory of the simulated machine; false: not all of it is mapped and readable. */
bool vf_peek(void *to, const void *from, size_t length);
bool vf_is_readable(const void *from, size_t length);
/* The characters of a UNICODE_STRING (a copy of the structure), at most 256. */
bool vf_peek_string(const UNICODE_STRING *string, struct vf_text *text);
/* "\Device\Serial0"; false, and nothing added: no such name can be found. */
bool vf_peek_object_name(const void *body, struct vf_text *text);

/* Copies the object if the pointer leads to one: type and size are right. */
bool vf_peek_irp(const void *irp, IRP *copy);
bool vf_peek_device(const void *device, DEVICE_OBJECT *copy);
/* The driver's name without its directory ("serial"); false: none. */
bool vf_peek_driver_name(const void *driver, struct vf_text *text);
/* The current stack location, if the IRP (a copy, found at irp) has one. */
bool vf_peek_location(const void *irp, const IRP *copy, IO_STACK_LOCATION *location);

#endif
