#!/bin/sh
# SPDX-License-Identifier: MIT
# The main job, shown on real drivers: the samples, built with the DDK headers a moment ago.
set -u
build=$1
program=$(cd "$build" && pwd)/ringless
cd "$build/sys" || exit 1

show() {
    echo
    echo "### $1"
    shift
    printf '$ ringless'
    for word; do
        case $word in *[!A-Za-z0-9_.=/-]*) printf " '%s'" "$word" ;; *) printf ' %s' "$word" ;; esac
    done
    echo
    "$program" "$@"
    code=$?
    [ $code -eq 0 ] || echo "[exit $code]"
}

show "a driver is loaded, and unloaded again" run hello.sys
show "one dispatch routine for all codes" run dispatch-single.sys -c 'open \\.\Single' -c 'write "hello, kernel"' -c 'read 64'
show "a dispatch routine for each group of codes" run dispatch-subsets.sys -c 'open \\.\Subsets' -c 'write zero:100' -c 'ioctl 0x00226000 out 16'
show "a dispatch routine for each code" run dispatch-separate.sys -c 'open \\.\Separate' -c 'write "abcdef"' -c 'read 3 at 2'
show "a request goes down two drivers and comes back later: the trace" run --seed 1 --trace - filter-lower.sys filter-upper.sys \
    -c 'open \Device\Doubler' -c 'ioctl 0x222000 hex:d0070000 out 4'
show "a driver that completes a request twice: the bug check, with the line that replays it" run --seed 7 double-complete.sys \
    -c 'open \Device\DoubleComplete' -c 'write "x"'
[ $code -eq 4 ] || exit 1
echo
echo "Next: ringless run YOUR.sys, ringless inspect YOUR.sys, ringless help run."
