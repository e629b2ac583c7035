/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include "host/host.h"
#include "host/memory.h"
#include "trace/internal.h"
#include "vf/report.h"
#include "story.h"

struct story *story;
bool story_irp_is_known = true;
static int vp;
static ULONG thread = 3;
static struct {
    ULONG id;
    const char *name;
} threads[] = {{0, "idle"}, {1, "idle"}, {2, NULL}, {3, "API"}, {4, "worker \"x\\\""}, {5, NULL}};

void trace_thread_facts(const void *object, struct trace_thread_facts *facts)
{
    ULONG id = (ULONG)(uintptr_t)object;
    *facts = (struct trace_thread_facts){.id = id, .name = threads[id % 6].name, .idle = id == 1};
}

void trace_where(struct trace_where *where)
{
    *where = (struct trace_where){.ns = host_counter_ns(),
                                  .vp = vp,
                                  .thread = vp < 0 ? 0 : thread,
                                  .thread_name = vp < 0 ? NULL : threads[thread % 6].name,
                                  .idle = thread == 1};
}

int trace_vp(void)
{
    return vp;
}

uint64_t trace_caller(uint64_t address)
{
    return address;
}

int vf_describe(ULONG64 address, char *text, size_t size)
{
    if (address == (uintptr_t)STORY_FILTER)
        return snprintf(text, size, "filter.sys!FilterDone");
    if (address == (uintptr_t)STORY_SERIAL)
        return snprintf(text, size, "serial.sys!SerialDpc");
    return snprintf(text, size, "0x%llx", (unsigned long long)address);
}

void vf_each_irp(void (*visit)(PIRP irp, void *context), void *context)
{
}

ULONG64 vf_routine(const struct ke_thread *of)
{
    return 0;
}

bool vf_image_of(ULONG64 address, char *name, size_t size)
{
    bool serial = address == (uintptr_t)STORY_SERIAL;
    if (serial)
        snprintf(name, size, "serial.sys");
    return serial;
}

ULONG vf_irp_number(const void *irp)
{
    return story_irp_is_known && irp == &story->irp ? 4 : 0;
}

bool vf_pool_history(const void *address, struct mm_pool_history *block)
{
    return false;
}

ULONG64 vf_special_missed(void)
{
    return 0;
}

unsigned vf_frames(const struct ke_bugcheck_info *info, ULONG64 *frames, unsigned max)
{
    return 0;
}

void story_is_on(int vp_, unsigned thread_)
{
    vp = vp_;
    thread = thread_;
}

void story_takes(uint64_t ns)
{
    host_advance(ns / 100);
}

void story_begin(void)
{
    struct host_config config = {.simulated = true, .seed = 1, .cpus = 2, .ram_bytes = 16 << 20};
    host_init(&config);
    hmem_init(16 << 20);
    story = hmem_reserve(HMEM_POOL, 1, 1, 1);
    hmem_commit(story, 1, HMEM_RW);
    memcpy(story->text, u"\\Driver\\serial", 28);
    story->driver = (DRIVER_OBJECT){.Type = IO_TYPE_DRIVER, .DriverName = {28, 28, story->text}};
    story->device = (DEVICE_OBJECT){.Type = IO_TYPE_DEVICE, .DriverObject = &story->driver};
    story->filter = story->device;
    story->dpc.DeferredRoutine = STORY_SERIAL;
    story->irp = (IRP){.Type = IO_TYPE_IRP, .Size = 0x160, .StackCount = 2, .CurrentLocation = 2};
    story->irp.Tail.Overlay.CurrentStackLocation = &story->locations[1];
    story->locations[0].MajorFunction = story->locations[1].MajorFunction = IRP_MJ_READ;
}

static void send_down(void)
{
    TRACE(TRACE_IRP_SENT, &story->irp, .a = (uintptr_t)&story->filter);
    story_takes(100);
    story->irp.CurrentLocation = 1;
    story->irp.Tail.Overlay.CurrentStackLocation = &story->locations[0];
    TRACE(TRACE_IRP_SENT, &story->irp, .a = (uintptr_t)&story->device);
    TRACE(TRACE_START_IO, &story->irp, .a = (uintptr_t)&story->device, .b = (uintptr_t)STORY_SERIAL);
    TRACE(TRACE_DPC_QUEUED, &story->dpc, .a = 0);
    TRACE(TRACE_START_IO_RETURN, &story->irp);
    TRACE(TRACE_IRP_PENDED, &story->irp, .a = (uintptr_t)&story->device);
    TRACE(TRACE_IRP_RETURNED, &story->irp, .a = (uintptr_t)&story->device, .b = STATUS_PENDING);
    TRACE(TRACE_IRP_PENDED, &story->irp, .a = (uintptr_t)&story->filter);
    TRACE(TRACE_IRP_RETURNED, &story->irp, .a = (uintptr_t)&story->filter, .b = STATUS_PENDING);
}

static void complete_in_dpc(void)
{
    TRACE(TRACE_THREAD_SWITCH, (void *)1, .a = 3);
    story_is_on(0, 1);
    TRACE(TRACE_INTERRUPT, STORY_SERIAL, .a = 0x62, .b = (uintptr_t)STORY_SERIAL);
    TRACE(TRACE_INTERRUPT_RETURN, STORY_SERIAL, .a = TRUE, .b = (uintptr_t)STORY_SERIAL);
    TRACE(TRACE_DPC_START, &story->dpc, .a = (uintptr_t)STORY_SERIAL);
    story_takes(2000);
    TRACE(TRACE_IRP_COMPLETE, &story->irp, .a = STATUS_SUCCESS, .b = 16);
    TRACE(TRACE_IRP_COMPLETION_ROUTINE, &story->irp, .a = (uintptr_t)&story->filter,
          .b = (uintptr_t)STORY_FILTER);
    story_irp_is_known = false; /* it may be gone when the routine has returned */
    TRACE(TRACE_IRP_COMPLETION_RETURN, &story->irp, .a = STATUS_SUCCESS);
    story_irp_is_known = true;
    TRACE(TRACE_IRP_FINISHED, &story->irp, .a = STATUS_SUCCESS, .b = 16);
    TRACE(TRACE_DPC_END, &story->dpc);
    TRACE(TRACE_THREAD_SWITCH, (void *)3, .a = 1);
    story_is_on(0, 3);
}

void story_tell(void)
{
    story_is_on(0, 3);
    TRACE(TRACE_THREAD_SWITCH, (void *)3, .a = 1);
    TRACE(TRACE_LOAD, NULL, .text = "serial");
    TRACE(TRACE_DRIVER_ENTRY, &story->driver, .text = "serial");
    TRACE(TRACE_DEBUG_PRINT, NULL, .a = (uintptr_t)STORY_SERIAL, .text = "hello \"there\"\\\n");
    TRACE(TRACE_DEVICE_CREATED, &story->device, .a = (uintptr_t)&story->driver);
    TRACE(TRACE_DEVICE_CREATED, &story->filter, .a = (uintptr_t)&story->driver);
    TRACE(TRACE_DEVICE_ATTACHED, &story->filter, .a = (uintptr_t)&story->device);
    TRACE(TRACE_DRIVER_ENTRY_RETURN, &story->driver, .a = STATUS_SUCCESS, .text = "serial");
    story_takes(12000);
    TRACE(TRACE_IRP_ALLOCATED, &story->irp);
    send_down();
    TRACE(TRACE_THREAD_WAIT, NULL);
    complete_in_dpc();
    TRACE(TRACE_IRP_FREED, &story->irp);
    TRACE(TRACE_IRQL, NULL, .a = PASSIVE_LEVEL, .b = DISPATCH_LEVEL);
    TRACE(TRACE_TIMER_EXPIRED, &story->timer);
    TRACE(TRACE_EXCEPTION, NULL, .a = (ULONG64)STATUS_ACCESS_VIOLATION, .b = (uintptr_t)STORY_SERIAL);
    TRACE(TRACE_BUGCHECK, NULL, .a = 0xD1);
}
