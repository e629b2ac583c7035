/* SPDX-License-Identifier: MIT */
/*
 * KeRegisterBugCheckCallback and its reason form. Records are the drivers'
 * storage; a corrupt or unfinished one is passed over. No crash dump is
 * written: what drivers have to say, is kept for the report.
 * Run once, on the failing VP, all others frozen: no lock.
 */
#include "ke/held.h"
#include "ke/objects.h"
#include "ke/bugcheck.h"

static LIST_ENTRY callbacks, reason_callbacks;
static rl_lock lock;
static UCHAR dump_area[4 * PAGE_SIZE]; /* what routines write into InBuffer, one behind the other */
static size_t dump_used;
static struct bugcheck_note notes[BUGCHECK_NOTES];
static unsigned note_count;

void bugcheck_callbacks_init(void)
{
    list_init(&callbacks);
    list_init(&reason_callbacks);
    lock.word = 0;
    dump_used = 0;
    note_count = 0;
}

static ULONG_PTR checksum(const KBUGCHECK_CALLBACK_RECORD *record)
{
    return (ULONG_PTR)record->CallbackRoutine + (ULONG_PTR)record->Buffer + record->Length +
           (ULONG_PTR)record->Component;
}

static ULONG_PTR reason_checksum(const KBUGCHECK_REASON_CALLBACK_RECORD *record)
{
    return (ULONG_PTR)record->CallbackRoutine + record->Reason + (ULONG_PTR)record->Component;
}

unsigned bugcheck_notes(const struct bugcheck_note **first)
{
    *first = notes;
    return note_count;
}

static void note(const struct bugcheck_note *said)
{
    if (note_count < BUGCHECK_NOTES)
        notes[note_count++] = *said;
}

static void call_reason(PKBUGCHECK_REASON_CALLBACK_RECORD record, PVOID data, ULONG length)
{
    record->State = BufferStarted;
    /* SR-43: at HIGH_LEVEL, with what belongs to the reason. */
    record->CallbackRoutine(record->Reason, record, data, length);
    record->State = BufferFinished;
}

/* First how much there is, then the data: into our buffer, or it is in the driver's own. */
static void ask_secondary_data(PKBUGCHECK_REASON_CALLBACK_RECORD record)
{
    ULONG room = (ULONG)(sizeof dump_area - dump_used);
    KBUGCHECK_SECONDARY_DUMP_DATA data = {.InBuffer = dump_area + dump_used,
                                          .InBufferLength = MIN(room, PAGE_SIZE),
                                          .MaximumAllowed = PAGE_SIZE};
    call_reason(record, &data, sizeof data);
    data.OutBuffer = data.InBuffer;
    data.OutBufferLength = 0;
    call_reason(record, &data, sizeof data);
    if (data.OutBuffer == NULL || data.OutBufferLength == 0 || data.OutBufferLength > data.MaximumAllowed)
        return;
    if (data.OutBuffer == data.InBuffer) {
        data.OutBufferLength = MIN(data.OutBufferLength, data.InBufferLength);
        dump_used += data.OutBufferLength;
    }
    note(&(struct bugcheck_note){.reason = record->Reason,
                                 .component = record->Component,
                                 .guid = data.Guid,
                                 .ours = data.OutBuffer == data.InBuffer,
                                 .data = data.OutBuffer,
                                 .length = data.OutBufferLength});
}

enum { RANGES_MAX = 16 };

/* Called again as long as it says that there is more, with its context. */
static void ask_pages(PKBUGCHECK_REASON_CALLBACK_RECORD record)
{
    KBUGCHECK_ADD_PAGES pages = {.BugCheckCode = ke_bugcheck_happened()->code};
    for (unsigned i = 0; i < RANGES_MAX; i++) {
        pages.Flags = 0;
        pages.Count = 0;
        call_reason(record, &pages, sizeof pages);
        if (pages.Count != 0)
            note(&(struct bugcheck_note){.reason = record->Reason,
                                         .component = record->Component,
                                         .physical = (pages.Flags & KB_ADD_PAGES_FLAG_PHYSICAL_ADDRESS) != 0,
                                         .data = (const void *)pages.Address,
                                         .length = (ULONG)pages.Count * PAGE_SIZE});
        if (!(pages.Flags & KB_ADD_PAGES_FLAG_ADDITIONAL_RANGES_EXIST))
            return;
    }
}

/* What would go to the dump file: the drivers' data. Then the end, without a buffer. */
static void tell_writing(PKBUGCHECK_REASON_CALLBACK_RECORD record)
{
    KBUGCHECK_DUMP_IO io = {.Offset = ~0ull, .Type = KbDumpIoSecondaryData};
    for (unsigned i = 0; i < note_count; i++) {
        if (notes[i].reason != KbCallbackSecondaryDumpData)
            continue;
        io.Buffer = (PVOID)(uintptr_t)notes[i].data;
        io.BufferLength = notes[i].length;
        call_reason(record, &io, sizeof io);
    }
    io = (KBUGCHECK_DUMP_IO){.Offset = ~0ull, .Type = KbDumpIoComplete};
    call_reason(record, &io, sizeof io);
}

/* Those of one reason, newest first. */
static void run_reason(KBUGCHECK_CALLBACK_REASON reason, void (*ask)(PKBUGCHECK_REASON_CALLBACK_RECORD))
{
    list_for_each_safe(it, next, &reason_callbacks)
    {
        PKBUGCHECK_REASON_CALLBACK_RECORD record = container_of(it, KBUGCHECK_REASON_CALLBACK_RECORD, Entry);
        if (record->State == BufferInserted && record->Reason == reason &&
            record->Checksum == reason_checksum(record))
            ask(record);
    }
}

static void run_plain(void)
{
    list_for_each_safe(it, next, &callbacks)
    {
        PKBUGCHECK_CALLBACK_RECORD record = container_of(it, KBUGCHECK_CALLBACK_RECORD, Entry);
        if (record->State != BufferInserted || record->Checksum != checksum(record))
            continue;
        record->State = BufferStarted;
        /* SR-42: at HIGH_LEVEL, with the driver's buffer. */
        record->CallbackRoutine(record->Buffer, record->Length);
        record->State = BufferFinished;
        note(&(struct bugcheck_note){.reason = KbCallbackInvalid,
                                     .component = record->Component,
                                     .data = record->Buffer,
                                     .length = record->Length});
    }
}

void bugcheck_callbacks_run(void)
{
    run_reason(KbCallbackAddPages, ask_pages);
    run_reason(KbCallbackSecondaryDumpData, ask_secondary_data);
    run_reason(KbCallbackDumpIo, tell_writing);
    /* SR-42: when a dump would have been written. */
    run_plain();
}

/* The same for both kinds of record. */
static bool deregister(LIST_ENTRY *entry, UCHAR *state)
{
    rl_lock_acquire(&lock);
    bool registered = *state == BufferInserted;
    if (registered) {
        *state = BufferEmpty;
        list_remove(entry);
    }
    rl_lock_release(&lock);
    return registered;
}

/* FALSE: the record is registered already. Owns: the record is ours until deregistered. IRQL: any. */
EXPORT(ntoskrnl, KeRegisterBugCheckCallback, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeRegisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord,
                                         PKBUGCHECK_CALLBACK_ROUTINE CallbackRoutine, PVOID Buffer,
                                         ULONG Length, PUCHAR Component)
{
    rl_lock_acquire(&lock);
    bool free = CallbackRecord->State == BufferEmpty;
    if (free) {
        CallbackRecord->CallbackRoutine = CallbackRoutine;
        CallbackRecord->Buffer = Buffer;
        CallbackRecord->Length = Length;
        CallbackRecord->Component = Component;
        CallbackRecord->Checksum = checksum(CallbackRecord);
        CallbackRecord->State = BufferInserted;
        list_insert_head(&callbacks, &CallbackRecord->Entry);
    }
    rl_lock_release(&lock);
    if (free)
        ke_hold(KE_HELD_BUGCHECK_CALLBACK, CallbackRecord);
    return free;
}

/* FALSE: it is not registered. IRQL: any. */
EXPORT(ntoskrnl, KeDeregisterBugCheckCallback, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeDeregisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord)
{
    ke_unhold(KE_HELD_BUGCHECK_CALLBACK, CallbackRecord);
    return deregister(&CallbackRecord->Entry, &CallbackRecord->State);
}

EXPORT(ntoskrnl, KeRegisterBugCheckReasonCallback, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeRegisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord,
                                               PKBUGCHECK_REASON_CALLBACK_ROUTINE CallbackRoutine,
                                               KBUGCHECK_CALLBACK_REASON Reason, PUCHAR Component)
{
    rl_lock_acquire(&lock);
    bool free = CallbackRecord->State == BufferEmpty;
    if (free) {
        CallbackRecord->CallbackRoutine = CallbackRoutine;
        CallbackRecord->Reason = Reason;
        CallbackRecord->Component = Component;
        CallbackRecord->Checksum = reason_checksum(CallbackRecord);
        CallbackRecord->State = BufferInserted;
        list_insert_head(&reason_callbacks, &CallbackRecord->Entry);
    }
    rl_lock_release(&lock);
    if (free)
        ke_hold(KE_HELD_BUGCHECK_CALLBACK, CallbackRecord);
    return free;
}

EXPORT(ntoskrnl, KeDeregisterBugCheckReasonCallback, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeDeregisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord)
{
    ke_unhold(KE_HELD_BUGCHECK_CALLBACK, CallbackRecord);
    return deregister(&CallbackRecord->Entry, &CallbackRecord->State);
}
