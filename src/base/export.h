/* SPDX-License-Identifier: MIT */
/*
 * The export table. A function that drivers may import is declared once, by
 * EXPORT above its definition; the loader's binding, the IRQL rules of the
 * verifier, `ringless exports` and the documentation come from that one line:
 *
 *     EXPORT(ntoskrnl, IofCompleteRequest, PASSIVE_LEVEL, DISPATCH_LEVEL, X_CALLS_DRIVER)
 *     VOID NTAPI IofCompleteRequest(PIRP Irp, CCHAR PriorityBoost)
 *
 * Names that clash with the C library are defined under another C name with
 * EXPORT_AS(ntoskrnl, "memcpy", rtl_memcpy, ...). A function exported by two
 * modules has two EXPORT lines. The module is without its extension.
 */
#ifndef EXPORT_H
#define EXPORT_H

#include "base/base.h"

enum export_flags {
    X_PLAIN = 0,
    X_CALLS_DRIVER = 1, /* may call driver code (callback, dispatch, completion ...): needs an entry record */
    X_RAISES = 2,       /* may raise an exception into the caller: needs an entry record */
    X_BLOCKS = 4,       /* may switch to another thread */
    X_VARARGS = 8,      /* variable argument list: the gate must not move the stack */
    X_RAISES_IRQL =
        16, /* returns with another IRQL by design (KeAcquireSpinLock...): exempt from the return check */
    X_DATA = 32, /* a variable, not a function */
    X_NORETURN = 64,
    X_CONTEXT = 128, /* needs the caller's full register state: bound to an asm entry of its own
                        (RtlCaptureContext, RtlUnwindEx) */
};

struct export_entry {
    const char *module; /* "ntoskrnl", "hal", ... */
    const char *name;
    const void *address;
    UCHAR min_irql;
    UCHAR max_irql;
    USHORT flags;
    ULONG reserved;
};

#define EXPORT_ENTRY_(module_, text_, symbol_, asmname_, lo_, hi_, flags_)                                   \
    extern const char export_target_##module_##_##symbol_ __asm__(asmname_)                                  \
        __attribute__((visibility("hidden")));                                                               \
    static const struct export_entry export_##module_##_##symbol_                                            \
        __attribute__((used, section("rl_exports"), aligned(8))) = {                                         \
            #module_, text_, &export_target_##module_##_##symbol_, lo_, hi_, flags_, 0};

#define EXPORT(module, name, lo, hi, flags) EXPORT_ENTRY_(module, #name, name, #name, lo, hi, flags)
#define EXPORT_AS(module, text, symbol, lo, hi, flags)                                                       \
    EXPORT_ENTRY_(module, text, symbol, #symbol, lo, hi, flags)
#define EXPORT_DATA(module, name) EXPORT_ENTRY_(module, #name, name, #name, PASSIVE_LEVEL, HIGH_LEVEL, X_DATA)

/* The whole table, in link order (the linker makes these two symbols). */
extern const struct export_entry __start_rl_exports[] __attribute__((visibility("hidden")));
extern const struct export_entry __stop_rl_exports[] __attribute__((visibility("hidden")));

#endif
