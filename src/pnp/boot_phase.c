/* SPDX-License-Identifier: MIT */
/*
 * While the machine boots, a device gets its drivers only if all of them are
 * boot-start; the others wait until that ends (SV-04, SV-11). The flag belongs
 * to the PnP thread.
 */
#include "pnp/private.h"

static bool booting;

void pnp_boot_reset(void)
{
    booting = false;
}

static NTSTATUS boot_start_only(struct pnp_node *node, const WCHAR *service, void *context)
{
    char name[IO_SERVICE_NAME_BYTES];
    struct io_boot_info info;
    rtl_utf8_from_wide(name, sizeof(name), service, rtl_wcslen(service));
    io_boot_read(name, &info);
    /* SV-11: one of another start type is enough. */
    return info.start == 0 ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

/* Rules: SV-04, SV-11. */
bool pnp_waits_for_boot(struct pnp_node *node)
{
    if (!booting || NT_SUCCESS(pnp_for_each_service(node, boot_start_only, NULL)))
        return false;
    /* SV-11: a device node without a stack, until the boot has ended. */
    pnp_set_problem(node, PNP_PROBLEM_NOT_CONFIGURED, STATUS_SUCCESS);
    return true;
}

static NTSTATUS set_phase(void *context)
{
    booting = *(bool *)context;
    return STATUS_SUCCESS;
}

void pnp_boot_phase(bool begins)
{
    pnp_run(set_phase, &begins);
    if (!begins)
        /* SV-04, SV-11: now whatever their drivers' start types are. */
        pnp_look_again();
}
