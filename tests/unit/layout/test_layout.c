/* SPDX-License-Identifier: MIT */
/*
 * Compiling this file is the test: every size, offset and constant that
 * include/nt shares with the DDK headers, beside the headers of glibc that
 * must not clash with ours.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/ucontext.h>
#include <time.h>
#include <unistd.h>

#include "nt/nt.h"
#include "nt/etw.h"
#include "nt/wmi.h"
#include "layout_asserts.h"
