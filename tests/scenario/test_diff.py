#!/usr/bin/env python3
"""`ktls-sim diff`, and the fingerprints that it and the runner speak of."""
import os
import re
import sys

import lib
from suite_lib import SMALL, put


def diff(sim, d, *args):
    return lib.run(sim, ['diff', *args], cwd=d)


def prints(sim, d, *args, file='a.ktls.yaml'):
    """Fingerprints of a run; and the folder is there."""
    r, report = lib.run_out(sim, os.path.join(d, file),
                            os.path.join(d, 'run'), *args)
    if report is None:
        raise SystemExit(r.stderr)
    return report['fingerprints']


def moved(a, b):
    return {k for k in a if a[k] != b[k]}


def layers(c, sim, d):
    """What does not matter moves none; each layer is moved by its own."""
    base = prints(sim, d, '--threads', '0')
    c.equal(sorted(base), ['counters', 'decisions', 'events', 'wire'], 'layers')
    c.check(all(re.fullmatch('[0-9a-f]{32}', v) for v in base.values()),
            '%s' % base)
    for args in (['--threads', '4'], ['--trace', '--pcap', '--threads', '1'],
                 ['--dump-at', '150us'], ['--set', 'capture.wire=false'],
                 ['--set', 'capture.wire=false', '--pcap'],
                 ['--set', 'expect=[]'],
                 ['--set', 'checks.records=false', '--threads', '2']):
        c.equal(prints(sim, d, *args), base, '%s' % args)
    c.equal(moved(base, prints(sim, d, '--seed', '2')), {'events', 'wire'},
            'another seed: other keys, another CPU')
    c.equal(moved(base, prints(sim, d, '--set', 'links[0].delay=30us')),
            {'events', 'wire'}, 'later, but the same')
    c.equal(moved(base, prints(
        sim, d, '--set', 'hosts.server.sysctl.kern.ipc.tls.enable=0')),
        {'events', 'wire', 'counters', 'decisions'}, 'no kernel TLS')
    # Plain, where one byte in another place is nobody's event.
    put(d, 'plain', re.sub(r',\n     tls: {.*}}', '}', SMALL).replace(
        '/data.bin', '/dbta.bin'))
    put(d, 'plain2', re.sub(r',\n     tls: {.*}}', '}', SMALL).replace(
        '/data.bin', '/dcta.bin').replace('name: plain2', 'name: plain'))
    c.equal(moved(prints(sim, d, file='plain.ktls.yaml'),
                  prints(sim, d, file='plain2.ktls.yaml')), {'wire'},
            'another name, other bytes')


def shown(c, sim, d):
    r = diff(sim, d, 'a.ktls.yaml')
    c.equal(r.returncode, 0, 'the same: ' + r.stderr)
    c.check(re.fullmatch(
        r'A: a\.ktls\.yaml, seed 1\nB: a\.ktls\.yaml, seed 1\n'
        r'\d+ events are the same\nfingerprints: events the same, wire the '
        r'same, counters the same, decisions the same\n', r.stdout), r.stdout)
    r = diff(sim, d, '--set-b', 'links[0].delay=30us', '--context', '2',
             'a.ktls.yaml')
    c.equal(r.returncode, 1, 'they differ: ' + r.stderr)
    c.check(re.search(
        r'^B: a\.ktls\.yaml, links\[0\]\.delay=30us, seed 1\n'
        r'event \d+ is the first that differs: the same at 0\.\d{12} s in A, '
        r'at 0\.\d{12} s in B\n(  0.*\n){2}(A 0.*\n){3}(B 0.*\n){3}'
        r'fingerprints: events DIFFER, wire DIFFER, counters the same, '
        r'decisions the same\n\Z', r.stdout, re.M), r.stdout)
    # One against the other, by hand.
    def text(out, *args):
        _, _ = lib.run_out(sim, os.path.join(d, 'a.ktls.yaml'),
                           os.path.join(d, out), '--trace', '--trace-format',
                           'text', *args)
        with open(os.path.join(d, out, 'trace.txt')) as f:
            return f.read().splitlines()
    a, b = text('a'), text('b', '--seed', '2', '--set', 'links[0].loss=5%')
    n = next(i for i, (x, y) in enumerate(zip(a, b)) if x != y)
    r = diff(sim, d, '--context', '1', 'a', 'b')
    c.check('\nevent %d is the first' % (n + 1) in r.stdout and
            '\n  %s\nA %s\n' % (a[n - 1], a[n]) in r.stdout and
            '\nB %s\n' % b[n] in r.stdout, r.stdout)
    c.check(r.stdout.startswith('A: a, seed 1\nB: b, seed 2\n'), r.stdout)
    c.equal(diff(sim, d, '--seed-a', '2', '--set-a', 'links[0].loss=5%', 'a',
                 'b').returncode, 0, 'options make a folder another run')
    # A cell of a matrix, from its folder, which has no parameters any more.
    put(d, 'm', SMALL.replace('64KiB', '$size').replace(
        'until', 'matrix: {axes: {size: [64KiB, 32KiB]}}\nuntil'))
    lib.run_out(sim, os.path.join(d, 'm.ktls.yaml'), os.path.join(d, 'm'),
                '--case', 'size=32KiB')
    c.equal([diff(sim, d, *x, 'm.ktls.yaml', 'm').returncode for x in
             (['--set-a', 'size=32KiB'], [])], [0, 1], 'a cell')
    r = diff(sim, d, '--context', '0', 'a', 'b')
    c.equal(len(r.stdout.splitlines()), 6, 'no context: ' + r.stdout)


def ends(c, sim, d):
    """One that breaks, one that is over before the other."""
    r = diff(sim, d, '--defect-b', 'kern.sbready-early', 'a.ktls.yaml')
    c.equal(r.returncode, 1, 'a broken run has an end: ' + r.stderr)
    c.check('seed 1, defect kern.sbready-early\n' in r.stdout and
            'invariant number=4' in r.stdout, r.stdout)
    lib.run_out(sim, os.path.join(d, 'a.ktls.yaml'), os.path.join(d, 'broken'),
                '--defect', 'kern.sbready-early')
    r = diff(sim, d, '--defect', 'kern.sbready-early', 'a.ktls.yaml', 'broken')
    c.equal(r.returncode, 0, 'the folder tells its defects: ' + r.stdout)
    r = diff(sim, d, '--defect-a', 'kern.sbready-early', 'a.ktls.yaml')
    c.check(r.returncode == 1 and
            'A: a.ktls.yaml, seed 1, defect kern.sbready-early\n' in r.stdout and
            'B: a.ktls.yaml, seed 1\n' in r.stdout, r.stdout)
    r = diff(sim, d, '--seed-b', '2', 'a.ktls.yaml')
    c.check(r.returncode == 1 and 'A: a.ktls.yaml, seed 1\n' in r.stdout and
            'B: a.ktls.yaml, seed 2\n' in r.stdout, r.stdout)


def refused(c, sim, d):
    put(d, 'mistake', SMALL.replace('until: 10s', 'untill: 10s'))
    with open(lib.scenario('live')) as f:
        put(d, 'live', f.read())
    put(d, 'unbuildable', SMALL.replace('kern.ipc.tls.enable: 1',
                                        'kern.ipc.tls.enabled: 1'))
    os.makedirs(os.path.join(d, 'folder'), exist_ok=True)
    for args, code, text in [
            ([], 2, 'name two runs'),
            (['a.ktls.yaml'] * 3, 2, 'name two runs'),
            (['nix'], 3, 'nix: No such file'),
            (['a.ktls.yaml', 'folder'], 3, 'no report.json of a run'),
            (['mistake.ktls.yaml'], 2, 'did you mean `until`'),
            (['a.ktls.yaml', 'mistake.ktls.yaml'], 2, 'did you mean `until`'),
            (['a.ktls.yaml', 'unbuildable.ktls.yaml'], 2, 'tls.enabled'),
            (['live.ktls.yaml'], 2, 'cannot be had again'),
            (['--seed', 'x', 'a.ktls.yaml'], 2, 'a whole number, not `x`'),
            (['--set-a', 'x=3', 'a.ktls.yaml'], 2, 'x'),
            (['--defect-b', 'kern.sbready-erly', 'a.ktls.yaml'], 2,
             'did you mean `kern.sbready-early`'),
            (['--context', '-1', 'a.ktls.yaml'], 2, '--context wants'),
            (['--sed', '1', 'a.ktls.yaml'], 2, 'did you mean')]:
        r = diff(sim, d, *args)
        c.equal(r.returncode, code, '%s: %s' % (args, r.stderr))
        c.check(text in r.stderr and not r.stdout, '%s: %s%s' %
                (args, r.stdout, r.stderr))


def main():
    c = lib.Checks()
    sim = sys.argv[1]
    with lib.tmpdir() as d:
        put(d, 'a')
        for f in (layers, shown, ends, refused):
            f(c, sim, d)
    c.done()


main()
