/* SPDX-License-Identifier: MIT */
/*
 * What the test and its driver tell each other. Plain C types: one side is
 * built for Windows, the other for Linux.
 */
#ifndef FAULTS_H
#define FAULTS_H

struct probe {
    char log[64]; /* a letter for each thing that happened, in order */
    unsigned used;
    unsigned code; /* GetExceptionCode() in the __except body */
    unsigned code_in_filter;
    unsigned flags; /* ExceptionFlags in the filter */
    unsigned long long info[2];
    unsigned long long at, rip; /* ExceptionAddress, ContextRecord->Rip */
    unsigned long long argument;
    void *call_through; /* a gate: (fn, probe) calls fn(probe) from our code */
    void *callee;       /* what to call through it */
    void *mend;         /* makes the address in `argument` accessible */
    void *frames[16];
    unsigned frame_count, hash;
    double result;
};

#endif
