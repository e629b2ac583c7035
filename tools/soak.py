#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The long runs: prints NAME RUNS FAILURES SECONDS for each line, and exits 1 if anything failed.

  faults.real    two drivers, faults crossing IoCallDriver between them, preempted, 2 virtual processors; RUNS are faults
  faults.seeds   the same under seeds, 500 faults each, run twice: the two traces must be the same, byte for byte
  stress.real    threads, timers, DPCs, work items and every kind of wait, with 2 and 4 virtual processors; RUNS are rounds
  stress.seeds   the same under seeds, run twice with traces
  plays.seeds    the test drivers' plays under many schedules
  plays.real     the same with 2 and 4 virtual processors
  api.threads    eight threads of an embedder on 1, 2 and 4 virtual processors; RUNS are calls
  serial.seeds   completion, cancel and time-out racing on the sample serial16550, a seed a run
  serial.real    the same with 4 virtual processors and 4 threads, for 60 seconds
  queues.seeds   completion, cancel and close racing on the samples startio-ramdisk and csq-queue, a seed a run
  queues.real    the same with 4 virtual processors and 4 threads, for 60 seconds
  samples.seeds  I/O, cancel, close, time-out and unloading racing on custom-timer-dpc, keyboard and, in turn, dma-scatter
                 and controller-two-drives; a seed a run
  samples.real   the same with 4 virtual processors and 4 threads, for 60 seconds with each of the two
  pnp.seeds      hot-plug, removal, stop, eject and power racing with I/O on the sample trio, a seed a run
  pnp.real       the same with 4 virtual processors and 4 threads, for 60 seconds

--scale multiplies the counts (fractions too). A failure is told on standard error with the command that shows it, and
its output is kept in BUILD/soak.
"""
import argparse
import concurrent.futures
import glob
import hashlib
import os
import shlex
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'tools'))
import play as player  # noqa: E402

RUN = 0x222400  # STRESS_RUN of tests/drivers/stress/stress.h
THREADS = 4


class Soak:
    def __init__(self, options):
        self.build = os.path.abspath(options.build)
        self.sys = os.path.join(self.build, 'sys')
        self.program = os.path.join(self.build, 'ringless')
        self.scale = options.scale
        self.jobs = options.jobs
        self.kept = os.path.join(self.build, 'soak')
        self.failures = 0

    def count(self, full):
        return max(1, round(full * self.scale))

    def tell(self, name, why, line, output):
        os.makedirs(self.kept, exist_ok=True)
        path = os.path.join(self.kept, f'{name}-{self.failures}.txt')
        self.failures += 1
        with open(path, 'wb') as out:
            out.write(output)
        print(f'{name}: {why}: {shlex.join(line)} (output: {path})', file=sys.stderr)

    def run(self, line, timeout):
        try:
            done = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=timeout, cwd=self.sys)
            return done.returncode, done.stdout
        except subprocess.TimeoutExpired as late:
            return 'time-out', late.stdout or b''

    def stress_line(self, drivers, device, options, rounds, seed):
        data = struct.pack('<III', rounds, THREADS, seed & 0xFFFFFFFF).hex()
        return ([self.program, 'run'] + options + [f'{name}.sys' for name in drivers] +
                ['-c', f'open \\Device\\{device}', '-c', f'ioctl {RUN:#x} hex:{data}'])

    # ---- one run of each kind: True when it was right ----

    def real(self, name, line):
        code, output = self.run(line, 120)
        if code == 0:
            return True
        self.tell(name, f'exit {code}', line, output)
        return False

    def same_twice(self, name, drivers, device, rounds, seed):
        results = []
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(2):
                trace = os.path.join(folder, 'trace')
                line = self.stress_line(drivers, device, ['--seed', str(seed), '--trace', trace], rounds, seed)
                code, output = self.run(line, 120)
                if code != 0:
                    self.tell(name, f'exit {code}', line, output)
                    return False
                results.append((output, hashlib.sha256(open(trace, 'rb').read()).digest()))
        if results[0] != results[1]:
            self.tell(name, 'two runs of one seed differ', line, results[0][0] + results[1][0])
            return False
        return True

    def play(self, name, path, options):
        play = player.read_play(path)
        play['args'] = options + play['args']
        with tempfile.TemporaryDirectory() as folder:
            here = argparse.Namespace(play=path, ringless=self.program, sys=self.sys)
            line, shown = player.command_line(play, here, folder)
            code, output = player.run(line, play, 120)
        problems = player.judge(play, code, output, shown)
        if problems:
            self.tell(name, '; '.join(problems), line, output.encode())
        return not problems

    # ---- lines ----

    def line(self, name, runs_each, calls):
        begin = time.monotonic()
        runs = failures = 0
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for good in pool.map(lambda call: call[0](name, *call[1:]), calls):
                runs += runs_each
                failures += not good
        print(f'{name} {runs} {failures} {time.monotonic() - begin:.1f}', flush=True)
        return failures

    def plays(self):
        found = sorted(glob.glob(os.path.join(ROOT, 'tests', 'drivers', '*', '*.play')))
        fixed = {'--seed', '--cpus'}
        return [path for path in found if not fixed & set(player.read_play(path)['args'])]

    def faults_real(self, name):
        rounds = -(-self.count(200000) // THREADS)
        line = self.stress_line(['fault_lower', 'fault_upper'], 'FaultUpper', ['--cpus', '2'], rounds, 1)
        return self.line(name, rounds * THREADS, [(self.real, line)])

    def faults_seeds(self, name):
        calls = [(self.same_twice, ['fault_lower', 'fault_upper'], 'FaultUpper', 500 // THREADS, seed)
                 for seed in range(1, self.count(1000) + 1)]
        return self.line(name, 1, calls)

    def stress_real(self, name):
        rounds = min(self.count(2000), 2000)
        calls = [(self.real, self.stress_line(['stress'], 'Stress', ['--cpus', cpus], rounds, seed))
                 for seed in range(self.count(50)) for cpus in ('2', '4')]
        return self.line(name, rounds * THREADS, calls)

    def stress_seeds(self, name):
        calls = [(self.same_twice, ['stress'], 'Stress', 100, seed) for seed in range(1, self.count(1000) + 1)]
        return self.line(name, 1, calls)

    def plays_seeds(self, name):
        calls = [(self.play, path, ['--seed', str(seed)]) for seed in range(1, self.count(100) + 1) for path in self.plays()]
        return self.line(name, 1, calls)

    def plays_real(self, name):
        calls = [(self.play, path, ['--cpus', cpus]) for _ in range(self.count(100)) for cpus in ('2', '4')
                 for path in self.plays()]
        return self.line(name, 1, calls)

    def api_threads(self, name):
        rounds = min(self.count(2000), 2000)
        line = [os.path.join(self.build, 'tests', 'soak-api'), self.sys]
        calls = [(self.real, line + [cpus, '8', str(rounds), str(seed)]) for seed in range(self.count(10)) for cpus in '124']
        return self.line(name, rounds * 8, calls)

    def race_seeds(self, name, program, full=10000):
        line = [os.path.join(self.build, 'tests', program), self.sys, 'seeds']
        each = min(100, self.count(full))
        calls = [(self.real, line + [str(first), str(each), '300']) for first in range(1, self.count(full) + 1, each)]
        return self.line(name, each, calls)

    def race_real(self, name, program, makes=(1,)):
        line = [os.path.join(self.build, 'tests', program), self.sys, 'real', '4', '4', str(self.count(60))]
        return self.line(name, 1, [(self.real, line + [str(make)]) for make in makes])

    def serial_seeds(self, name):
        return self.race_seeds(name, 'soak-serial')

    def serial_real(self, name):
        return self.race_real(name, 'soak-serial')

    def queues_seeds(self, name):
        return self.race_seeds(name, 'soak-queues')

    def queues_real(self, name):
        return self.race_real(name, 'soak-queues')

    def samples_seeds(self, name):
        return self.race_seeds(name, 'soak-samples', 20000)

    def samples_real(self, name):
        return self.race_real(name, 'soak-samples', (1, 2))

    def pnp_seeds(self, name):
        return self.race_seeds(name, 'soak-pnp')

    def pnp_real(self, name):
        return self.race_real(name, 'soak-pnp')


LINES = {'faults.real': Soak.faults_real, 'faults.seeds': Soak.faults_seeds, 'stress.real': Soak.stress_real,
         'stress.seeds': Soak.stress_seeds, 'plays.seeds': Soak.plays_seeds, 'plays.real': Soak.plays_real, 'api.threads': Soak.api_threads,
         'serial.seeds': Soak.serial_seeds, 'serial.real': Soak.serial_real,
         'queues.seeds': Soak.queues_seeds, 'queues.real': Soak.queues_real,
         'samples.seeds': Soak.samples_seeds, 'samples.real': Soak.samples_real, 'pnp.seeds': Soak.pnp_seeds, 'pnp.real': Soak.pnp_real}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', default='build')
    parser.add_argument('--scale', type=float, default=1)
    parser.add_argument('--jobs', type=int, default=os.cpu_count())
    parser.add_argument('--only', action='append', choices=LINES, metavar='NAME', help='this line (may repeat)')
    options = parser.parse_args()
    soak = Soak(options)
    return 1 if sum([LINES[name](soak, name) for name in options.only or LINES]) else 0


if __name__ == '__main__':
    sys.exit(main())
