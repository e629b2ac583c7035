/* SPDX-License-Identifier: MIT */
/*
 * A log that several test drivers share, through a callback object: testlog.sys
 * keeps what the others say, one word each, and a play reads it:
 *
 *     open \Device\TestLog read as log
 *     read log 4000
 *     expect-data "func.add func.START"
 *
 * Reading empties it. Drivers call say("func.%s", name) at PASSIVE_LEVEL or above.
 */
#ifndef TESTLOG_H
#define TESTLOG_H

#include "rltest.h"
#include <stdarg.h>
#include <stdio.h>

#define TESTLOG_NAME RTL_CONSTANT_STRING(L"\\Callback\\RlTestLog")

static PCALLBACK_OBJECT testlog_object;

static __attribute__((unused)) NTSTATUS testlog_open(void)
{
    UNICODE_STRING name = TESTLOG_NAME;
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_PERMANENT, NULL, NULL);
    return ExCreateCallback(&testlog_object, &attributes, TRUE, TRUE);
}

static __attribute__((unused)) void testlog_close(void)
{
    if (testlog_object)
        ObDereferenceObject(testlog_object);
    testlog_object = NULL;
}

static __attribute__((unused, format(printf, 1, 2))) void say(const char *format, ...)
{
    char text[200];
    va_list args;
    if (!testlog_object)
        return;
    va_start(args, format);
    _vsnprintf(text, sizeof(text) - 1, format, args);
    va_end(args);
    text[sizeof(text) - 1] = 0;
    ExNotifyCallback(testlog_object, text, NULL);
}

static __attribute__((unused)) const char *minor_name(UCHAR minor)
{
    static const char *const names[] = {
        "START",       "QUERY_REMOVE", "REMOVE",    "CANCEL_REMOVE", "STOP",         "QUERY_STOP",
        "CANCEL_STOP", "RELATIONS",    "INTERFACE", "CAPABILITIES",  "RESOURCES",    "REQUIREMENTS",
        "TEXT",        "FILTER",       "0E",        "READ_CONFIG",   "WRITE_CONFIG", "EJECT",
        "SET_LOCK",    "ID",           "STATE",     "BUS",           "USAGE",        "SURPRISE",
        "LEGACY_BUS",  "ENUMERATED",
    };
    return minor < sizeof(names) / sizeof(names[0]) ? names[minor] : "?";
}

/* The last component of a service key's path, as the name that log entries begin with. */
static __attribute__((unused)) void service_name(PUNICODE_STRING path, char *name, size_t room)
{
    size_t count = path->Length / sizeof(WCHAR), from = count, at = 0;
    while (from && path->Buffer[from - 1] != '\\')
        from--;
    for (; from < count && at + 1 < room; from++)
        name[at++] = (char)path->Buffer[from];
    name[at] = 0;
}

#endif
