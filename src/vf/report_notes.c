/* SPDX-License-Identifier: MIT */
/* What a report has from drivers: the data of their bug-check callbacks and the end of the error log. */
#include "vf/report.h"
#include "io/io.h"
#include "ke/bugcheck.h"
#include "vf/peek.h"

enum { BYTES_SHOWN = 32, COMPONENT = 32, ERRORS_SHOWN = 4 };

static void add_component(struct vf_text *text, const void *component)
{
    char c;
    for (unsigned i = 0; i < COMPONENT && vf_peek(&c, (const char *)component + i, 1) && c != 0; i++)
        vf_text_add(text, "%c", c >= ' ' && c <= '~' ? c : '?');
}

static void add_guid(struct vf_text *text, const GUID *guid)
{
    vf_text_add(text, " {%08x-%04x-%04x-%02x%02x-", guid->Data1, guid->Data2, guid->Data3, guid->Data4[0],
                guid->Data4[1]);
    for (unsigned i = 2; i < 8; i++)
        vf_text_add(text, "%02x", guid->Data4[i]);
    vf_text_add(text, "}");
}

static bool byte_of(const struct bugcheck_note *note, ULONG at, UCHAR *byte)
{
    const UCHAR *from = (const UCHAR *)note->data + at;
    if (!note->ours)
        return vf_peek(byte, from, 1);
    *byte = *from;
    return true;
}

static void add_bytes(struct vf_text *text, const struct bugcheck_note *note)
{
    UCHAR byte;
    for (ULONG i = 0; i < note->length && i < BYTES_SHOWN; i++)
        if (byte_of(note, i, &byte))
            vf_text_add(text, "%s%02x", i == 0 ? ": " : "", byte);
    vf_text_add(text, note->length > BYTES_SHOWN ? "...\n" : "\n");
}

static void add_note(struct vf_text *text, const struct bugcheck_note *note)
{
    vf_text_add(text, "    ");
    add_component(text, note->component);
    if (note->reason == KbCallbackAddPages) {
        vf_text_add(text, ", %u bytes of %s memory at ", note->length,
                    note->physical ? "physical" : "virtual");
        vf_add_address(text, (ULONG64)note->data);
        vf_text_add(text, "\n");
        return;
    }
    if (note->reason == KbCallbackSecondaryDumpData)
        add_guid(text, &note->guid);
    vf_text_add(text, ", %u bytes", note->length);
    add_bytes(text, note);
}

static void add_error(const struct io_error *error, void *context)
{
    vf_text_add(context, "    %s %s: error 0x%08X, unique %u\n", error->driver, error->device,
                (unsigned)error->packet->ErrorCode, error->packet->UniqueErrorValue);
}

void vf_report_notes(struct vf_text *text)
{
    const struct bugcheck_note *notes;
    unsigned count = bugcheck_notes(&notes);
    if (count != 0)
        vf_text_add(text, "  drivers say:\n");
    for (unsigned i = 0; i < count; i++)
        add_note(text, &notes[i]);
    if (io_last_errors(ERRORS_SHOWN, NULL, NULL) == 0)
        return;
    vf_text_add(text, "  error log, last entries:\n");
    io_last_errors(ERRORS_SHOWN, add_error, text);
}
