/* SPDX-License-Identifier: MIT */
/*
 * trio-upper: an upper filter, above trio-line. It sees requests before the
 * function driver does: what is written becomes upper case on its way down.
 */
#include <ntddk.h>
#include "trio.h"
#include "trio-filter.h"

/* The buffer is the request's own copy: the device has DO_BUFFERED_IO. */
static NTSTATUS filter_write(struct filter *filter, PIRP Irp)
{
    ULONG length = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    PUCHAR text = Irp->AssociatedIrp.SystemBuffer;

    for (ULONG i = 0; i < length; i++)
        if (text[i] >= 'a' && text[i] <= 'z')
            text[i] -= 'a' - 'A';
    return pass_down(filter->lower, Irp);
}

static NTSTATUS filter_pnp(struct filter *filter, PIRP Irp)
{
    return pass_down(filter->lower, Irp);
}
