#!/usr/bin/env python3
"""However a run ends, its exit code is the documented one and its capture can
be read: interrupted, disk full, a failed expectation, a refused folder."""
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import lib

BIG = ('connections: 64', 'connections: 2000')


def frames(path):
    """Frames that tshark reads; -1 when it calls the file damaged."""
    if not shutil.which('capinfos'):
        return None
    r = subprocess.run(['capinfos', '-c', '-M', '-T', '-r', path],
                       capture_output=True, text=True)
    if r.returncode != 0:
        return -1
    return int(r.stdout.split()[-1])


def interrupted(c, sim, d):
    for sig in (signal.SIGINT, signal.SIGHUP):
        interrupted_by(c, sim, d, sig)


def interrupted_by(c, sim, d, sig):
    f = lib.edited('many-lossy', d, BIG)
    out = os.path.join(d, sig.name)
    p = subprocess.Popen([sim, 'run', '--out', out, f], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    cap = os.path.join(out, 'wire.pcapng')
    for _ in range(600):            # until it has something to lose
        if os.path.exists(cap) and os.path.getsize(cap) > 500000:
            break
        time.sleep(0.05)
    p.send_signal(sig)
    _, err = p.communicate(timeout=120)
    c.equal(p.returncode, 130, 'interrupted: ' + err)
    c.check('to reproduce: ' in err.splitlines()[-1], 'interrupted: last line')
    n = frames(cap)
    c.check(n is None or n > 100, 'interrupted: %r frames' % n)
    c.check(os.path.exists(os.path.join(out, 'report.txt')), 'report is there')


def disk_full(c, sim, d):
    out = os.path.join(d, 'full')
    limit = 300 * 1024

    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    r = lib.run(sim, ['run', '--out', out, lib.scenario('quickstart')],
                preexec_fn=small)
    c.equal(r.returncode, 3, 'disk full: ' + r.stderr)
    c.check('wire.pcapng' in r.stderr, 'disk full: the file is named')
    n = frames(os.path.join(out, 'wire.pcapng'))
    c.check(n is None or n > 10, 'disk full: capture has %r frames' % n)


def claim_fails(c, sim, d):
    f = lib.edited('quickstart', d, ('bytes: 8MiB', 'bytes: 9MiB'))
    r = lib.run(sim, ['run', '--out', os.path.join(d, 'claim'), f])
    c.equal(r.returncode, 1, 'claim: ' + r.stderr)
    c.check('FAILED get receives 9437184 body bytes: found 8388608 bytes'
            in r.stdout, 'claim: text')
    c.check(r.stderr.splitlines()[-1].startswith(
        'to reproduce: ktls-sim run '), 'claim: last line')


SYSCTL = '      kern.ipc.tls.ifnet.permitted: 1\n'


def refused(c, sim, d):
    """What only building the world can refuse: exit 2 with the place, also
    when other hosts were to be built after it."""
    for change, text in [
            ((SYSCTL, '      kern.ipc.tls.maxlen: 5\n'), 'maxlen` refuses 5'),
            ((SYSCTL, '      net.inet.tcp.persmax: 0\n'),
             'persmax` refuses 0'),
            ((SYSCTL, '      net.inet.tcp.msl: 18446744073709551615\n'),
             'msl` refuses 18446744073709551615'),
            ((SYSCTL, '      net.inet.tcp.initcwnd_segments: 0\n'),
             'initcwnd_segments` refuses 0'),
            (('ports: [mce0, mce1]', 'ports: [mce0, mce0]'), 'lagg port'),
            (('lagg0: 10.0.0.1/24', 'lagg0: [10.0.0.1/24, 10.0.0.1/24]'),
             'address'),
            (('do: link_down, on: server.mce0', 'do: sysctl, on: server, '
              'name: kern.ipc.tls.enabel, value: 1'),
             'there is no sysctl `kern.ipc.tls.enabel`')]:
        f = lib.edited('failover', d, change)
        r = lib.run(sim, ['run', '--out', os.path.join(d, 'refused'), f])
        c.equal(r.returncode, 2, 'refused: %s: %s' % (text, r.stderr))
        c.check(text in r.stderr and ': error: ' in r.stderr,
                'refused: ' + r.stderr)


def slow_is_no_stall(c, sim, d):
    """`until` long before the end: what goes on slowly does not stall, and
    what was to start later does not either."""
    for changes in [(('rate: 100Gbit/s, delay: 20us', 'rate: 1Mbit/s'),
                     ('until: 10s', 'until: 1s')),
                    (('delay: 20us', 'delay: 10s'), ('until: 10s', 'until: 1s')),
                    (('    path: /data.bin\n',
                      '    path: /data.bin\n    start: 80000s\n'),)]:
        f = lib.edited('quickstart', d, *changes)
        r = lib.run(sim, ['run', '--out', os.path.join(d, 'slow'), f])
        c.equal(r.returncode, 1, 'slow %r: %s' % (changes, r.stderr))
        c.check('BROKEN' not in r.stdout, 'slow %r: held' % (changes,))


def both_families(c, sim, d):
    """One server, a client by IPv4 and one by IPv6."""
    f = lib.edited('quickstart', d, (' 10.0.0.1/24', ' [10.0.0.1/24, fd00::1/64]'),
                   (' 10.0.0.2/24', ' [10.0.0.2/24, fd00::2/64]'),
                   ('apps:\n', """apps:
  get6:
    type: https-client
    host: client
    server: web
    family: ipv6
    path: /data.bin
    tls: {version: "1.3", suite: aes128-gcm, tx: openssl, rx: openssl}
"""), ('expect:\n', 'expect:\n  - delivered: {app: get6, bytes: 8MiB}\n'))
    r = lib.run(sim, ['run', '--out', os.path.join(d, 'both'), f])
    c.equal(r.returncode, 0, 'both families: ' + r.stdout + r.stderr)


def folder_refused(c, sim, d):
    out = os.path.join(d, 'mine')
    os.mkdir(out)
    with open(os.path.join(out, 'thesis.txt'), 'w') as f:
        f.write('do not lose this')
    r = lib.run(sim, ['run', '--out', out, lib.scenario('quickstart')])
    c.equal(r.returncode, 3, 'folder: ' + r.stderr)
    c.equal(os.listdir(out), ['thesis.txt'], 'folder: untouched')


def usage(c, sim, d):
    for args, text in [
            (['run'], 'name exactly one scenario file'),
            (['run', '--seed', 'x', 'f'], '--seed wants a whole number'),
            (['run', '--threads', '65', 'f'], '--threads wants 0 to 64'),
            (['run', '--defect', 'no', 'f'], 'there is no defect `no`'),
            (['run', '--nope', 'f'], 'unknown option'),
            (['list', 'x'], 'say what to list'),
            (['dance'], 'there is no command `dance`')]:
        r = lib.run(sim, args)
        c.equal(r.returncode, 2, ' '.join(args))
        c.check(text in r.stderr, '%s: %s' % (args, r.stderr))
    # A file that is not there is missing, whatever is wrong with others.
    wrong = os.path.join(d, 'wrong.ktls.yaml')
    with open(wrong, 'w') as f:
        f.write('ktls_sim: 1\nnmae: x\n')
    absent = os.path.join(d, 'absent.ktls.yaml')
    for args in (['run', absent], ['check', absent], ['check', absent, wrong],
                 ['check', wrong, absent]):
        r = lib.run(sim, args)
        c.equal(r.returncode, 3, ' '.join(args))
        c.check('No such file' in r.stderr, '%s: %s' % (args, r.stderr))


def seed_is_repeated(c, sim, d):
    f = lib.edited('quickstart', d, ('bytes: 8MiB', 'bytes: 9MiB'))
    r = lib.run(sim, ['run', '--out', os.path.join(d, 'seed'), '--seed', '77', f])
    c.check('--seed 77' in r.stderr.splitlines()[-1], 'seed in the last line')


def half_open(c, sim, d):
    """The server gives up and its reset is lost: what only a keepalive would
    tell the client hours later is no stall of anything."""
    f = lib.edited('quickstart', d, ('expect:', '''timeline:
  - {at: 1ms, do: link_suspend, on: server.mce0}
  - {at: 2000s, do: link_resume, on: server.mce0}
expect:'''), ('until: 10s', 'until: 2100s'))
    r, report = lib.run_out(sim, f, os.path.join(d, 'half'))
    c.equal(r.returncode, 1, 'half open: ' + r.stderr)
    c.equal([i['broken'] for i in report['invariants']], [0] * 7, 'invariants')
    c.check(any('retransmitted too often' in str(x) for x in report['facts']),
            'the server gave up')


def small_buffer(c, sim, d):
    """A kernel receiver whose buffer holds a record and little more: the window
    never shuts within a record, not with jumbo frames either."""
    for mtu in ('1500', '9000'):
        f = lib.edited('kernel-receive', d,
                       ('mce0: {model: basic}', 'mce0: {mtu: %s}' % mtu),
                       ('em0: {model: basic}', 'em0: {mtu: %s}' % mtu),
                       ('    path: /data.bin', '    path: /data.bin\n'
                        '    rcvbuf: 8KiB'))
        r, report = lib.run_out(sim, f, os.path.join(d, 'small' + mtu))
        c.equal(r.returncode, 0, 'MTU %s: %s' % (mtu, r.stderr))
        c.check('net.inet.tcp.stats.persisttimeo' not in
                report['counters']['server'], 'MTU %s: probes' % mtu)


def main():
    c = lib.Checks()
    for part in (usage, claim_fails, seed_is_repeated, refused,
                 slow_is_no_stall, both_families, folder_refused, disk_full,
                 interrupted, half_open, small_buffer):
        with lib.tmpdir() as d:
            part(c, sys.argv[1], d)
    c.done()


main()
