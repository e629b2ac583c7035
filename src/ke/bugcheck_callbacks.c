/* SPDX-License-Identifier: MIT */
/*
 * KeRegisterBugCheckCallback and its reason form. Records are the drivers'
 * storage; a corrupt or unfinished one is passed over. No crash dump is
 * written, so of the reasons only secondary dump data is asked for: a driver
 * gets a buffer to fill, which is where its last words would go.
 */
#include "ke/objects.h"
#include "ke/bugcheck.h"

static LIST_ENTRY callbacks, reason_callbacks;
static rl_lock lock;
static UCHAR dump_buffer[PAGE_SIZE];

void bugcheck_callbacks_init(void)
{
    list_init(&callbacks);
    list_init(&reason_callbacks);
    lock.word = 0;
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

/* Newest first. */
void bugcheck_callbacks_run(void)
{
    list_for_each_safe(it, next, &callbacks)
    {
        PKBUGCHECK_CALLBACK_RECORD record = container_of(it, KBUGCHECK_CALLBACK_RECORD, Entry);
        if (record->State != BufferInserted || record->Checksum != checksum(record))
            continue;
        record->State = BufferStarted;
        record->CallbackRoutine(record->Buffer, record->Length);
        record->State = BufferFinished;
    }
    list_for_each_safe(it, next, &reason_callbacks)
    {
        PKBUGCHECK_REASON_CALLBACK_RECORD record = container_of(it, KBUGCHECK_REASON_CALLBACK_RECORD, Entry);
        KBUGCHECK_SECONDARY_DUMP_DATA data = {.InBuffer = dump_buffer,
                                              .InBufferLength = sizeof dump_buffer,
                                              .MaximumAllowed = sizeof dump_buffer};
        if (record->State != BufferInserted || record->Reason != KbCallbackSecondaryDumpData ||
            record->Checksum != reason_checksum(record))
            continue;
        record->State = BufferStarted;
        record->CallbackRoutine(record->Reason, record, &data, sizeof data);
        record->State = BufferFinished;
    }
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
    return free;
}

/* FALSE: it is not registered. IRQL: any. */
EXPORT(ntoskrnl, KeDeregisterBugCheckCallback, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeDeregisterBugCheckCallback(PKBUGCHECK_CALLBACK_RECORD CallbackRecord)
{
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
    return free;
}

EXPORT(ntoskrnl, KeDeregisterBugCheckReasonCallback, PASSIVE_LEVEL, HIGH_LEVEL, X_PLAIN)
BOOLEAN NTAPI KeDeregisterBugCheckReasonCallback(PKBUGCHECK_REASON_CALLBACK_RECORD CallbackRecord)
{
    return deregister(&CallbackRecord->Entry, &CallbackRecord->State);
}
