#!/usr/bin/env python3
"""Each planted defect is caught by the invariant that its catalogue entry
names, by nothing before it, with exit code 4 and the line that reproduces it;
and every invariant has a defect. What no scenario meets has a unit test."""
import glob
import os
import re
import sys

import lib

# defect: scenario that meets it, options
WHERE = {
    'app.sendfile-retry-from-old-offset': 'quickstart',
    'kern.sendfile-page-order': 'quickstart',
    'nic.restart-counter': 'failover',
    'tcp.rexmit-offset': 'many-lossy',
    'kern.rx-mbcnt': 'kernel-receive',
    # No failover, so that nothing is read a second time.
    'nic.write-back': 'failover --set timeline[0].at=9s',
    'nic.tag-leak': 'failover',
    # The card has no room for a key.
    'nic.cx6dx-dek-failure-leaks': 'failover '
        '--set hosts.server.nics.mce0.model=cx6dx --set timeline[0].do=card '
        '--set timeline[0].order=keys --set timeline[0].count=0 '
        '--set timeline[0].at=1us',
    'tcp.ready-silent': 'quickstart',
    'nic.skip-encrypt': 'failover',
    'net.no-tag-check': 'failover',
    # The lagg loses unmapped mbufs under load.
    'net.plaintext-converted': 'failover --set timeline[0].do=ifconfig '
        '--set timeline[0].on=server.lagg0 --set timeline[0].args=-mextpg',
    'kern.nonce-reuse': 'quickstart',
    'kern.switch-nonce-repeat': 'mode-switch',
    'kern.sbready-early': 'quickstart',
    'kern.encrypt-file-page': 'quickstart',
    'net.eagain-leak': 'failover',
    'kern.lost-wakeup': 'quickstart',
    'kern.sendfile-header-forgotten': 'cold-header',
}


def catalogue(sim):
    text = lib.run(sim, ['list', 'defects']).stdout
    return {m.group(1): int(m.group(2)) for m in
            re.finditer(r'^(\S+) +invariant (\d):', text, re.M)}


def by_claim(sim):
    text = lib.run(sim, ['list', 'defects']).stdout
    return re.findall(r'^(\S+) +claim:', text, re.M)


def unit_tested(sim):
    text = lib.run(sim, ['list', 'defects']).stdout
    return re.findall(r'^(\S+) +unit test:', text, re.M)


def exhibits():
    """Defects that the museum plants, each with what catches it: test_museum.py
    runs them."""
    found = {}
    for name in glob.glob(os.path.join(lib.SCENARIOS, 'museum', '*.ktls.yaml')):
        with open(name) as f:
            text = f.read()
        by = re.search(r'^  caught_by: (invariant \d|claim) ?', text, re.M).group(1)
        for defect in re.search(r'^  defects: \[?([^]\n]*)', text, re.M).group(1).split(', '):
            found.setdefault(defect, set()).add(by)
    return found


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    defects = catalogue(sim)
    shown = exhibits()
    c.equal([n for n in WHERE if n not in defects], [], 'defects that are none')
    for name, number in list(defects.items()):
        if name not in WHERE:
            c.check('invariant %d' % number in shown.get(name, ()), name + ' is not tested')
            del defects[name]
    for name in by_claim(sim):
        c.check('claim' in shown.get(name, ()), name + ' has no exhibit')
    units = ''
    for name in glob.glob(os.path.join(lib.ROOT, 'tests/unit/*/test_*.c')):
        with open(name) as f:
            units += f.read()
    for name in unit_tested(sim):
        c.check('plant("%s")' % name in units, name + ' has no unit test')
    # Two places each, so that no check leans on one of them.
    for number in range(1, 8):
        names = [n for n, i in catalogue(sim).items() if i == number]
        c.check(len(names) >= 2, 'invariant %d has only %r' % (number, names))
    with lib.tmpdir() as d:
        for name, number in defects.items():
            out = os.path.join(d, name)
            file, *options = WHERE[name].split()
            r, report = lib.run_out(sim, lib.scenario(file), out,
                                    '--defect', name, *options)
            c.equal(r.returncode, 4, name)
            c.check(r.stderr.rstrip().splitlines()[-1].startswith(
                'to reproduce: ktls-sim run ') and
                '--defect ' + name in r.stderr, name + ': last line')
            c.equal(report['panic'], None, name + ': panic')
            broken = sorted((i['first_ps'], i['number'])
                            for i in report['invariants'] if i['broken'])
            c.check(number in [n for _, n in broken], '%s: broke %s, not %d' %
                    (name, broken, number))
            # Nothing may have told before the one that is meant to.
            c.equal([n for t, n in broken if t < dict(
                (n, t) for t, n in broken)[number]], [], name + ': earlier')
        stalled(c, sim, d)
    c.done()


def stalled(c, sim, d):
    """The other half of invariant 7: laggs cabled crosswise, where the active
    ports never meet, move nothing however long one waits."""
    r, report = lib.run_out(sim, lib.scenario('failover'),
                            os.path.join(d, 'crossed'),
                            '--set', 'links[0].ends[1]=client.em1',
                            '--set', 'links[1].ends[1]=client.em0')
    c.equal(r.returncode, 4, 'crossed: ' + r.stderr)
    told = [i for i in report['invariants'] if i['broken']]
    c.equal([i['number'] for i in told], [7], 'crossed')
    c.check('no progress with all faults off' in told[0]['first'], 'crossed')


main()
