/* SPDX-License-Identifier: MIT */
/* A registry as a list of lines, for what a plan writes: no machine is needed. */
#ifndef BOOK_H
#define BOOK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "inf/plan.h"

#define SOFTWARE "Class\\{c}\\0001"
#define HARDWARE "Enum\\ROOT\\X\\0000"

void book_clear(void);
void book_put(const char *path, const char *name, ULONG type, const void *data, ULONG length);
/* "1:text", "7:a|b|", "4:0000002a", "3:0102": type, then the data. NULL: there is no such value. */
const char *book_value(const char *path, const char *name);
bool book_has_key(const char *path);
unsigned book_interfaces(void);
extern const struct inf_ops book_ops;
extern char book_last_interface[200], book_last_property[300];

#endif
