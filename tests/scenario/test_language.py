#!/usr/bin/env python3
"""What makes one scenario of several texts, and several runs of one scenario:
includes, defaults, parameters, the matrix, `only`; and that scenario.yaml in
the output folder says it all by itself."""
import os
import re
import sys

import lib

MAIN = '''ktls_sim: 1
name: probe
description: "costs $$card and $5"
include: parts/wires.inc
parameters: {size: 64KiB}
matrix:
  axes:
    card: [cx6dx, t6, basic]
    version: ["1.2", "1.3"]
  exclude: [{card: t6, version: "1.3"}]
defaults:
  host: {cpus: 2, sysctl: {kern.ipc.tls.enable: 1, kern.ipc.tls.ifnet.permitted: 1}}
  nic: {mtu: 4000}
  link: {rate: 25Gbit/s, delay: 7us}
  app: {requests: 2, backlog: 16, tls: {version: $version, rx: kernel}}
hosts:
  server:
    nics: {mce0: {model: $card}}
    addresses: {mce0: 10.0.0.1/24}
    files: {/data.bin: {size: $size}}
expect:
  - {name: nic, mode: {app: web, is: ifnet}, only: {card: [cx6dx, t6]}}
  - {name: soft, mode: {app: web, is: sw}, only: {card: basic}}
'''
WIRES = '''include: hosts.inc
links: [{ends: [server.mce0, client.em0], delay: 9us}]
expect:
  - {name: all, delivered: {app: get, bytes: 128KiB}}
'''
HOSTS = '''hosts:
  server: {cpus: 8, disk_latency: 1ms}
  client: {nics: {em0: {model: basic, mtu: 1500}}, addresses: {em0: 10.0.0.2/24}}
apps:
  web: {type: https-server, host: server}
  get: {type: https-client, host: client, server: web, path: /data.bin}
'''


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(text)


def read(path):
    with open(path) as f:
        return f.read()


def claims(report):
    return [(x['name'], x['met']) for x in report['expectations']]


def cells(c, sim, d, file):
    """What run makes of the cells, and which items are there in each."""
    r, report = lib.run_out(sim, file, os.path.join(d, 'first'))
    c.equal(r.returncode, 0, r.stderr)
    c.equal(claims(report), [('all', True), ('nic', True)], 'the included claim comes first')
    c.equal([x.get('file') for x in report['expectations']], ['parts/wires.inc', None], 'files')
    r, report = lib.run_out(sim, file, os.path.join(d, 'basic'), '--case', 'card=basic,version=1.3')
    c.equal(r.returncode, 0, r.stderr)
    c.equal(claims(report), [('all', True), ('soft', True)], 'only')
    c.equal(report['connections'][0]['tls'], 'TLS 1.3', 'version')
    r = lib.run(sim, ['run', '--out', os.path.join(d, 'x'), '--case', 'card=t7', file])
    c.check(r.returncode == 2 and '`$card` is `t7`' in r.stderr, r.stderr)
    r = lib.run(sim, ['run', '--out', os.path.join(d, 'x'), '--case', 'size=1KiB', file])
    c.check(r.returncode == 2 and '--case: `size=1KiB` is no value of an axis' in r.stderr, r.stderr)
    for case, text in [
            ('version=1.1', '--case: `1.1` is no value of the axis `version`, which has 1.2, 1.3\n'),
            ('version', 'write key=value'),
            ('version=1.2,version=1.3', '--case: the axis `version` is there twice'),
            ('card=t6,version=1.3', 'probe.ktls.yaml:10:13: error: the cell that is to be run is left out here')]:
        # The scenario has no TLS 1.1: the axis is told, not that.
        r = lib.run(sim, ['run', '--out', os.path.join(d, 'x'), '--case', case, file.replace('probe', 'loose')
                          if '1.1' in case else file])
        c.check(r.returncode == 2 and text in r.stderr, '%s: %s' % (case, r.stderr))
    first = os.path.join(d, 'first.ktls.yaml')
    write(first, MAIN.replace('{card: t6, version: "1.3"}', '{card: cx6dx}'))
    r = lib.run(sim, ['run', '--out', os.path.join(d, 'x'), first])
    c.check(r.returncode == 2 and 'is left out here; `ktls-sim test --list' in r.stderr, r.stderr)
    r = lib.run(sim, ['run', '--quiet', '--out', os.path.join(d, 'x'), '--case', 'card=basic', first])
    c.equal(r.returncode, 0, 'another cell: ' + r.stderr)
    r = lib.run(sim, ['run', '--out', os.path.join(d, 'x'), file])
    c.check('this is the cell of the first values' in r.stderr, r.stderr)
    r = lib.run(sim, ['check', file])
    c.equal(r.stdout, file + ': ok, 5 cases\n', r.stderr)


def processed(c, sim, d, file):
    """scenario.yaml of a run gives the same run, without the other files."""
    out = os.path.join(d, 'set')
    r, report = lib.run_out(sim, file, out, '--set', 'size=3MiB', '--set', 'expect[0].delivered.bytes=6MiB',
                            '--case', 'card=basic,version=1.2')
    c.equal(r.returncode, 0, r.stderr)
    c.check('--set' in read(os.path.join(out, 'scenario.yaml')), 'it says what was set')
    alone = os.path.join(d, 'alone', 'again.ktls.yaml')
    write(alone, read(os.path.join(out, 'scenario.yaml')))
    again = os.path.join(d, 'again')
    r, other = lib.run_out(sim, alone, again)
    c.equal(r.returncode, 0, r.stderr)
    first, second = lib.digest(out), lib.digest(again)
    for name in ('wire.pcapng', 'sslkeys.log'):
        c.equal(first.get(name), second.get(name), name)
    text = read(os.path.join(again, 'scenario.yaml'))
    c.check('$' in text and 'costs $' in text, 'the dollar is kept: ' + text[:200])
    for gone in ('include', 'matrix', 'defaults', 'parameters'):
        c.check(not re.search('^%s:' % gone, text, re.M), gone + ' is written out')
    # What was processed once is itself, when it is processed again.
    write(alone, text)
    lib.run_out(sim, alone, again, '--set', 'seed=1')
    last = read(os.path.join(again, 'scenario.yaml'))
    body = [x for x in last.splitlines() if not x.startswith('#')]
    wanted = [x for x in text.splitlines() if not x.startswith('#')]
    c.equal([x for x in body if x != 'seed: 1'], wanted, 'twice')


def seeds(c, sim, d, file):
    """The seed of --seed is in it: nothing has to be remembered."""
    for name, f, options in [('raw', lib.scenario('quickstart'), []), ('made', file, ['--case', 'card=basic'])]:
        out, again = os.path.join(d, name), os.path.join(d, name + '-again')
        r, report = lib.run_out(sim, f, out, '--seed', '9', *options)
        text = read(os.path.join(out, 'scenario.yaml'))
        c.check(re.search('^seed: 9$', text, re.M) and '# run with --seed 9\n' in text, text[:300])
        alone = os.path.join(d, name + '.ktls.yaml')
        write(alone, text)
        r, other = lib.run_out(sim, alone, again)
        c.equal([other['seed'], other['fingerprints']], [9, report['fingerprints']], name + ': the same run')
    # Who says the seed that is there anyway gets the file as it stands.
    out = os.path.join(d, 'same')
    lib.run_out(sim, lib.scenario('quickstart'), out, '--seed', '1')
    c.equal(read(os.path.join(out, 'scenario.yaml')), read(lib.scenario('quickstart')), 'the file itself')


def who_wins(c, sim, d, file):
    """The scenario over the include over the defaults; --set over all."""
    out = os.path.join(d, 'wins')
    lib.run_out(sim, file, out)
    text = read(os.path.join(out, 'scenario.yaml'))
    server = text[text.index('  server:'):text.index('  client:')]
    c.check('cpus: 8' in server, 'the include wins over defaults: ' + server)
    c.check('mtu: 4000' in server, 'a default of cards: ' + server)
    client = text[text.index('  client:'):]
    c.check('cpus: 2' in client and 'mtu: 1500' in client, client)
    c.check('delay: 9us' in text and 'delay: 7us' not in text and 'rate: 25Gbit/s' in text, text)
    web, get = text.split('\n  web:')[1].split('\n  get:')
    c.check('backlog: 16' in web and 'requests' not in web, 'what is of a server: ' + web)
    c.check('requests: 2' in get and 'backlog' not in get, 'what is of a client: ' + get)
    c.check('rx: kernel' in web and 'rx: kernel' in get, 'maps in maps')


def from_nowhere(c, sim, d):
    """Standard input has no folder; a symbolic link does not lead out."""
    r = lib.run(sim, ['check', '-'], input=MAIN)
    c.check(r.returncode == 2 and 'a scenario that is not read from a file cannot `include`' in r.stderr, r.stderr)
    os.symlink('/etc', os.path.join(d, 'etc'))
    file = os.path.join(d, 'link.ktls.yaml')
    write(file, 'ktls_sim: 1\nname: x\ninclude: etc/hosts\nhosts: {a: {}}\n')
    r = lib.run(sim, ['check', file])
    c.check(r.returncode == 2 and "is not below the scenario's folder" in r.stderr, r.stderr)
    os.mkfifo(os.path.join(d, 'fifo.inc.yaml'))  # nobody writes: it must not be waited for
    write(file, 'ktls_sim: 1\nname: x\ninclude: fifo.inc.yaml\nhosts: {a: {}}\n')
    r = lib.run(sim, ['check', file])
    c.check(r.returncode == 2 and '`fifo.inc.yaml` cannot be included: a pipe or a device, not a file' in r.stderr, r.stderr)


def main():
    c = lib.Checks()
    sim = sys.argv[1]
    with lib.tmpdir() as d:
        file = os.path.join(d, 'probe.ktls.yaml')
        write(file, MAIN)
        write(os.path.join(d, 'loose.ktls.yaml'), MAIN.replace('version: $version, ', ''))
        write(os.path.join(d, 'parts', 'wires.inc'), WIRES)
        write(os.path.join(d, 'parts', 'hosts.inc'), HOSTS)
        cells(c, sim, d, file)
        processed(c, sim, d, file)
        seeds(c, sim, d, file)
        who_wins(c, sim, d, file)
        from_nowhere(c, sim, d)
    c.done()


main()
