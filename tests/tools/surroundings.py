#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program in surroundings that are not as usual: closed files, no environment, little of everything.

Each case runs `ringless run hello.sys` (or what it says) under shell words and compares the exit code and a line of
the output. --sanitized leaves out the limits on address space, under which AddressSanitizer itself cannot start.
"""
import argparse
import os
import subprocess
import sys
import tempfile

RUN = '"$R" run hello.sys'
GOOD = 'unload hello: STATUS_SUCCESS'
LITTLE = 'ringless: the machine cannot start: the host gives it too little memory'
CASES = [  # name, shell words, exit code, text of the output (both streams)
    ('input closed', RUN + ' <&-', 0, GOOD),
    ('output closed', RUN + ' >&-', 0, ''),
    ('all closed', RUN + ' <&- >&- 2>&-', 0, ''),
    ('a shell without input', '"$R" shell hello.sys <&-', 0, GOOD),
    ('a shell without a terminal', 'echo drivers | env -i "$R" shell hello.sys', 0, 'driver hello: '),
    ('output on a full device', RUN + ' >/dev/full', 1, 'ringless: the output cannot be written: '),
    ('the reader of the output is gone', '{ sleep 0.2; "$R" exports; } | true; true', 0, ''),
    ('no environment', 'env -i "$R" run hello.sys', 0, GOOD),
    ('no memory may be locked', 'ulimit -l 0; ' + RUN, 0, GOOD),
    ('a small stack', 'ulimit -s 256; ' + RUN, 0, GOOD),
    ('a folder that cannot be written', 'mkdir locked; cp hello.sys locked; chmod 555 locked; cd locked; ' + RUN, 0, GOOD),
    ('a path with spaces', 'mkdir "a b"; cp hello.sys "a b"; "$R" run "a b/hello.sys"', 0, GOOD),
    ('no file may grow', 'ulimit -f 0; ' + RUN, 2, LITTLE),
]
LIMITS = [
    ('100 MB of address space', 'ulimit -v 100000; ' + RUN, 2, LITTLE),
    ('8 GB of address space', 'ulimit -v 8000000; ' + RUN, 2, LITTLE),
]


def run(case, program, sys_folder):
    name, words, code, text = case
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(['cp', os.path.join(sys_folder, 'hello.sys'), folder], check=True)
        done = subprocess.run(['bash', '-c', words], cwd=folder, env={**os.environ, 'R': program}, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        subprocess.run(['chmod', '-R', 'u+w', folder], check=True)
    output = done.stdout.decode('utf-8', 'replace')
    if done.returncode == code and text in output:
        return True
    print(f'{name}: exit code {done.returncode}, wanted {code} and "{text}":\n{output}')
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--ringless', required=True)
    parser.add_argument('--sys', required=True)
    parser.add_argument('--sanitized', action='store_true')
    options = parser.parse_args()
    cases = CASES + ([] if options.sanitized else LIMITS)
    failed = [case for case in cases if not run(case, os.path.abspath(options.ringless), options.sys)]
    print(f'{len(cases)} cases, {len(failed)} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
