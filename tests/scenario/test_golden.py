#!/usr/bin/env python3
"""What a user reads, word for word: the reports of every scenario, of a claim
that fails and of an invariant that breaks, as kept in golden/. A change of
behaviour shows here as a diff of numbers that a reviewer can read.
KTLS_BLESS=1 (./dev bless) rewrites them: read the diff."""
import difflib
import glob
import os
import re
import shutil
import sys

import lib

GOLDEN = os.path.join(lib.ROOT, 'tests', 'scenario', 'golden')
BLESS = os.environ.get('KTLS_BLESS') == '1'


def compare(c, name, text):
    path = os.path.join(GOLDEN, name)
    if BLESS:
        with open(path, 'w') as f:
            f.write(text)
    want = ''
    if os.path.exists(path):
        with open(path) as f:
            want = f.read()
    diff = list(difflib.unified_diff(
        want.splitlines(), text.splitlines(), 'golden/' + name, 'now',
        lineterm='', n=1))
    c.check(text == want and text != '',
            '%s differs (./dev bless accepts it):\n%s' %
            (name, '\n'.join(diff[:40])))


def read(path):
    """Fingerprints move with libssl's version: no reviewer reads them."""
    with open(path) as f:
        return re.sub(r',\n "fingerprints": {\n(  .*\n)+ }', '', f.read())


def run(c, sim, d, name, file, code, *options):
    """In its folder, so that no path of this machine gets into the texts."""
    out = os.path.join(d, name)
    os.mkdir(out)
    shutil.copy(file, os.path.join(out, name + '.ktls.yaml'))
    lib.with_folders(file, out)
    r = lib.run(sim, ['run', '--out', 'out', *options, *lib.programs(file), name + '.ktls.yaml'],
                cwd=out)
    c.equal(r.returncode, code, '%s: %s' % (name, r.stderr))
    for report in ('report.txt', 'report.json'):
        compare(c, name + '.' + report, read(os.path.join(out, 'out', report)))
    if code != 0:
        compare(c, name + '.stderr.txt', r.stderr)
    with open(os.path.join(out, 'out', 'report.txt')) as f:
        # Where a claim stands, the terminal says with the file.
        shown = re.sub(r'\(%s:(\d+)\)$' % re.escape(name + '.ktls.yaml'), r'(line \1)', r.stdout, flags=re.M)
        c.check(shown.startswith(f.read()), name + ': standard output begins with report.txt')


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    os.makedirs(GOLDEN, exist_ok=True)
    # Without live ones: their reports tell of a wall clock.
    files = [f for f in sorted(glob.glob(os.path.join(lib.SCENARIOS,
                                                      '*.ktls.yaml')))
             if not lib.is_live(f)]
    c.check(len(files) >= 5, 'only %d scenarios' % len(files))
    with lib.tmpdir() as d:
        for file in files:
            run(c, sim, d, os.path.basename(file)[:-len('.ktls.yaml')], file, 0)
        claim = lib.edited('quickstart', d, ('bytes: 8MiB', 'bytes: 9MiB'),
                           ('dir: tx, is: sw', 'dir: tx, is: ifnet'),
                           ('failed_crypto, is: 0', 'failed_crypto, min: 1'),
                           ('max: 100ms', 'max: 1ms'))
        run(c, sim, d, 'claim-failed', claim, 1)
        run(c, sim, d, 'invariant-broken', lib.scenario('quickstart'), 4,
            '--defect', 'kern.nonce-reuse')
        run(c, sim, d, 'body-differs', lib.scenario('quickstart'), 4,
            '--defect', 'app.sendfile-retry-from-old-offset')
    # Each golden is the golden of something.
    kept = {n.rsplit('.', 2)[0] for n in os.listdir(GOLDEN)}
    c.equal(kept, {os.path.basename(f)[:-len('.ktls.yaml')] for f in files} |
            {'claim-failed', 'invariant-broken', 'body-differs'}, 'golden/')
    c.done()


main()
