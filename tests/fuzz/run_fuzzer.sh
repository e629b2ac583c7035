#!/bin/sh
# SPDX-License-Identifier: MIT
# run_fuzzer.sh FUZZER RUNS FILE...: a bounded run from a corpus of those files, the same inputs every time.
set -eu
fuzzer=$1 runs=$2
shift 2
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
cp "$@" "$corpus"
exec_dir=$(mktemp -d)
trap 'rm -rf "$corpus" "$exec_dir"' EXIT
"$fuzzer" -runs="$runs" -seed=1 -max_len=65536 -timeout=10 -artifact_prefix="$exec_dir/" "$corpus" 2> "$exec_dir/log" || {
    tail -40 "$exec_dir/log"
    exit 1
}
tail -1 "$exec_dir/log"
