#!/bin/sh
# SPDX-License-Identifier: MIT
# One object of all members of an archive, its hidden symbols local: whole-archive.sh IN.a OUT.a FOLDER
set -eu
mkdir -p "$3"
object=$3/ringless.o
rm -f "$2" "$object"
ld -r --whole-archive "$1" -o "$object"
objcopy --localize-hidden "$object"
ar rcs "$2" "$object"
