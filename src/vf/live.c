/* SPDX-License-Identifier: MIT */
/* The report's questions to the running system. On the failing thread, the machine stopped; nothing waits. */
#include "vf/report.h"
#include "host/host.h"
#include "io/io.h"

/* Where the driver is: the frames that were taken, else those of the exception, else ours. */
unsigned vf_frames(const struct ke_bugcheck_info *info, ULONG64 *frames, unsigned max)
{
    if (info->frame_count != 0) {
        unsigned count = MIN(MIN(info->frame_count, countof(info->frames)), max);
        __builtin_memcpy(frames, info->frames, count * sizeof(frames[0]));
        return count;
    }
    if (info->have_context)
        return arch_walk(&info->context, frames, max);
    CONTEXT here;
    arch_capture(&here);
    return arch_walk(&here, frames, max);
}

ULONG64 vf_routine(const struct ke_thread *thread)
{
    if (thread == NULL)
        return 0;
    if (thread->routine != NULL)
        return (ULONG64)thread->routine;
    return ke_sent(thread) != NULL ? (ULONG64)ke_sent(thread)->routine : 0;
}

int vf_describe(ULONG64 address, char *text, size_t size)
{
    return ldr_describe((const void *)address, text, size);
}

bool vf_image_of(ULONG64 address, char *name, size_t size)
{
    const struct ldr_image *image = ldr_find((const void *)address);
    if (image != NULL)
        host_snprintf(name, size, "%s", image->name);
    return image != NULL;
}

bool vf_pool_history(const void *address, struct mm_pool_history *block)
{
    return mm_pool_history(address, block);
}

ULONG64 vf_special_missed(void)
{
    return mm_special_missed();
}

ULONG vf_irp_number(const void *irp)
{
    return io_irp_number(irp);
}

void vf_each_irp(void (*visit)(PIRP irp, void *context), void *context)
{
    io_for_each_irp(visit, context);
}
