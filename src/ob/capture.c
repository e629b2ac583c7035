/* SPDX-License-Identifier: MIT */
/*
 * Parameters that come from user memory are copied once, guarded, before they
 * are looked at. A kernel caller's are used where they are.
 */
#include "ob/object.h"
#include "ob/services.h"

NTSTATUS ob_copy_in(void *to, const void *from, size_t length, KPROCESSOR_MODE mode)
{
    if (mode == KernelMode) {
        memcpy(to, from, length);
        return STATUS_SUCCESS;
    }
    if (!mm_user_range_ok(from, length))
        return STATUS_ACCESS_VIOLATION;
    return arch_copy_guarded(to, from, length);
}

NTSTATUS ob_copy_out(void *to, const void *from, size_t length, KPROCESSOR_MODE mode)
{
    if (mode == KernelMode) {
        memcpy(to, from, length);
        return STATUS_SUCCESS;
    }
    if (!mm_user_range_ok(to, length))
        return STATUS_ACCESS_VIOLATION;
    return arch_copy_guarded(to, from, length);
}

NTSTATUS ob_capture_string(const UNICODE_STRING *string, KPROCESSOR_MODE mode, UNICODE_STRING *captured)
{
    UNICODE_STRING copy;
    *captured = (UNICODE_STRING){0};
    NTSTATUS status = ob_copy_in(&copy, string, sizeof(copy), mode);
    if (!NT_SUCCESS(status) || !copy.Length)
        return status;
    if (copy.Length % sizeof(WCHAR))
        return STATUS_OBJECT_NAME_INVALID;
    WCHAR *text = mm_alloc(copy.Length + sizeof(WCHAR), OB_TAG_CAPTURE);
    if (!text)
        return STATUS_INSUFFICIENT_RESOURCES;
    status = ob_copy_in(text, copy.Buffer, copy.Length, mode);
    if (!NT_SUCCESS(status)) {
        mm_free(text);
        return status;
    }
    *captured = (UNICODE_STRING){copy.Length, copy.Length, text};
    return STATUS_SUCCESS;
}

static NTSTATUS capture_name(const UNICODE_STRING *name, KPROCESSOR_MODE mode, struct ob_captured *captured)
{
    if (!name)
        return STATUS_SUCCESS;
    captured->has_name = true;
    if (mode == KernelMode) {
        captured->name = *name;
        return name->Length % sizeof(WCHAR) ? STATUS_OBJECT_NAME_INVALID : STATUS_SUCCESS;
    }
    NTSTATUS status = ob_capture_string(name, mode, &captured->name);
    captured->storage = captured->name.Buffer;
    return status;
}

NTSTATUS ob_capture_attributes(const OBJECT_ATTRIBUTES *attributes, KPROCESSOR_MODE mode,
                               struct ob_captured *captured)
{
    OBJECT_ATTRIBUTES copy;
    *captured = (struct ob_captured){0};
    if (!attributes)
        return STATUS_SUCCESS;
    NTSTATUS status = ob_copy_in(&copy, attributes, sizeof(copy), mode);
    if (!NT_SUCCESS(status))
        return status;
    if (copy.Length != sizeof(copy) || (copy.Attributes & ~(ULONG)OBJ_VALID_ATTRIBUTES))
        return STATUS_INVALID_PARAMETER;
    captured->root = copy.RootDirectory;
    /* A user-mode caller cannot ask for kernel handles. */
    captured->attributes = mode == UserMode ? copy.Attributes & ~(ULONG)OBJ_KERNEL_HANDLE : copy.Attributes;
    captured->security_descriptor = copy.SecurityDescriptor;
    captured->security_qos = copy.SecurityQualityOfService;
    return capture_name(copy.ObjectName, mode, captured);
}

void ob_release_captured(struct ob_captured *captured)
{
    if (captured->storage)
        mm_free(captured->storage);
    captured->storage = NULL;
}
