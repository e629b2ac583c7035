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
show "a bus, a function driver and two filters, installed by their INF; a line is plugged, used and pulled out" run --seed 1 --inf trio.inf \
    --device 'ROOT\TRIO-BUS' -c 'open {6b1fc2a0-5a0e-4b59-9e3e-7f6c3d1a0001} as bus' -c 'ioctl bus 0x222000 hex:01000000 out 4' -c tree \
    -c 'open {6b1fc2a0-5a0e-4b59-9e3e-7f6c3d1a0002} as line' -c 'write line "shout"' -c 'read line 16' -c 'system S3' -c 'system S0' \
    -c 'ioctl bus 0x222004 hex:01000000' -c 'close line' -c tree
show "a driver that completes a request twice: the bug check, with the line that replays it" run --seed 7 double-complete.sys \
    -c 'open \Device\DoubleComplete' -c 'write "x"'
[ $code -eq 4 ] || exit 1
echo
echo "Next: ringless run YOUR.sys, ringless inspect YOUR.sys, ringless help run."
