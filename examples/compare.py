#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs an example and compares what it prints: compare.py EXPECTED PROGRAM ARGUMENT..."""
import subprocess
import sys

done = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=50)
printed = done.stdout.decode('utf-8', 'replace')
if done.returncode != 0 or printed != open(sys.argv[1], encoding='utf-8').read():
    print(f'{printed}[exit {done.returncode}]')
    sys.exit(1)
