#!/usr/bin/env python3
"""test_fuzz.py replay TARGET PROGRAM | runs TARGET

Each fuzz target on its seeds and on what the fuzzer found or somebody thought
of (for the loader: every scenario, every broken one, corpus/; for the others
seeds/TARGET): by a plain program in this build; and a fixed number of
libFuzzer's own inputs from a fixed seed, where clang is.
`./dev fuzz SECONDS [TARGET]` looks for more."""
import glob
import os
import subprocess
import sys

import lib

HERE = os.path.dirname(os.path.abspath(__file__))
YAML = [lib.SCENARIOS, os.path.join(lib.ROOT, 'tests', 'scenario', 'broken'),
        os.path.join(HERE, 'corpus')]
# Seeds, how many inputs there are at least, runs, and interesting ones among
# them. Short inputs: more of them, and denser mistakes.
TARGETS = {
    'scenario': (YAML, '/*.yaml', 120, 20000, 50),
    'ktls_rx': ([HERE + '/seeds/ktls_rx'], '/*', 18, 4000, 20),
    'tls_enable': ([HERE + '/seeds/tls_enable'], '/*', 3, 300, 5),
    'ip_input': ([HERE + '/seeds/ip_input'], '/*', 12, 20000, 50),
    'lacp': ([HERE + '/seeds/lacp'], '/*', 5, 20000, 50),
    'rpc': ([HERE + '/seeds/rpc'], '/*', 7, 20000, 50),
    'http_response': ([HERE + '/seeds/http_response'], '/*', 5, 20000, 20),
    'http_request': ([HERE + '/seeds/http_request'], '/*', 10, 20000, 20),
    'own': ([HERE + '/seeds/own'], '/*', 9, 20000, 50),
    'message': ([HERE + '/seeds/message'], '/*', 4, 300, 5),
}


def replay(c, target, exe):
    seeds, pattern, least, _, _ = TARGETS[target]
    files = [f for d in seeds for f in sorted(glob.glob(d + pattern))]
    c.check(len(files) >= least, 'only %d inputs' % len(files))
    r = subprocess.run([exe] + files, capture_output=True, text=True)
    c.equal(r.returncode, 0, 'replay: ' + r.stderr[-3000:])
    c.equal(r.stdout, '%d inputs\n' % len(files), 'replay')


def dictionary(d):
    words = os.path.join(d, 'words')
    with open(words, 'w') as f:
        subprocess.run([sys.executable, os.path.join(HERE, 'make_dict.py'),
                        os.path.join(lib.ROOT, 'docs', 'scenario.md')],
                       stdout=f, check=True)
    return ['-dict=' + words]


def runs(c, target):
    seeds, _, _, number, interesting = TARGETS[target]
    exe = lib.other_build('FUZZ', 'tests/fuzz/fuzz_' + target)
    with lib.tmpdir() as d:
        words = dictionary(d) if target == 'scenario' else []
        new = os.path.join(d, 'new')
        os.mkdir(new)
        r = subprocess.run([exe, '-runs=%d' % number, '-seed=1',
                            '-max_len=500', '-timeout=20',
                            '-print_final_stats=1',
                            '-artifact_prefix=' + d + '/'] + words +
                           [new] + seeds, capture_output=True, text=True)
        c.equal(r.returncode, 0, 'libFuzzer: ' + r.stderr[-6000:])
        c.check('stat::number_of_executed_units: ' in r.stderr, 'statistics')
        # Blind mutations of good files would keep nothing.
        c.check(len(os.listdir(new)) >= interesting,
                'only %d inputs were of interest: is coverage on?' %
                len(os.listdir(new)))


def main():
    c = lib.Checks()
    if sys.argv[1] == 'replay':
        replay(c, sys.argv[2], sys.argv[3])
    else:
        runs(c, sys.argv[2])
    c.done()


main()
