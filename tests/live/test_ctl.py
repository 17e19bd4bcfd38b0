#!/usr/bin/env python3
"""The control socket while something is being fetched: links, sysctls, modes,
status; orders that are refused and lines that make no sense leave the session
as it was."""
import json
import os
import signal
import stat
import sys

import lib
import live


def during_a_download(c, s, d):
    path = os.path.join(d, 'slow')
    # Slow enough not to be over: the orders come in between.
    p = s.start(['curl', '-sSkf', '-m', live.CURL_MAX, '--limit-rate', '6M',
                 '-o', path, 'https://10.77.0.1/large.bin'])
    s.wait_for(lambda: any(n['sent'] > 300000
                           for n in s.status()['connections']))
    n, = s.status()['connections']
    c.equal((n['name'], n['tx_mode'], n['rx_mode']), ('web#0', 'sw', 'sw'),
            'status of a connection')
    c.check(n['cwnd'] > 0 and n['srtt_ps'] > 0 and
            n['peer'].startswith('10.77.0.2:'), 'status: %r' % n)
    c.equal(s.ctl('sysctl', 'server', 'kern.ipc.tls.ifnet.permitted',
                  '1').stdout, 'ok\n', 'sysctl')
    c.equal(s.ctl('sysctl', 'server', 'kern.ipc.tls.ifnet.permitted').stdout,
            'kern.ipc.tls.ifnet.permitted: 1\n', 'sysctl read')
    cc = 'net.inet.tcp.cc.algorithm'
    c.equal(s.ctl('sysctl', 'server', cc, 'newreno').stdout, 'ok\n', cc)
    c.equal(s.ctl('sysctl', 'server', cc).stdout, cc + ': newreno\n', cc)
    c.equal(s.ctl('switch_tls', 'web', 'ifnet').stdout, 'ok\n', 'switch')
    s.wait_for(lambda: s.status()['connections'][0]['tx_mode'] == 'ifnet')
    c.equal(s.ctl('link', 'down', 'mce0').stdout, 'ok\n', 'link down')
    c.check(s.status()['links'][0]['up'] is False, 'the link is down')
    c.check(' down frames ' in s.ctl('status').stdout, 'status in words')
    c.equal(s.ctl('link', 'up', 'tap:ktls0').stdout, 'ok\n', 'link up')
    c.equal(s.ctl('switch_tls', 'web', 'sw', '0').stdout, 'ok\n', 'and back')
    c.equal(s.ctl('card', 'mce0', 'reset').stdout, 'ok\n', 'card reset')
    c.equal(s.ctl('do', 'card', 'on=server.mce0', 'order=stall',
                  'for=20ms').stdout, 'ok\n', 'card stall')
    c.equal(s.ctl('sysctl', 'server', 'dev.mce0.resets').stdout,
            'dev.mce0.resets: 1\n', 'resets')
    c.equal(s.ctl('loss', 'mce0', '0.1%').stdout, 'ok\n', 'loss')
    c.equal(s.ctl('do', 'loss', 'on=server.mce0', 'loss=0%').stdout, 'ok\n',
            'do')
    # ifconfig(8) and route(8), under the download.
    c.equal(s.ctl('ifconfig', 'server.mce0', '-tso', '-lro', 'mtu', '1400').stdout, 'ok\n',
            'ifconfig')
    shown = s.ctl('ifconfig', 'server.mce0').stdout
    c.check('mtu 1400' in shown and 'TSO4' not in shown and 'status: active' in shown,
            'ifconfig shows it: ' + shown)
    c.equal(s.ctl('ifconfig', 'server.mce0', 'tso', 'lro', 'mtu', '1500').stdout, 'ok\n', 'back')
    c.check('mce0: flags=' in s.ctl('ifconfig', 'server').stdout, 'all of a host')
    c.equal(s.ctl('route', 'server', 'add', '10.99.0.0/16', '-interface', 'mce0').stdout, 'ok\n',
            'route')
    c.equal(s.ctl('route', 'server', 'delete', '10.99.0.0/16').stdout, 'ok\n', 'route away')
    _, err = p.communicate(timeout=live.PATIENCE)
    c.equal((p.returncode, live.sha(path)),
            (0, live.file_sha('/large.bin', 32 << 20)), 'the download: ' + err)


def refused(c, s):
    for words, text in (
            (['link', 'down', 'mce7'], 'no host has a card `mce7`'),
            (['link', 'sideways', 'mce0'], 'write: link down|up PORT'),
            (['loss', 'mce0', '101%'], 'out of bounds'),
            (['loss', 'mce0', '1'], 'is not a percentage'),
            (['sysctl', 'srever', 'x', '1'], 'did you mean `server`?'),
            (['sysctl', 'server', 'kern.ipc.tls.enabel', '1'],
             'did you mean `kern.ipc.tls.enable`?'),
            (['sysctl', 'server', 'no.such'], 'there is no sysctl'),
            (['sysctl', 'server', 'net.inet.tcp.cc.algorithm', 'vegas'],
             'is one of `newreno`, `cubic`, not `vegas`'),
            (['sysctl', 'server', 'net.inet.tcp.persmax', '0'], 'refuses 0'),
            (['sysctl', 'server', 'kern.ipc.tls.stats.threads', '1'],
             'read-only'),
            (['switch_tls', 'web', 'ifnet', '77'], 'no open connection'),
            (['switch_tls', 'web', 'toe'], 'is none of'),
            (['do', 'loss', 'on=server.mce0', 'los=1%'],
             'did you mean `loss`?'),
            (['do', 'loss', 'on=server.mce0}', '{'], 'error'),
            (['do', 'do=stop'], 'is none of'),
            (['card', 'mce0', 'stall'], 'wants `for`, a time'),
            (['card', 'mce0', 'stall', '3'], 'wants `for`, a time'),
            (['card', 'mce0', 'keys', '3'], 'which knows no order keys'),
            (['ifconfig', 'server.mce0', 'mtu', '9999'], 'SIOCSIFMTU: EINVAL'),
            (['ifconfig', 'server.mce0', 'txtls', 'rxtls'], 'SIOCSIFCAP: EINVAL'),
            (['ifconfig', 'server.mce0', 'frob'], 'did you mean `lro`?'),
            (['ifconfig', 'server.mce9', 'up'], 'has no interface `mce9`'),
            (['ifconfig', 'server.mce9'], 'there is no interface or host'),
            (['ifconfig'], 'write: ifconfig'),
            (['route', 'server', 'delete', '10.98.0.0/16'], 'route delete: ESRCH'),
            (['route', 'server', 'lose'], 'begin with add, delete or change'),
            (['statsu'], 'did you mean `status`?'),
            (['x' * 5000], 'a line has up to'),
            (['link', 'down', '{}'], 'strange character')):
        r = s.ctl(*words)
        c.equal((r.returncode, r.stdout), (2, ''), ' '.join(words)[:60])
        c.check(text in r.stderr and r.stderr.count('\n') == 1,
                '%s: %s' % (words, r.stderr))
    c.check('switch_tls' in s.ctl('help').stdout, 'help')


def raw(c, s):
    """Half a line, several at once, no line at all, somebody who leaves."""
    a = live.connect(s.control)
    a.sendall(b'stat')
    b = live.connect(s.control)
    b.sendall(b'help\nsysctl server kern.ipc.tls.enable\n\nlink down\n')
    f = b.makefile()
    lines = []
    while lines.count('ok\n') + sum(x[:6] == 'error:' for x in lines) < 4:
        lines.append(f.readline())
    c.equal([x for x in lines if x[0] != ' '],
            ['ok\n', 'ok\n', 'error: an empty line; `help` shows what there is\n',
             'error: write: link down|up PORT\n'], 'several lines')
    gone = live.connect(s.control)
    gone.sendall(b'status\n' * 50)
    gone.close()
    long = live.connect(s.control)
    long.sendall(b'y' * 100000)
    c.check(long.recv(100).startswith(b'error: a line has up to'), 'long line')
    long.close()
    a.sendall(b'us --json\n')
    first = a.makefile().readline()
    c.check('links' in json.loads(first), 'a line in two pieces: ' + first)
    mode = stat.S_IMODE(os.stat(s.control).st_mode)
    c.equal(mode, 0o600, 'mode of the socket')


def main():
    sim = sys.argv[1]
    live.need()
    c = lib.Checks()
    with lib.tmpdir() as d:
        with live.Session(sim, live.scenario(d), d) as s:
            during_a_download(c, s, d)
            refused(c, s)
            raw(c, s)
            # Another session may not write into the same folder.
            r = lib.run(sim, ['live', '--out', s.out, live.scenario(d)])
            c.equal(r.returncode, 3, 'the folder is taken: ' + r.stderr)
            c.equal(s.ctl('stop').stdout, 'ok\n', 'stop')
            r = live.ended_well(c, s, 'stopped', 0)
            c.check(any('link down' in f['texts'] for f in r['facts']),
                    'the report tells of orders')
            c.equal(s.ctl('status').returncode, 3, 'nobody listens any more')
    c.done()


main()
