/* SPDX-License-Identifier: MIT */
/*
 * Start of the component, and the descriptors that devices get when neither
 * the driver nor the registry gives one (DO-53).
 */
#include "nt/io.h"
#include "se/internal.h"

static ULONG relative_length(PSECURITY_DESCRIPTOR descriptor)
{
    struct se_parts parts;
    se_parts_of(descriptor, &parts);
    return se_parts_length(&parts);
}

static NTSTATUS check_current(PSECURITY_DESCRIPTOR descriptor, ACCESS_MASK desired,
                              const GENERIC_MAPPING *mapping, KPROCESSOR_MODE mode, ACCESS_MASK *granted)
{
    return se_check(descriptor, se_current_token(), desired, mapping, mode, granted);
}

NTSTATUS se_init(void)
{
    NTSTATUS status = se_token_init();
    ob_security_ops = (struct ob_security_ops){relative_length, se_capture, se_merge, se_select};
    ob_access_check = check_current;
    return status;
}

static bool is_fixed_disk(ULONG device_type, ULONG characteristics)
{
    if (characteristics & (FILE_REMOVABLE_MEDIA | FILE_FLOPPY_DISKETTE))
        return false;
    return device_type == FILE_DEVICE_DISK || device_type == FILE_DEVICE_VIRTUAL_DISK;
}

/* Rules: DO-07, DO-53. The caller frees the descriptor with mm_free. */
NTSTATUS se_default_device_descriptor(ULONG device_type, ULONG characteristics, bool named,
                                      PSECURITY_DESCRIPTOR *descriptor)
{
    const WCHAR *text = u"O:BAG:SYD:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GX;;;WD)(A;;GX;;;RC)";
    /* DO-53: the default for most: administrators all, everyone read, write, execute. */
    if (!is_fixed_disk(device_type, characteristics))
        text = u"O:BAG:SYD:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GRGWGX;;;WD)(A;;GRGX;;;RC)";
    /* DO-07: an unnamed object carries no DACL of its own. */
    if (!named)
        text = u"O:BAG:SY";
    return se_from_sddl(text, descriptor);
}
