#!/usr/bin/env python3
"""`ktls-sim test`: which cases there are, how they are bounded and judged, and
everything that is told about them."""
import json
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET

import lib
from suite_lib import (LONG, SMALL, child_of, put, results, start, suite,
                       timeless, verdicts)

try:
    import yaml
except ImportError:
    yaml = None


def make(d):
    """Two that pass, one that fails, one with a mistake, one live."""
    put(d, 's/a')
    put(d, 's/deep/b')
    put(d, 's/failing', SMALL + '  # below\n').encode()
    put(d, 's/failing', SMALL.replace(
        'bytes: 64KiB', 'bytes: 65KiB'))
    put(d, 's/mistake', SMALL.replace('until: 10s', 'untill: 10s'))
    put(d, 's/.hidden')
    with open(lib.scenario('live')) as f:
        put(d, 's/live', f.read())
    with open(os.path.join(d, 's/notes.yaml'), 'w') as f:
        f.write('none of ours')


def whole(c, sim, d):
    """All verdicts; the summary; folders; one and four jobs tell the same."""
    r, res = suite(sim, d, '--jobs', '4', 's')
    c.equal(r.returncode, 2, 'the worst: a mistake: ' + r.stderr)
    c.equal(verdicts(res), {
        's/a#1': 'passed', 's/deep/b#1': 'passed', 's/failing#1': 'failed',
        's/live': 'skipped', 's/mistake': 'error'}, 'verdicts')
    c.equal([x['name'] for x in res['cases']], [
        's/a#1', 's/deep/b#1', 's/failing#1', 's/live', 's/mistake'],
        'in sorted order')
    c.equal(res['counts'], {
        'passed': 2, 'skipped': 1, 'failed': 1, 'broke': 0, 'error': 1,
        'missing': 0, 'crashed': 0, 'timeout': 0}, 'counts')
    c.check(re.search(
        r'^failed s/failing#1\n'
        r'  s/failing\.ktls\.yaml:23: get receives 66560 body bytes\n'
        r'    found: 65536 bytes\n    first: get#0 reads the last bytes that come\n    frames: \d+\n'
        r'  output: out/s_failing#1-[0-9a-f]{8}\n'
        r'  to reproduce: ktls-sim run --seed 1 s/failing\.ktls\.yaml\n',
        r.stdout, re.M), 'the failure is told: ' + r.stdout)
    c.check(re.search(
        r'^error s/mistake\n  s/mistake\.ktls\.yaml:24:\d+: error: .*untill',
        r.stdout, re.M), 'the mistake is told: ' + r.stdout)
    c.check('skipped s/live: a link ends at a device' in r.stdout, 'skipped')
    c.check(r.stdout.endswith('\n2 passed, 2 failed, 1 skipped\n'), 'totals')
    failing = res['cases'][2]
    c.equal([failing['code'], failing['seed'], failing['cell'],
             failing['file']], [1, 1, '', 's/failing.ktls.yaml'], 'its fields')
    c.equal([x['where'] for x in failing['claims']],
            ['s/failing.ktls.yaml:23'], 'its claim')
    c.equal(sorted(failing['fingerprints']),
            ['counters', 'decisions', 'events', 'wire'], 'layers')
    c.equal(failing['fingerprints'], res['cases'][0]['fingerprints'],
            'an expectation moves no layer')
    kept = [n for n in os.listdir(os.path.join(d, 'out'))
            if not n.startswith('.')]
    c.equal(sorted(re.sub('-.*', '', n) for n in kept),
            ['results.json', 's_failing#1'], 'only the failed one is kept')
    one = suite(sim, d, '--jobs', '1', '--quiet', 's')[1]
    c.equal(timeless(one), timeless(res), 'one job and four')
    again = r.stdout.split('to reproduce: ktls-sim ')[1].split('\n')[0]
    r = lib.run(sim, again.split() + ['--out', 'again', '-q'], cwd=d)
    c.equal(r.returncode, 1, 'the line to reproduce does: ' + r.stderr)
    suite(sim, d, '--keep', '--filter', 's/a', 's')
    c.check(any(n.startswith('s_a#1') for n in
                os.listdir(os.path.join(d, 'out'))), '--keep')
    r, _ = suite(sim, d, '--quiet', '--filter', 's/a', 's')
    c.equal(r.stdout + r.stderr, '', 'quiet and green says nothing')


def choosing(c, sim, d):
    def names(*args, cwd=d):
        r = lib.run(sim, ['test', '--list', *args], cwd=cwd)
        return r.stdout.split()
    every = names('s')
    c.equal(len(every), 5, '--list: %s' % every)
    c.check(not os.path.exists(os.path.join(d, 'ktls-out')),
            '--list writes nothing')
    c.equal(names('s/a.ktls.yaml', 's/deep'), ['s/a#1', 's/deep/b#1'],
            'as the operands stand')
    c.equal(names('s/deep', './s/deep/b.ktls.yaml', 's/a.ktls.yaml', 's/deep'),
            ['s/deep/b#1', 's/a#1'], 'named twice, run once')
    c.equal(names('./s/deep/'), ['s/deep/b#1'], './ is no part of a name')
    c.equal(names(cwd=os.path.join(d, 's', 'deep')), ['b#1'], 'here')
    os.rename(os.path.join(d, 's'), os.path.join(d, 'scenarios'))
    c.equal(names()[0], 'scenarios/a#1', 'scenarios is the default')
    os.rename(os.path.join(d, 'scenarios'), os.path.join(d, 's'))
    c.equal(names('--filter', 'a,!*ing#1,!mist', 's'), ['s/a#1'], '--filter')
    c.equal(names('--filter', 's/a', '--filter', 'deep', 's'),
            ['s/a#1', 's/deep/b#1'], '--filter twice')
    c.equal(names('--seeds', '3-5', 's/a.ktls.yaml'),
            ['s/a#3', 's/a#4', 's/a#5'], '--seeds')
    c.equal(names('--seeds', '7', 's/a.ktls.yaml'), ['s/a#7'], 'one seed')
    parts = [names('--seeds', '1-20', '--shard', '%d/3' % k, 's')
             for k in (1, 2, 3)]
    all20 = names('--seeds', '1-20', 's')
    c.equal(sorted(sum(parts, [])), sorted(all20), 'shards: all, once')
    c.check(all(len(p) > 10 for p in parts), 'shards: %s' % parts)
    more = names('--seeds', '1-21', '--shard', '2/3', 's')
    c.check(set(parts[1]) <= set(more), 'more cases move no other')
    r = lib.run(sim, ['test', '--list', '--shard', '1/50', 's/a.ktls.yaml'],
                cwd=d)
    c.equal(r.returncode, 0, 'an empty shard is fine')


def words(c, sim, d):
    for args, code, text in [
            (['--jobs', '0'], 2, '--jobs wants 1 to 256, not `0`'),
            (['--shard', '3/2'], 2, 'K from 1 to N'),
            (['--shard', '0/2'], 2, 'K from 1 to N'),
            (['--shard', '2'], 2, 'such as 1/4'),
            (['--seeds', '5-3'], 2, '--seeds wants A-B'),
            (['--timeout', '5'], 2, 'such as 90s'),
            (['--memory', '1MiB'], 2, 'at least 16MiB'),
            (['--bless'], 2, '--golden DIR'),
            (['--tap', '--json', '-'], 2, 'only one of'),
            (['--junit', '-', '--json', '-'], 2, 'only one of'),
            (['--filter', 'zzz', 's'], 2, 'no case matches --filter zzz'),
            (['--seeds', '1-99999999', 's'], 2, 'more than 1000000 cases'),
            (['nix.ktls.yaml'], 3, 'nix.ktls.yaml: No such file'),
            (['s/a.ktls.yaml', 'nix'], 3, 'nix: No such file'),
            (['empty'], 3, 'there is no scenario'),
            (['--rerun-failed', '--out', 'never', 's'], 3,
             'without it all cases'),
            (['--out', 'foreign', 's'], 3, 'not made by ktls-sim'),
            (['--json', 'no/such/dir', 's/a.ktls.yaml'], 3, 'no/such/dir'),
            (['--junit', 'no/j.xml', 's/a.ktls.yaml'], 3, 'no/j.xml: No such'),
            (['--flter', 'x'], 2, 'did you mean `--filter`?')]:
        os.makedirs(os.path.join(d, 'empty'), exist_ok=True)
        os.makedirs(os.path.join(d, 'foreign'), exist_ok=True)
        with open(os.path.join(d, 'foreign', 'x'), 'w') as f:
            f.write('mine')
        r = lib.run(sim, ['test', *args], cwd=d)
        c.equal(r.returncode, code, '%s: %s' % (args, r.stderr))
        c.check(text in r.stderr, '%s: %s' % (args, r.stderr))
        c.equal(r.stdout, '', 'before anything is run')


def documents(c, sim, d):
    r, _ = suite(sim, d, '--tap', '--junit', 'j.xml', '--json', 'r.json', 's')
    lines = r.stdout.splitlines()
    c.equal(lines[:5], ['TAP version 13', '1..5', 'ok 1 - s/a#1',
                        'ok 2 - s/deep/b#1', 'not ok 3 - s/failing#1'], 'TAP')
    c.check(any(re.match('ok 4 - s/live # SKIP a link ends', x)
                for x in lines), 'TAP skips')
    blocks = re.findall(r'^  ---\n(.*?)^  \.\.\.$', r.stdout, re.M | re.S)
    c.equal(len(blocks), 2, 'TAP blocks')
    if yaml is not None:
        b = yaml.safe_load(blocks[0])
        c.equal(b['faults'][0]['found'], '65536 bytes', 'TAP YAML')
        c.check(b['reproduce'].startswith('ktls-sim run'), 'TAP YAML')
    c.check('2 passed, 2 failed, 1 skipped' in r.stderr, 'summary on stderr')
    root = ET.parse(os.path.join(d, 'j.xml')).getroot()
    c.equal([root.tag, root.get('tests'), root.get('failures'),
             root.get('errors'), root.get('skipped')],
            ['testsuites', '5', '1', '1', '1'], 'JUnit')
    c.equal([s.get('name') for s in root], [
        's/a.ktls.yaml', 's/deep/b.ktls.yaml', 's/failing.ktls.yaml',
        's/live.ktls.yaml', 's/mistake.ktls.yaml'], 'testsuites')
    body = root.find('.//failure')
    c.check('receives 66560 body bytes' in body.get('message') and
            'found: 65536' in body.text and
            'to reproduce: ktls-sim run --seed 1 s/failing' in body.text,
            'JUnit failure: ' + body.text)
    c.check('untill' in root.find('.//error').text, 'JUnit error')
    with open(os.path.join(d, 'r.json')) as f:
        c.equal(json.load(f), results(d), '--json is results.json')
    r, res = suite(sim, d, '--json', '-', '--filter', 's/a', 's')
    c.equal(json.loads(r.stdout), res, '--json -')
    r, _ = suite(sim, d, '--junit', '-', '--filter', 's/a', 's')
    c.equal(ET.fromstring(r.stdout).get('tests'), '1', '--junit -')


MATRIX = SMALL.replace('64KiB, cached', '$size, cached').replace(
    'bytes: 64KiB', 'bytes: $size').replace(
    '  - delivered', '  - name: all\n    delivered') + '''
tags: [museum, small]
matrix: {axes: {size: [64KiB, 32KiB], mtu: [1500, 9000]}}
repeat: 2
seed: 5
exhibit:
  id: M99
  title: a reader that sees bytes too early
  defects: kern.sbready-early
  caught_by: BY
'''


def matrix(c, sim, d):
    """Cells, repetitions, planted defects; what has to catch them."""
    put(d, 'm/ok', MATRIX.replace('BY', 'invariant 4').replace(
        'basic}', 'basic, mtu: $mtu}'))
    r, res = suite(sim, d, 'm')
    c.equal([r.returncode, r.stdout], [0, '16 passed, 0 failed, 0 skipped\n'],
            'exhibit: ' + r.stdout + r.stderr)
    names = list(verdicts(res))
    c.check('m/ok[size=64KiB,mtu=1500]#5' in names and
            'm/ok[size=32KiB,mtu=9000]#6' in names and
            'm/ok[size=32KiB,mtu=9000]#5+defect' in names, names)
    bad = next(x for x in res['cases'] if x['name'].endswith('+defect'))
    c.equal([bad['defects'], bad['caught_by'], bad['code'],
             bad['broken'][0]['number'], bad['reproduce']],
            ['kern.sbready-early', 'invariant 4', 4, 4,
             'ktls-sim run --seed 5 --case size=64KiB,mtu=1500 --defect '
             'kern.sbready-early m/ok.ktls.yaml'], 'planted')
    r = lib.run(sim, bad['reproduce'].split()[1:] + ['--out', 'again', '-q'],
                cwd=d)
    c.equal(r.returncode, 4, 'its line: ' + r.stderr)
    for by, why in [('invariant 6', 'caught by invariant 4, not by '
                     'invariant 6'),
                    ('claim all', 'caught by invariant 4, not by claim all')]:
        put(d, 'm/ok', MATRIX.replace('BY', by).replace(
            'basic}', 'basic, mtu: $mtu}').replace('repeat: 2', 'repeat: 1'))
        r, res = suite(sim, d, '--filter', '*defect', 'm')
        c.equal(r.returncode, 1, by)
        c.check(why in r.stdout, by + ': ' + r.stdout)
    for text in ('size=1KiB', 'parameters.mtu=1500'):
        r, res = suite(sim, d, '--set', text, 'm')
        c.equal([r.returncode, verdicts(res)], [2, {'m/ok': 'error'}], text)
        c.check(re.search(
            '--set %s: error: `(size|mtu)` is an axis of the matrix of m/ok.'
            'ktls.yaml, which has all its values; choose cells with --filter '
            % text, r.stdout), r.stdout)

    def names_of(*args):
        return lib.run(sim, ['test', '--list', *args, 'm'],
                       cwd=d).stdout.split()
    c.equal(len(names_of('--seeds', '1-3', '--filter', '!+defect')), 12,
            'four cells, three seeds')
    c.equal(names_of('--filter', 'tag:museum,nothing'), names_of(), 'tags')
    c.equal(names_of('--filter', '!tag:museum'), [], 'not the tag')
    c.equal(names_of('--filter', 'm/ok[size=64KiB,mtu=1500]#5'),
            ['m/ok[size=64KiB,mtu=1500]#5',
             'm/ok[size=64KiB,mtu=1500]#5+defect'], 'a name, pasted')


def bounds(c, sim, d):
    """Time, memory, a signal; --rerun-failed after all of them."""
    put(d, 't/x')
    put(d, 't/y')
    r, res = suite(sim, d, '--timeout', '400ms', *LONG, '--filter', 't/x', 't')
    c.equal([r.returncode, verdicts(res)], [4, {'t/x#1': 'timeout'}], 'timeout')
    c.check(300 < res['cases'][0]['wall_ms'] < 15000, 'killed in time')
    c.check('not done after 400ms: killed (--timeout)' in r.stdout, r.stdout)
    with open(os.path.abspath(sim), 'rb') as f:
        sanitized = b'__asan_init' in f.read()
    if not sanitized:
        r, res = suite(sim, d, '--memory', '48MiB', *LONG, 't/x.ktls.yaml')
        c.equal([r.returncode, verdicts(res)], [3, {'t/x#1': 'missing'}],
                'memory: ' + r.stdout)
        c.check('out of memory: 48MiB are allowed' in r.stdout, r.stdout)
        # Not even its libraries fit.
        r, res = suite(sim, d, '--memory', '20MiB', 't/x.ktls.yaml')
        c.equal([r.returncode, verdicts(res)], [3, {'t/x#1': 'missing'}],
                'memory: ' + r.stdout)
        c.check('out of memory: 20MiB are allowed' in r.stdout, r.stdout)
    p = start(sim, d, '--out', 'out', '--jobs', '1', *LONG, 't')
    first = child_of(p.pid)
    os.kill(first, signal.SIGKILL)
    os.kill(child_of(p.pid, first), signal.SIGKILL)
    out = p.communicate(timeout=60)[0]
    c.equal([p.returncode, verdicts(results(d))],
            [4, {'t/x#1': 'crashed', 't/y#1': 'crashed'}], 'crash: ' + out)
    c.check('ended by signal 9' in out, out)
    c.check("--set 'apps" not in out and '--set apps.get.connections=2000' in
            out, 'the line to reproduce has --set: ' + out)


def interrupted(c, sim, d):
    """What was not run is told, nobody is left, and --rerun-failed goes on."""
    for sig in (signal.SIGINT, signal.SIGTERM):
        p = start(sim, d, '--out', 'out', '--jobs', '1', *LONG, 't')
        kid = child_of(p.pid)
        p.send_signal(sig)
        out, err = p.communicate(timeout=60)
        c.equal(p.returncode, 130, 'interrupted: ' + out + err)
        c.check('--rerun-failed runs' in err, err)
        c.check(not os.path.exists('/proc/%d' % kid), 'nobody is left')
        c.equal(verdicts(results(d)), {'t/x#1': 'skipped', 't/y#1': 'skipped'},
                'not run')
    # Whoever kills it without a word takes its children, too.
    p = start(sim, d, '--out', 'dead', '--jobs', '1', *LONG, 't')
    kid = child_of(p.pid)
    p.kill()
    p.communicate()
    for _ in range(200):
        if not os.path.exists('/proc/%d/exe' % kid):
            break
        subprocess.run(['sleep', '0.02'])
    c.check(not os.path.exists('/proc/%d/exe' % kid), 'orphans')


def rerun(c, sim, d):
    r, res = suite(sim, d, '--rerun-failed', 't')
    c.equal([r.returncode, verdicts(res)],
            [0, {'t/x#1': 'passed', 't/y#1': 'passed'}], 'rerun: ' + r.stdout)
    r, res = suite(sim, d, '--rerun-failed', 't')
    c.check('0 passed, 0 failed, 0 skipped' in r.stdout, 'nothing to rerun')
    c.equal(len(res['cases']), 2, 'what passed before stays in the file')
    bad = put(d, 't/x', SMALL.replace('bytes: 64KiB', 'bytes: 1KiB'))
    r, res = suite(sim, d, 't')
    c.equal(r.returncode, 1, 'x fails: ' + r.stdout)
    put(d, 't/x')
    r, res = suite(sim, d, '--rerun-failed', 't')
    c.check(r.stdout == '1 passed, 0 failed, 0 skipped\n' and
            verdicts(res) == {'t/x#1': 'passed', 't/y#1': 'passed'} and bad,
            'only x: ' + r.stdout)
    put(d, 't/x', SMALL.replace('bytes: 64KiB', 'bytes: 1KiB'))
    suite(sim, d, 't')
    r, res = suite(sim, d, '--rerun-failed', 't/y.ktls.yaml')
    c.equal(r.returncode, 2, 'what failed is not chosen: ' + r.stdout)
    c.check('not among the cases that are chosen here:\n  t/x#1\n' in
            r.stderr, r.stderr)
    c.equal(verdicts(res), {'t/x#1': 'failed', 't/y#1': 'passed'},
            'the results stay')
    put(d, 't/x')


def goldens(c, sim, d):
    args = ['--golden', 'gold', 't/x.ktls.yaml']
    r, res = suite(sim, d, *args)
    c.equal(r.returncode, 1, 'no golden')
    c.check('it has no golden gold/t_x#1-' in r.stdout and '--bless' in
            r.stdout, r.stdout)
    r, _ = suite(sim, d, '--bless', *args)
    c.equal(r.returncode, 0, 'blessed')
    c.check(re.match(r'blessed gold/t_x#1-\w+\.golden: new\n', r.stderr),
            r.stderr)
    r, _ = suite(sim, d, *args)
    c.equal(r.returncode, 0, 'the same: ' + r.stdout)
    put(d, 't/x', SMALL.replace('delay: 20us', 'delay: 30us'))
    r, res = suite(sim, d, *args)
    c.equal(r.returncode, 1, 'moved')
    diff = res['cases'][0]['golden']
    c.check(diff.startswith('moved: events, wire; the same: counters, '
                            'decisions\n--- golden\n+++ now\n@@ '), diff)
    c.check(re.search(r'^-events +[0-9a-f]{32}\n\+?', diff, re.M) and
            '\n+wire' in diff, diff)
    c.check('moved: events, wire' in r.stdout and 'it differs from' in
            r.stdout, r.stdout)
    r, _ = suite(sim, d, '--bless', *args)
    c.check(r.returncode == 0 and 'moved: events, wire' in r.stderr,
            'bless tells what changed: ' + r.stderr)
    r, _ = suite(sim, d, '--bless', *args)
    c.check('blessed' not in r.stderr, 'nothing to bless')
    # What is wrong is not blessed.
    put(d, 't/x', SMALL.replace('bytes: 64KiB', 'bytes: 1KiB'))
    r, _ = suite(sim, d, '--bless', *args)
    c.check(r.returncode == 1 and 'blessed' not in r.stderr, r.stderr)
    put(d, 't/x')


def progress(c, sim, d):
    p = start(sim, d, '--out', 'out', '--timeout', '2500ms', *LONG,
              't/x.ktls.yaml')
    err = p.communicate(timeout=60)[1]
    c.check(re.search(r'^0 of 1 done, 0 failed, after 2 s$', err, re.M),
            'progress: ' + err)


def main():
    c = lib.Checks()
    sim = sys.argv[1]
    with lib.tmpdir() as d:
        make(d)
        for f in (whole, choosing, words, documents, matrix, bounds, interrupted,
                  rerun, goldens, progress):
            f(c, sim, d)
    c.done()


main()
