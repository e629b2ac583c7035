/* SPDX-License-Identifier: MIT */
/*
 * The IRP and the device of a failure, in one line each. The pointers came from
 * a driver: what they lead to is looked at, never believed.
 */
#include "vf/report.h"
#include "rtl/rtl.h"

static void add_device_name(struct vf_text *text, const void *pointer, const DEVICE_OBJECT *device)
{
    if (!vf_peek_object_name(pointer, text))
        vf_text_add(text, "a device without a name");
    size_t before = text->length;
    vf_text_add(text, " (driver ");
    if (vf_peek_driver_name(device->DriverObject, text))
        vf_text_add(text, ")");
    else
        text->buffer[text->length = before] = '\0';
}

void vf_add_device(struct vf_text *text, const void *pointer)
{
    DEVICE_OBJECT device;
    if (vf_peek_device(pointer, &device))
        add_device_name(text, pointer, &device);
    else {
        vf_add_address(text, (ULONG64)pointer);
        vf_text_add(text, ", which is not a device object");
    }
}

static void add_request(struct vf_text *text, const IO_STACK_LOCATION *location)
{
    vf_text_add(text, " %s", rtl_major_name(location->MajorFunction));
    if (location->MajorFunction == IRP_MJ_DEVICE_CONTROL ||
        location->MajorFunction == IRP_MJ_INTERNAL_DEVICE_CONTROL)
        vf_text_add(text, " 0x%X", location->Parameters.DeviceIoControl.IoControlCode);
    else if (location->MinorFunction != 0)
        vf_text_add(text, " minor 0x%02X", location->MinorFunction);
}

static void add_state(struct vf_text *text, const IRP *irp)
{
    const char *name = rtl_status_name(irp->IoStatus.Status);
    if (irp->CurrentLocation > irp->StackCount + 1)
        vf_text_add(text, ", completed");
    else if (irp->CurrentLocation > irp->StackCount)
        vf_text_add(text, ", with whoever made it");
    else
        vf_text_add(text, ", location %d of %d", irp->CurrentLocation, irp->StackCount);
    if (name != NULL)
        vf_text_add(text, ", %s", name);
    else
        vf_text_add(text, ", status 0x%08X", (ULONG)irp->IoStatus.Status);
    if (irp->Cancel)
        vf_text_add(text, ", canceled");
}

void vf_add_irp(struct vf_text *text, const void *pointer)
{
    IRP irp;
    IO_STACK_LOCATION location;
    ULONG number = vf_irp_number(pointer);
    if (number != 0)
        vf_text_add(text, "#%u", number);
    else
        vf_add_address(text, (ULONG64)pointer);
    if (!vf_peek_irp(pointer, &irp)) {
        vf_text_add(text, number != 0 ? ", which was freed" : ", which is not an IRP");
        return;
    }
    bool located = vf_peek_location(pointer, &irp, &location);
    if (located)
        add_request(text, &location);
    DEVICE_OBJECT device;
    if (located && location.DeviceObject != NULL && vf_peek_device(location.DeviceObject, &device)) {
        vf_text_add(text, " at ");
        add_device_name(text, location.DeviceObject, &device);
    }
    add_state(text, &irp);
}
