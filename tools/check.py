#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs every test of a build folder, then the sanitized build's, and closes with `N passed, N failed`."""
import argparse
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def run_suite(build, name):
    log = os.path.join(build, 'meson-logs', 'testlog.json')
    if os.path.exists(log):
        os.unlink(log)
    subprocess.run(['meson', 'test', '-C', build, '--no-rebuild', '--print-errorlogs'], stdin=subprocess.DEVNULL)
    passed = failed = 0
    if not os.path.exists(log):
        print(f'{name}: no test ran')
        return 0, 1
    for line in open(log, encoding='utf-8'):
        result = json.loads(line)['result']
        if result in ('OK', 'EXPECTEDFAIL'):
            passed += 1
        elif result != 'SKIP':
            failed += 1
    print(f'{name}: passed {passed}, failed {failed}')
    return passed, failed


def sanitized(build):
    if not os.path.exists(os.path.join(build, 'build.ninja')):
        subprocess.run(['meson', 'setup', build, '-Db_sanitize=address,undefined', '-Db_lundef=false',
                        '-Doptimization=1'], check=True, stdout=subprocess.DEVNULL)
    return subprocess.run(['ninja', '-C', build], stdout=subprocess.DEVNULL).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--build', default='build')
    parser.add_argument('--plain-only', action='store_true', help='leave the sanitized build out')
    options = parser.parse_args()
    os.chdir(ROOT)
    passed, failed = run_suite(options.build, 'plain')
    if not options.plain_only:
        build = options.build + '-asan'
        if sanitized(build):
            more = run_suite(build, 'sanitized')
            passed, failed = passed + more[0], failed + more[1]
        else:
            print('sanitized: does not build')
            failed += 1
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
