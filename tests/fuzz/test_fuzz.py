#!/usr/bin/env python3
"""The loader on every scenario, every broken one and what the fuzzer found or
somebody thought of (corpus/): by a plain program in this build; and a fixed
number of libFuzzer's own inputs from a fixed seed, where clang is.
`./dev fuzz SECONDS` looks for more."""
import glob
import os
import subprocess
import sys

import lib

HERE = os.path.dirname(os.path.abspath(__file__))
SEEDS = [lib.SCENARIOS, os.path.join(lib.ROOT, 'tests', 'scenario', 'broken'),
         os.path.join(HERE, 'corpus')]
# Short inputs: more of them, and denser mistakes.
RUNS = 60000


def main():
    c = lib.Checks()
    if sys.argv[1] == 'replay':
        files = [f for d in SEEDS for f in sorted(glob.glob(d + '/*.yaml'))]
        c.check(len(files) >= 120, 'only %d inputs' % len(files))
        r = subprocess.run([sys.argv[2]] + files, capture_output=True, text=True)
        c.equal(r.returncode, 0, 'replay: ' + r.stderr[-3000:])
        c.equal(r.stdout, '%d inputs\n' % len(files), 'replay')
        c.done()
    exe = lib.other_build('FUZZ', 'tests/fuzz/fuzz_scenario')
    with lib.tmpdir() as d:
        words = os.path.join(d, 'words')
        with open(words, 'w') as f:
            subprocess.run([sys.executable, os.path.join(HERE, 'make_dict.py'),
                            os.path.join(lib.ROOT, 'docs', 'scenario.md')],
                           stdout=f, check=True)
        new = os.path.join(d, 'new')
        os.mkdir(new)
        r = subprocess.run([exe, '-runs=%d' % RUNS, '-seed=1', '-max_len=500',
                            '-timeout=20', '-print_final_stats=1',
                            '-artifact_prefix=' + d + '/', '-dict=' + words,
                            new] + SEEDS, capture_output=True, text=True)
        c.equal(r.returncode, 0, 'libFuzzer: ' + r.stderr[-6000:])
        c.check('stat::number_of_executed_units: ' in r.stderr, 'statistics')
        # Blind mutations of good files would keep nothing.
        c.check(len(os.listdir(new)) >= 50, 'only %d inputs were of interest: '
                'is coverage on?' % len(os.listdir(new)))
    c.done()


main()
