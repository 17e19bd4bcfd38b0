#!/usr/bin/env python3
"""Broken scenarios and what is said of them: NAME.yaml must give exactly the
diagnostics in NAME.expect, from `check` and from `run`, with exit code 2 and
nothing on standard output. KTLS_BLESS=1 rewrites the goldens: read the diff."""
import glob
import os
import sys

import lib


def main():
    sim = sys.argv[1]
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'broken')
    files = sorted(glob.glob(os.path.join(folder, '*.yaml')))
    bless = os.environ.get('KTLS_BLESS') == '1'
    c = lib.Checks()
    c.check(len(files) >= 40, 'only %d broken scenarios' % len(files))
    for path in files:
        name = os.path.basename(path)
        golden = path[:-len('.yaml')] + '.expect'
        for command in ('check', 'run'):
            r = lib.run(sim, [command, name], cwd=folder)
            if bless:
                with open(golden, 'w') as f:
                    f.write(r.stderr)
            with open(golden) as f:
                want = f.read()
            c.equal(r.stderr, want, '%s %s' % (command, name))
            c.equal(r.returncode, 2, name)
            c.equal(r.stdout, '', name + ': stdout')
            c.check((name + ':') in want and ' error: ' in want,
                    name + ': the golden names file and error')
    c.done()


main()
