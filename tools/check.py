#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs every test of a build folder, then the sanitized build's, then breaks a few rules (tools/mutants.py) that the
tests must notice. Closes with `N passed, N failed`; the exit code is 1 if anything failed."""
import argparse
import json
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SANITIZED = ['-Db_sanitize=address,undefined', '-Db_lundef=false', '-Doptimization=1']
PATIENCE = '3'  # times each test's own limit: a slow machine is no failure
MUTANTS = 4


def run_suite(build, name):
    """(passed, failed)"""
    began = time.monotonic()
    log = os.path.join(build, 'meson-logs', 'testlog.json')
    if os.path.exists(log):
        os.unlink(log)
    subprocess.run(['meson', 'test', '-C', build, '--no-rebuild', '--print-errorlogs', '--timeout-multiplier', PATIENCE],
                   stdin=subprocess.DEVNULL)
    passed = failed = 0
    if not os.path.exists(log):
        print(f'{name}: no test ran')
        return 0, 1
    for line in open(log, encoding='utf-8'):
        result = json.loads(line)['result']  # a skipped test has not passed
        if result in ('OK', 'EXPECTEDFAIL'):
            passed += 1
        else:
            failed += 1
    print(f'{name}: passed {passed}, failed {failed}, {time.monotonic() - began:.0f} s', flush=True)
    return passed, failed


def sanitized(build):
    """(passed, failed) of the sanitized build, which is made here."""
    began = time.monotonic()
    if not os.path.exists(os.path.join(build, 'build.ninja')):
        if subprocess.run(['meson', 'setup', build] + SANITIZED, stdout=subprocess.DEVNULL).returncode != 0:
            print('sanitized: meson setup fails')
            return 0, 1
    made = subprocess.run(['ninja', '-C', build], stdout=subprocess.PIPE, text=True)
    if made.returncode != 0:
        print(made.stdout[-4000:] + '\nsanitized: does not build')
        return 0, 1
    print(f'sanitized: built in {time.monotonic() - began:.0f} s', flush=True)
    return run_suite(build, 'sanitized')


def mutants(seed):
    """(caught, missed)"""
    began = time.monotonic()
    done = subprocess.run(['tools/mutants.py', '--seed', str(seed), '--count', str(MUTANTS)], stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True)
    verdicts = [line.split()[1] for line in done.stdout.splitlines() if len(line.split()) == 2]
    caught = verdicts.count('caught')
    print(f'mutants: caught {caught} of {MUTANTS}, {time.monotonic() - began:.0f} s', flush=True)
    return caught, MUTANTS - caught


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--build', default='build')
    parser.add_argument('--plain-only', action='store_true', help='the tests of this build alone')
    parser.add_argument('--seed', type=int, default=1, help='which rules are broken')
    options = parser.parse_args()
    os.chdir(ROOT)
    results = [run_suite(options.build, 'plain')]
    if not options.plain_only:
        results += [sanitized(options.build + '-asan'), mutants(options.seed)]
    passed, failed = (sum(column) for column in zip(*results))
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
