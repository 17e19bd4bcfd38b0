#!/usr/bin/env python3
"""`ktls-sim merge`: a suite in shards, each in a process of GNU parallel, comes
to what it comes to in one piece; results that contradict each other, or do not
belong together, are told."""
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import lib
from suite_lib import SMALL, put, suite, timeless


def load(d, name):
    with open(os.path.join(d, name)) as f:
        return json.load(f)


def make(d):
    for name in 'abcde':
        put(d, 's/' + name)
    put(d, 's/failing', SMALL.replace('bytes: 64KiB', 'bytes: 65KiB'))
    with open(lib.scenario('live')) as f:
        put(d, 's/live', f.read())


def shards(c, sim, d):
    """docs/testing.md has this line."""
    r, whole = suite(sim, d, '--seeds', '1-2', '--junit', 'whole.xml',
                     '--tap', 's')
    tap = r.stdout
    if shutil.which('parallel') is None:
        lib.skip('no GNU parallel')
    env = dict(os.environ, HOME=d, PATH=os.path.dirname(os.path.abspath(sim)) +
               ':' + os.environ['PATH'])
    r = subprocess.run(
        'parallel --will-cite -j2 ktls-sim test --jobs 1 --quiet '
        '--seeds 1-2 --shard {}/2 --out shard-{} --json shard-{}.json s '
        '::: 1 2', shell=True, cwd=d, env=env, capture_output=True, text=True)
    c.check(0 < r.returncode < 3, 'so many shards have failures: ' + r.stderr)
    parts = [load(d, 'shard-%d.json' % k) for k in (1, 2)]
    c.check(all(len(p['cases']) > 2 for p in parts), 'both have cases')
    c.equal(parts[1]['shards'], [{'k': 2, 'n': 2}], 'says which it is')
    # In the order of the suite, whatever that of the operands.
    for names in (['shard-1.json', 'shard-2.json'],
                  ['shard-2.json', 'shard-1.json']):
        r = lib.run(sim, ['merge', '--junit', 'all.xml', 'all.json', *names],
                    cwd=d)
        c.equal(r.returncode, 1, 'failures make it 1: ' + r.stderr)
        c.equal(r.stderr, '10 passed, 2 failed, 1 skipped\n', 'counts')
        merged = load(d, 'all.json')
        c.equal(merged['shards'],
                [{'k': int(n[6]), 'n': 2} for n in names], 'of these shards')
        merged['shards'] = []
        c.equal(timeless(merged), timeless(whole), 'merged is whole')
    cases = [[t.get('name') for t in ET.parse(os.path.join(d, n)).iter(
        'testcase')] for n in ('all.xml', 'whole.xml')]
    c.equal(cases[0], cases[1], 'JUnit of the merged')
    r = lib.run(sim, ['merge', '--tap', 'all.json', 'shard-1.json',
                      'shard-2.json'], cwd=d)
    c.equal(r.stdout, tap, 'TAP of the merged')
    r = lib.run(sim, ['merge', '-', 'all.json'], cwd=d)
    c.equal(json.loads(r.stdout), load(d, 'all.json'), 'merged once more')
    r = lib.run(sim, ['merge', 'half.json', 'shard-1.json'], cwd=d)
    c.equal(r.returncode, 3, 'a shard is missing')
    c.check('shard 2/2 is not among them' in r.stderr, r.stderr)


def flaky(c, sim, d):
    suite(sim, d, '--json', 'x.json', 's/a.ktls.yaml', 's/b.ktls.yaml')
    good = load(d, 'x.json')
    c.equal(lib.run(sim, ['merge', 'm.json', 'x.json', 'x.json'],
                    cwd=d).returncode, 0, 'twice the same is fine')
    other = json.loads(json.dumps(good))
    other['cases'][0]['fingerprints']['wire'] = '0' * 32
    other['cases'][1].update(verdict='timeout', code=None)
    with open(os.path.join(d, 'y.json'), 'w') as f:
        json.dump(other, f)
    r = lib.run(sim, ['merge', 'm.json', 'x.json', 'y.json'], cwd=d)
    c.equal(r.returncode, 4, 'the worse of both: ' + r.stderr)
    c.check('s/a#1: fingerprints differ: wire\n' in r.stderr and
            's/b#1: passed in one result, timeout in another\n' in r.stderr,
            r.stderr)
    c.equal([x.get('flaky') for x in load(d, 'm.json')['cases']],
            [True, True], 'it is in the file')
    other['cases'] = other['cases'][:1]
    with open(os.path.join(d, 'y.json'), 'w') as f:
        json.dump(other, f)
    r = lib.run(sim, ['merge', 'm.json', 'x.json', 'y.json'], cwd=d)
    c.equal(r.returncode, 1, 'fingerprints alone: ' + r.stderr)


def refused(c, sim, d):
    for name, text in [('text', 'hello'), ('old', '{"ktls_sim_suite": 0}'),
                       ('new', '{"ktls_sim_suite": 2, "cases": []}'),
                       ('report', '{"ktls_sim_result": 1}')]:
        with open(os.path.join(d, name + '.json'), 'w') as f:
            f.write(text)
    for args, code, text in [
            ([], 2, 'name the file to write'),
            (['m.json'], 2, 'and what goes into it'),
            (['m.json', 'nix.json'], 3, 'nix.json: No such file'),
            (['m.json', 'text.json'], 2, 'text.json: line 1:'),
            (['m.json', 'old.json'], 2, 'result format 0, this ktls-sim'),
            (['m.json', 'x.json', 'new.json'], 2,
             'new.json: result format 2, this ktls-sim knows 1: run and '
             'merge with the same version'),
            (['m.json', 'report.json'], 2, 'not a result file'),
            (['--tap', '-', 'x.json'], 2, 'only one document'),
            (['no/m.json', 'x.json'], 3, 'no/m.json: No such file')]:
        r = lib.run(sim, ['merge', *args], cwd=d)
        c.equal(r.returncode, code, '%s: %s' % (args, r.stderr))
        c.check(text in r.stderr, '%s: %s' % (args, r.stderr))


def of_one_suite(c, sim, d):
    """Shards of suites cut differently, and files with holes: refused."""
    suite(sim, d, '--json', 'x.json', 's/a.ktls.yaml', 's/b.ktls.yaml')

    def put_json(name, **over):
        with open(os.path.join(d, name), 'w') as f:
            json.dump({**load(d, 'x.json'), **over}, f)
        return name

    def case(**over):
        return [{**load(d, 'x.json')['cases'][0], **over}]
    one = put_json('1-3.json', shards=[{'k': 1, 'n': 3}])
    prints = case()[0]['fingerprints']
    for name, over, text in [
            ('2-4.json', {'shards': [{'k': 2, 'n': 4}]},
             '2-4.json: shard 2/4 does not go with 1/3: all must be of one '),
            ('mix.json', {'shards': [{'k': 1, 'n': 3}, {'k': 2, 'n': 4}]},
             'mix.json: shard 2 is none: k is 1 to n, and n that of the'),
            ('word.json', {'shards': 'x'}, 'word.json: `shards` is no list'),
            ('zero.json', {'shards': [{'k': 0, 'n': 0}]}, 'shard 1 is none'),
            ('big.json', {'shards': [{'k': 4, 'n': 3}]}, 'shard 1 is none'),
            ('twice.json', {'cases': case() * 2},
             'twice.json: s/a#1: the case is there twice'),
            ('some.json', {'cases': case(fingerprints={
                'wire': prints['wire']})}, 'has not all layers'),
            ('odd.json', {'cases': case(fingerprints='x')},
             's/a#1: `fingerprints` has not all layers'),
            ('hex.json', {'cases': case(fingerprints={
                **prints, 'wire': 'x' * 32})}, 'has not all layers')]:
        r = lib.run(sim, ['merge', 'm.json', one, put_json(name, **over)],
                    cwd=d)
        c.equal(r.returncode, 2, '%s: %s' % (name, r.stderr))
        c.check(text in r.stderr, '%s: %s' % (name, r.stderr))
    # A crash has no fingerprints: that contradicts nothing.
    bare = case()[0]
    del bare['fingerprints']
    r = lib.run(sim, ['merge', 'm.json', 'x.json',
                      put_json('bare.json', cases=[bare])], cwd=d)
    c.equal(r.returncode, 0, 'without fingerprints: ' + r.stderr)
    before = load(d, one)
    r = lib.run(sim, ['merge', one, put_json('2-3.json', shards=[
        {'k': 2, 'n': 3}])], cwd=d)
    c.equal(r.returncode, 2, 'OUT forgotten: ' + r.stderr)
    c.check('1-3.json is the result of a shard and would be overwritten' in
            r.stderr, r.stderr)
    c.equal(load(d, one), before, 'the shard is still there')


def main():
    c = lib.Checks()
    sim = sys.argv[1]
    with lib.tmpdir() as d:
        make(d)
        flaky(c, sim, d)
        refused(c, sim, d)
        of_one_suite(c, sim, d)
        shards(c, sim, d)
    c.done()


main()
