#!/usr/bin/env python3
"""--dump-at: the state just before and after a link goes down, the same for any
number of threads, and a run that does not notice; the states that a broken
invariant and a panic leave; nothing in them is an address or a key."""
import os
import re
import sys

import lib


def read(out, name):
    with open(os.path.join(out, name)) as f:
        return f.read()


def states(out):
    return sorted(f for f in os.listdir(out) if f.startswith('state-'))


def part(text, begin):
    """The line that begins so, and those that are deeper."""
    lines = text.splitlines()
    at = next(i for i, l in enumerate(lines) if l.strip().startswith(begin))
    depth = len(lines[at]) - len(lines[at].lstrip())
    end = at + 1
    while end < len(lines) and lines[end].startswith(' ' * (depth + 1)):
        end += 1
    return '\n'.join(lines[at:end]) + '\n'


def failover(c, sim, d):
    out = os.path.join(d, 'a')
    times = ['804.9us', '805us', '0.805ms', '830us', '230804us', '9s']
    r, report = lib.run_out(sim, lib.scenario('failover'), out, '--pcap',
                            *[x for t in times for x in ('--dump-at', t)])
    c.equal((r.returncode, r.stderr), (0, ''), 'failover')
    c.equal(states(out), ['state-%sus.txt' % t for t in
                          ('230804', '804.9', '805', '830', '9000000')], 'files')
    before = read(out, 'state-804.9us.txt').split('\nhost client\n')[0]
    at = read(out, 'state-805us.txt').split('\nhost client\n')[0]
    after = read(out, 'state-830us.txt').split('\nhost client\n')[0]
    c.check(before.startswith('failover at 804.9us, seed 1, main part: asked '
                              'for\n\nhost server\n'), before[:200])
    # The timeline's step is the first thing of its instant, the dump the last.
    c.check('interface mce0 index 1 link up' in before, 'before: up')
    c.check('interface mce0 index 1 link down' in at, 'at: down')
    c.check('lagg lagg0 failover active mce0' in before, 'before: mce0')
    c.check('lagg lagg0 failover active mce1, failovers 1' in at, 'at: mce1')
    # A ring in the middle of a burst; without link it is empty at once.
    c.check(re.search(r'bursts \d+ next@\d[^\n]*\n +queue 0: [1-9]\d* of 1024',
                      part(before, 'card mce0')), part(before, 'card mce0'))
    c.check('tls 1 record' in part(before, 'card mce0'), 'records in the ring')
    c.check(re.search(r'queue 0: 0 of 1024 blocks',
                      part(after, 'card mce0')), part(after, 'card mce0'))
    c.check('lost in the ring 0\n' in part(before, 'card mce0'), 'none lost')
    c.check('lost in the ring 0\n' not in part(after, 'card mce0'), 'lost')
    # Nothing comes back: the timer that will find that out is armed.
    c.check('timers rexmt@230803.91216us keep@' in after, 'the timer')
    after = read(out, 'state-230804us.txt').split('\nhost client\n')[0]
    # The session's tag: lagg's around the port's, and then the other port's.
    tag = re.compile(r'\n +tag (\d+) on lagg0 refs \d+, inside (\d+) on (\w+) ')
    b, a = tag.search(before), tag.search(after)
    c.check(b and a, 'tags')
    c.equal((b.group(3), a.group(3)), ('mce0', 'mce1'), 'port of the tag')
    c.check(b.group(1) != a.group(1) and b.group(2) != a.group(2), 'new tags')
    c.check(re.search(r'tls 1 tx conn 2 mode ifnet aes128-gcm-1.3 refs ', after),
            'the session goes on')
    c.check('tag mismatches 1 ' in after and 'tag mismatches 0 ' in before,
            'the packet that found the tag wrong')
    for card, tags in (('mce0', 0), ('mce1', 1)):
        c.check('tags %d (most 1)' % tags in part(after, 'card ' + card),
                part(after, 'card ' + card))
    for text in (before, at, after):
        for point in ('inpcb 10.0.0.1:443 - 10.0.0.2:', 'worker 3: asleep',
                      'file /data.bin: ', 'zone mbuf: ', 'sndptr is mbuf '):
            c.check(point in text, 'there is no ' + point)
    whole = read(out, 'state-830us.txt')
    for point in ('wire server.mce0 - client.em0 link down ',
                  'application web on server: connections 1 open 1',
                  'get#0 body socket ', 'events: ', 'callout: '):
        c.check(point in whole, 'there is no ' + point)
    secrets(c, out, whole)
    unmoved(c, sim, d, out, times)


def secrets(c, out, text):
    """No key of the key log, no pointer."""
    keys = re.findall(r'\b[0-9a-f]{32,}\b', read(out, 'sslkeys.log'))
    c.check(len(keys) >= 4, 'keys to look for')
    for key in keys:
        c.check(key[:16] not in text, 'a key in the state')
    found = [x for x in re.findall(r'0x[0-9a-f]+', text) if len(x) > 10]
    c.equal(found, [], 'numbers that could be addresses')


def unmoved(c, sim, d, out, times):
    plain = os.path.join(d, 'plain')
    r, _ = lib.run_out(sim, lib.scenario('failover'), plain, '--pcap')
    c.equal(r.returncode, 0, r.stderr)
    want = lib.digest(plain)
    got = {k: v for k, v in lib.digest(out).items() if not k.startswith('state-')}
    c.equal(got, want, 'the run with and without looking')
    for threads in ('0', '7'):
        other = os.path.join(d, 'threads')
        r, _ = lib.run_out(sim, lib.scenario('failover'), other, '--pcap',
                           '--threads', threads,
                           *[x for t in times for x in ('--dump-at', t)])
        c.equal(lib.digest(other), lib.digest(out), threads + ' threads')
    # A folder that is used again does not keep what was.
    lib.run_out(sim, lib.scenario('failover'), other)
    c.equal(states(other), [], 'states of the run before')


def misuse(c, sim, d):
    out = os.path.join(d, 'misuse')
    quick = lib.scenario('quickstart')
    for text in ('805', '1 week', ''):
        r = lib.run(sim, ['run', '--out', out, '--dump-at', text, quick])
        c.equal(r.returncode, 2, text)
        c.check('--dump-at wants a time with its unit, such as 805us, not `%s`'
                % text in r.stderr, r.stderr)
    r = lib.run(sim, ['run', '--out', out, '--dump-at', '500us', '--dump-at',
                      '9000s', quick])
    c.equal(r.returncode, 0, r.stderr)
    c.check('\nState\n  %s/state-500us.txt\n' % out in r.stdout, r.stdout)
    c.equal(r.stderr, 'ktls-sim: --dump-at 9000 s: not written, the run was '
            'over before\n', 'too late')


def wrecks(c, sim, d):
    out = os.path.join(d, 'wreck')
    for name, defect, file, points in [
            # Ready, acknowledged, and not sent: what a stall looks like.
            ('quickstart', 'tcp.ready-silent', 'state-broken.txt',
             ['faults off: an invariant broke\n', '    mbuf 0: len ']),
            ('quickstart', 'kern.lost-wakeup', 'state-broken.txt',
             ['  worker ', 'queued: record ']),
            ('failover', 'nic.tag-leak', 'state-broken.txt', ['zone ideal_tag: in use ']),
            ('quickstart', 'kern.sbready-early', 'state-panic.txt',
             ['sbcheck at ', 'zone mbuf: in use ', '\n    so_snd\n']),
            ('quickstart', 'kern.encrypt-file-page', 'state-broken.txt', ['file /data.bin'])]:
        r = lib.run(sim, ['run', '--out', out, '--defect', defect,
                          lib.scenario(name)])
        c.equal(r.returncode, 4, defect + ': ' + r.stderr)
        c.equal(states(out), [file], defect)
        c.check('%s/%s\n' % (out, file) in r.stdout, defect + ' says so')
        text = read(out, file)
        for point in points:
            c.check(point in text, '%s: there is no %s' % (defect, point))
        for list_of in ('  mbuf 0: ', '  worker 0: ', '  file /', '  queue 0: ',
                        '  wire '):
            c.check(file != 'state-panic.txt' or list_of not in text,
                    'after a panic no' + list_of)


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    with lib.tmpdir() as d:
        failover(c, sim, d)
        misuse(c, sim, d)
        wrecks(c, sim, d)
    c.done()


main()
