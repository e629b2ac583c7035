/* SPDX-License-Identifier: MIT */
/* The story in Chrome's format on standard output, for check_json.py. "cut": it ends in the middle of a DPC.
 */
#include <string.h>
#include "host/host.h"
#include "story.h"

static void out(void *context, const char *bytes, size_t length)
{
    host_write(1, bytes, length);
}

int main(int argc, char **argv)
{
    story_begin();
    trace_start(TRACE_FORMAT_JSON, true, out, NULL);
    if (argc > 1 && strcmp(argv[1], "cut") == 0) {
        story_is_on(0, 4);
        TRACE(TRACE_THREAD_SWITCH, (void *)4, .a = 1);
        TRACE(TRACE_IRP_SENT, &story->irp, .a = (uintptr_t)&story->device);
        TRACE(TRACE_DPC_START, &story->dpc, .a = (uintptr_t)STORY_SERIAL);
        TRACE(TRACE_DEBUG_PRINT, NULL, .text = "\x01\x02 \"quoted\" \\");
        TRACE(TRACE_BUGCHECK, NULL, .a = 0xA);
    } else {
        story_tell();
    }
    trace_stop();
    return 0;
}
