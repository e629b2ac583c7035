/* SPDX-License-Identifier: MIT */
/*
 * What drivers may ask about code and stacks: function entries, one step of
 * unwinding, back traces. Only driver frames appear; ours are skipped.
 */
#include "arch/x86_64/unwind.h"

/* The unwind data of the function at ControlPc, and its image; NULL for a leaf function or foreign code. */
EXPORT(ntoskrnl, RtlLookupFunctionEntry, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PRUNTIME_FUNCTION NTAPI RtlLookupFunctionEntry(ULONG64 ControlPc, PULONG64 ImageBase,
                                               PUNWIND_HISTORY_TABLE HistoryTable)
{
    const struct arch_image *image = arch_image_find(ControlPc);

    if (!image) {
        *ImageBase = 0;
        return NULL;
    }
    *ImageBase = image->base;
    return (PRUNTIME_FUNCTION)image_function(image, image_original_rip(image, ControlPc));
}

/* One frame: ContextRecord becomes the caller's. Returns its handler of the kind asked for, if control is in
 * its body. */
EXPORT(ntoskrnl, RtlVirtualUnwind, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
PEXCEPTION_ROUTINE NTAPI RtlVirtualUnwind(ULONG HandlerType, ULONG64 ImageBase, ULONG64 ControlPc,
                                          PRUNTIME_FUNCTION FunctionEntry, PCONTEXT ContextRecord,
                                          PVOID *HandlerData, PULONG64 EstablisherFrame,
                                          PKNONVOLATILE_CONTEXT_POINTERS ContextPointers)
{
    struct unwound out = {0};
    const struct arch_image *image = arch_image_find(ControlPc);

    if (image)
        ControlPc = image_original_rip(image, ControlPc);
    if (!virtual_unwind(HandlerType, ImageBase, ControlPc, FunctionEntry, ContextRecord, &out,
                        ContextPointers))
        arch_raise_status(STATUS_BAD_FUNCTION_TABLE);
    *EstablisherFrame = out.establisher;
    *HandlerData = out.handler_data;
    return out.handler;
}

/* The base of the image that holds PcValue, also stored; NULL if none does. */
EXPORT(ntoskrnl, RtlPcToFileHeader, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
PVOID NTAPI RtlPcToFileHeader(PVOID PcValue, PVOID *BaseOfImage)
{
    const struct arch_image *image = arch_image_find((ULONG64)PcValue);

    return *BaseOfImage = image ? (PVOID)image->base : NULL;
}

/* The caller's registers, volatile ones included; the code is in restore.S. */
EXPORT(ntoskrnl, RtlCaptureContext, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CONTEXT)

static ULONG walk_caller(ULONG64 rsp, ULONG skip, ULONG count, PVOID *frames)
{
    ULONG64 all[256];
    CONTEXT context;
    ULONG wanted = MIN(skip + count, (ULONG)countof(all));

    context_for_unwinding(&context, rsp);
    ULONG found = arch_walk(&context, all, wanted);
    for (ULONG i = skip; i < found; i++)
        frames[i - skip] = (PVOID)all[i];
    return found > skip ? found - skip : 0;
}

#define WALK_USER_MODE 1

/* Return addresses, the caller's own place first. Flags: bit 0 user mode frames (there are none); bits 8..
 * skipped. */
EXPORT(ntoskrnl, RtlWalkFrameChain, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
ULONG NTAPI RtlWalkFrameChain(PVOID *Callers, ULONG Count, ULONG Flags)
{
    if (Flags & WALK_USER_MODE)
        return 0;
    return walk_caller((ULONG64)__builtin_frame_address(0), Flags >> 8, Count, Callers);
}

/* Return addresses, that of the most recent call first; equal traces have equal hashes. */
EXPORT(ntoskrnl, RtlCaptureStackBackTrace, PASSIVE_LEVEL, HIGH_LEVEL, X_RAISES)
USHORT NTAPI RtlCaptureStackBackTrace(ULONG FramesToSkip, ULONG FramesToCapture, PVOID *BackTrace,
                                      PULONG BackTraceHash)
{
    ULONG found = walk_caller((ULONG64)__builtin_frame_address(0), FramesToSkip, MIN(FramesToCapture, 0xFFFF),
                              BackTrace);
    ULONG hash = 0;

    for (ULONG i = 0; i < found; i++)
        hash += (ULONG)(ULONG64)BackTrace[i];
    if (BackTraceHash)
        *BackTraceHash = hash;
    return (USHORT)found;
}
