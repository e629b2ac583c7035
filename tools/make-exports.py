#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes src/rtl/exports.h: the prototypes of the run-time library's exports, taken from their definitions.

usage: tools/make-exports.py src/rtl/*.c > src/rtl/exports.h
"""
import re
import sys

print("""/* SPDX-License-Identifier: MIT */
/*
 * Prototypes of the exports of the run-time library, written by tools/make-exports.py from their definitions.
 * Names that clash with the C library have the prefix crt_ here and their own name in the export table.
 */
#ifndef RTL_EXPORTS_H
#define RTL_EXPORTS_H

/* clang-format off */
#include "nt/nt.h"
#include "nt/rtl.h"
""")
for path in sorted(sys.argv[1:]):
    text = open(path).read()
    found = []
    for match in re.finditer(r"^EXPORT(_AS|_DATA)?\([^()]*\)\n(?:EXPORT.*\n)*((?:.*\n)*?)(.*?)(?= =|\n\{|;)", text, re.M):
        declaration = " ".join((match.group(2) + match.group(3)).split())
        found.append("extern " + declaration + ";" if match.group(1) == "_DATA" else declaration + ";")
    if found:
        print(f"/* {path.split('/')[-1]} */")
        print("\n".join(found) + "\n")
print("#endif")
