/* SPDX-License-Identifier: MIT */
/* The security descriptor of a device object, as NtQuerySecurityObject and NtSetSecurityObject reach it. */
#include "io/private.h"

static rl_lock descriptor_lock; /* guards DEVICE_OBJECT.SecurityDescriptor */

void io_device_security_reset(void)
{
    descriptor_lock = (rl_lock){0};
}

static NTSTATUS query(PDEVICE_OBJECT device, SECURITY_INFORMATION information, void *descriptor,
                      ULONG *length)
{
    NTSTATUS status = STATUS_SUCCESS;
    rl_lock_acquire(&descriptor_lock);
    if (device->SecurityDescriptor)
        status = SeQuerySecurityDescriptorInfo(&information, descriptor, length, &device->SecurityDescriptor);
    else
        *length = 0; /* DO-07: none */
    rl_lock_release(&descriptor_lock);
    return status;
}

static NTSTATUS set(PDEVICE_OBJECT device, SECURITY_INFORMATION information, PSECURITY_DESCRIPTOR descriptor)
{
    PSECURITY_DESCRIPTOR merged, old = device->SecurityDescriptor;
    NTSTATUS status = ob_security_ops.merge(information, old, descriptor, &merged);
    if (!NT_SUCCESS(status))
        return status;
    rl_lock_acquire(&descriptor_lock);
    old = device->SecurityDescriptor;
    /* DO-54: from here on this is what opens are checked against. */
    device->SecurityDescriptor = merged;
    rl_lock_release(&descriptor_lock);
    if (old)
        mm_free(old);
    return status;
}

NTSTATUS io_set_device_security(PDEVICE_OBJECT device, PSECURITY_DESCRIPTOR descriptor)
{
    SECURITY_INFORMATION information = DACL_SECURITY_INFORMATION;
    PSID owner = NULL, group = NULL;
    BOOLEAN defaulted;
    RtlGetOwnerSecurityDescriptor(descriptor, &owner, &defaulted);
    RtlGetGroupSecurityDescriptor(descriptor, &group, &defaulted);
    if (owner)
        information |= OWNER_SECURITY_INFORMATION;
    if (group)
        information |= GROUP_SECURITY_INFORMATION;
    return set(device, information, descriptor);
}

/* Rules: MJ-14, MJ-15, DO-53, DO-54. IRQL: PASSIVE_LEVEL. */
NTSTATUS io_device_security(void *body, int operation, SECURITY_INFORMATION *information, void *descriptor,
                            ULONG *length)
{
    switch (operation) {
    case OB_SECURITY_QUERY:
        /* MJ-14: answered from the device object. */
        return query(body, *information, descriptor, length);
    case OB_SECURITY_SET:
        /* MJ-15: kept in the device object. */
        return set(body, *information, descriptor);
    default:
        return STATUS_SUCCESS; /* made with the object, freed with it */
    }
}
