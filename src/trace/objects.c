/* SPDX-License-Identifier: MIT */
/*
 * Objects have numbers in the order in which they appear, and names where they
 * have them, so that a trace tells the same story in every run of a seed. A
 * number is kept until the object is deleted.
 */
#include "trace/internal.h"
#include "rtl/rtl.h"
#include "vf/report.h"

#define OWN_IRPS 1000000000u /* above: in a driver's own memory, IoInitializeIrp made them */
#define OBJECTS  2048        /* a power of two */

static const char gone;
#define GONE ((const void *)&gone)

static struct trace_object objects[OBJECTS], overflow;
static unsigned used;
static ULONG last_number[TRACE_CLASSES];

static size_t slot_of(const void *object, size_t step)
{
    return (((uintptr_t)object >> 4) * 0x9E3779B97F4A7C15ull / (1ull << 40) + step) % OBJECTS;
}

static struct trace_object *find(enum trace_class class, const void *object)
{
    for (size_t step = 0; step < OBJECTS; step++) {
        struct trace_object *o = &objects[slot_of(object, step)];
        if (o->object == NULL)
            return NULL;
        if (o->object == object && o->class == class)
            return o;
    }
    return NULL;
}

static struct trace_object *free_slot(const void *object)
{
    for (size_t step = 0; step < OBJECTS; step++) {
        struct trace_object *o = &objects[slot_of(object, step)];
        if (o->object == NULL || o->object == GONE) {
            used += o->object == NULL;
            return o;
        }
    }
    return NULL;
}

static void name_it(struct trace_object *o)
{
    DEVICE_OBJECT device;
    struct vf_text text;
    vf_text_init(&text, o->name, sizeof(o->name));
    if (o->class != TRACE_CLASS_DEVICE)
        return;
    if (!vf_peek_object_name(o->object, &text))
        vf_text_add(&text, "device #%u", o->number);
    if (!vf_peek_device(o->object, &device))
        return;
    vf_text_add(&text, " (");
    if (!vf_peek_driver_name(device.DriverObject, &text))
        vf_text_add(&text, "no driver");
    vf_text_add(&text, ")");
}

struct trace_object *trace_object(enum trace_class class, const void *object)
{
    struct trace_object *o = find(class, object);
    if (o != NULL)
        return o;
    o = used < OBJECTS * 3 / 4 ? free_slot(object) : NULL;
    if (o == NULL)
        o = &overflow; /* numbered anew each time it appears */
    *o = (struct trace_object){.object = object, .number = ++last_number[class], .class = (UCHAR) class};
    name_it(o);
    return o;
}

void trace_object_gone(const void *object)
{
    for (unsigned class = 0; class < TRACE_CLASSES; class ++) {
        struct trace_object *o = find(class, object);
        if (o != NULL)
            o->object = GONE;
    }
}

void trace_objects_reset(void)
{
    __builtin_memset(objects, 0, sizeof(objects));
    __builtin_memset(last_number, 0, sizeof(last_number));
    used = 0;
}

void trace_add_device(struct vf_text *text, const void *device)
{
    vf_text_add(text, "%s", device ? trace_object(TRACE_CLASS_DEVICE, device)->name : "no device");
}

ULONG trace_irp_number(const void *irp)
{
    ULONG number = vf_irp_number(irp);
    return number ? number : OWN_IRPS + trace_object(TRACE_CLASS_IRP, irp)->number;
}

void trace_add_irp(struct vf_text *text, ULONG number)
{
    vf_text_add(text, number > OWN_IRPS ? "IRP #own-%u" : "IRP #%u",
                number > OWN_IRPS ? number - OWN_IRPS : number);
}

void trace_add_routine(struct vf_text *text, uint64_t address)
{
    char words[VF_DESCRIPTION];
    vf_describe(address, words, sizeof(words));
    vf_text_add(text, "%s",
                words[0] == '0' && vf_is_host_address(address) ? "a routine of the runtime" : words);
}

void trace_add_status(struct vf_text *text, uint64_t status)
{
    const char *name = rtl_status_name((NTSTATUS)status);
    if (name)
        vf_text_add(text, "%s", name);
    else
        vf_text_add(text, "0x%08X", (ULONG)status);
}

void trace_add_request(struct vf_text *text, const void *pointer)
{
    IRP irp;
    IO_STACK_LOCATION location;
    if (!vf_peek_irp(pointer, &irp) || !vf_peek_location(pointer, &irp, &location)) {
        vf_text_add(text, "request");
        return;
    }
    vf_text_add(text, "%s", rtl_major_name(location.MajorFunction) + sizeof("IRP_MJ_") - 1);
    if (location.MajorFunction == IRP_MJ_DEVICE_CONTROL ||
        location.MajorFunction == IRP_MJ_INTERNAL_DEVICE_CONTROL)
        vf_text_add(text, " 0x%X", location.Parameters.DeviceIoControl.IoControlCode);
    else if (location.MinorFunction != 0)
        vf_text_add(text, " minor 0x%02X", location.MinorFunction);
}

bool trace_irp_is_first_send(const void *pointer)
{
    IRP irp;
    return vf_peek_irp(pointer, &irp) && irp.CurrentLocation == irp.StackCount;
}
