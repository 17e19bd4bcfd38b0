#!/usr/bin/env python3
"""How a session does not begin, and how it ends: refusals that name what is
missing, exit codes, captures that can be read whatever happened."""
import json
import os
import shutil
import signal
import subprocess
import sys

import lib
import live


def refused(c, sim, d):
    f = live.scenario(d)
    out = os.path.join(d, 'refused')
    r = lib.run(sim, ['run', '--out', out, f])
    c.equal(r.returncode, 2, 'run of a live scenario')
    c.check('`ktls-sim live` runs this scenario' in r.stderr and
            not os.path.exists(out), r.stderr)
    r = lib.run(sim, ['live', '--out', out, lib.scenario('quickstart')])
    c.equal(r.returncode, 2, 'live without a device')
    c.check('`ktls-sim run` runs it' in r.stderr, r.stderr)
    c.equal(lib.run(sim, ['check', f]).returncode, 0, 'check of a live one')
    for end, text in (('veth:nosuch0', 'ip link add nosuch0 type veth'),
                      ('tap:lo', 'no TAP device')):
        r = lib.run(sim, ['live', '--out', out, '--set',
                          'links[0].ends[1]=' + end, f], timeout=60)
        c.equal(r.returncode, 3, end + ': ' + r.stderr)
        c.check(text in r.stderr and 'Traceback' not in r.stderr, r.stderr)
    r = lib.run(sim, ['live', '--out', out, '--netns', 'no-such-space', f])
    c.equal(r.returncode, 3, 'namespace: ' + r.stderr)
    c.check('ip netns add no-such-space' in r.stderr, r.stderr)
    r = lib.run(sim, ['live', '--out', os.path.join(out, 'x' * 120), f])
    c.equal(r.returncode, 3, 'socket name: ' + r.stderr)
    c.check('shorter --out' in r.stderr, r.stderr)


def no_rights(c, sim, d):
    """As nobody: a copy of the program where nobody can read it."""
    if not shutil.which('setpriv'):
        return
    os.chmod(d, 0o755)
    box = os.path.join(d, 'box')
    os.mkdir(box)
    os.chmod(box, 0o777)
    mine = os.path.join(box, 'ktls-sim')
    shutil.copy(sim, mine)
    f = shutil.copy(live.scenario(d), box)
    r = subprocess.run(['setpriv', '--reuid=65534', '--regid=65534',
                        '--clear-groups', mine, 'live', '--out',
                        os.path.join(box, 'out'), f], capture_output=True,
                       text=True, env={**os.environ, 'HOME': box})
    c.equal(r.returncode, 3, 'as nobody: ' + r.stderr)
    c.check('run as root' in r.stderr, 'as nobody: ' + r.stderr)


def interrupted(c, sim, d):
    """In the middle of a download: an orderly end, and the capture decrypts."""
    with live.Session(sim, live.scenario(d), d) as s:
        p = s.start(['curl', '-sSk', '--limit-rate', '6M', '-o', '/dev/null',
                     'https://10.77.0.1/large.bin'])
        s.wait_for(lambda: any(n['sent'] > 300000
                               for n in s.status()['connections']))
        r = live.ended_well(c, s, 'interrupted')
        _, err = p.communicate(timeout=live.PATIENCE)
        c.check(p.returncode != 0, 'curl is cut off')
        c.check('eset' in err, 'curl hears a reset: ' + err)
        n, = r['connections']
        c.check(n['done'] is False and n['sent_bytes'] > 300000, repr(n))
        if shutil.which('tshark'):
            code, lines = live.decrypted(s)
            c.equal((code, lines[:1]), (0, ['tap:ktls0 GET']), 'capture')


def exit_codes(c, sim, d):
    claims = """
expect:
  - counter: {host: server, name: net.inet.tcp.stats.accepts, min: 1}
"""
    f = live.scenario(d, ('apps:\n', claims.lstrip() + '\napps:\n'))
    with live.Session(sim, f, d) as s:
        c.equal(s.end(signal.SIGTERM), 1, 'a claim failed: ' + s.said())
        c.check('to try again: ktls-sim live ' in s.said(), s.said())
    with live.Session(sim, f, d) as s:
        s.curl('https://10.77.0.1/hello.txt')
        live.ended_well(c, s, 'claim met')
    with live.Session(sim, f, d, '--until', '1500ms', '--verbose',
                      '--perfetto') as s:
        s.curl('https://10.77.0.1/hello.txt')
        c.equal(s.p.wait(timeout=live.PATIENCE), 0, 'until: ' + s.said())
        c.equal(s.report()['end_ps'], 1500 * 10 ** 9, 'until')
        c.check(' app=web ' in s.said(), '--verbose tells of the server')
        with open(os.path.join(s.out, 'trace.perfetto.json')) as p:
            c.check(len(json.load(p)['traceEvents']) > 10, '--perfetto')
    with live.Session(sim, f, d, '--defect', 'nic.skip-encrypt', '--set',
                      'hosts.server.sysctl.kern.ipc.tls.ifnet.permitted=1') \
            as s:
        s.curl('-m', '5', 'https://10.77.0.1/small.bin', '-o', '/dev/null')
        c.equal(s.end(), 4, 'plaintext on the wire: ' + s.said()[-500:])
        c.check('BROKEN 2. no plaintext' in s.said(), 'it is told')
    with live.Session(sim, f, d) as s:
        s.ip('link', 'del', 'ktls0')
        c.equal(s.p.wait(timeout=live.PATIENCE), 3, 'the device vanished')
        c.check('the device is gone' in s.said(), s.said()[-500:])
        c.check(not os.path.exists(s.control), 'the socket is removed')


def twice(c, sim, d):
    """A second SIGINT does not wait for anything."""
    with live.Session(sim, live.scenario(d), d) as s:
        s.p.send_signal(signal.SIGSTOP)     # so that both are there at once
        s.p.send_signal(signal.SIGINT)
        s.p.send_signal(signal.SIGTERM)
        s.p.send_signal(signal.SIGCONT)
        c.equal(s.p.wait(timeout=live.PATIENCE), 130, 'twice: ' + s.said())
        c.check('interrupted' in s.said(), s.said()[-300:])


def main():
    sim = sys.argv[1]
    live.need()
    c = lib.Checks()
    for part in (refused, no_rights, interrupted, exit_codes, twice):
        with lib.tmpdir() as d:
            part(c, sim, d)
    c.done()


main()
