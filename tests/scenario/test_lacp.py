#!/usr/bin/env python3
"""LACP: what stock tshark makes of its frames in a capture, when the lagg sends
and when it does not, between a host and a switch, two hosts, two switches."""
import os
import re
import sys

import lib

WORLD = '''ktls_sim: 1
name: lacp-%(name)s
seed: 1
until: 120s
hosts:
  server:
    sysctl: {kern.ipc.tls.enable: 1, kern.ipc.tls.ifnet.permitted: 1,
             kern.ipc.tls.ifnet_max_rexmit_pct: 100}
    nics: {mce0: {model: cx6dx}, mce1: {model: cx6dx}}
    laggs: {lagg0: {ports: [mce0, mce1], use_flowid: true, flowid_shift: 0, %(server)s}}
    addresses: {lagg0: 10.0.0.1/24}
    files: {/f: {size: 1MiB}}
  client:
    nics: {em0: {}, em1: {}}
    laggs: {lagg0: {ports: [em0, em1], %(client)s}}
    addresses: {lagg0: 10.0.0.2/24}
%(switches)slinks:
%(links)sapps:
  web: {type: https-server, host: server,
        tls: {version: "1.3", suite: aes128-gcm, tx: kernel}}
  get: {type: https-client, host: client, server: web, path: /f, start: 9s,
        connections: 8, tls: {version: "1.3", suite: aes128-gcm, tx: openssl}}
timeline:
  - {at: 8500ms, do: %(break)s, on: first}
expect:
  - delivered: {app: get, bytes: 8MiB}
  - mode: {app: web, dir: tx, is: ifnet}
'''
LINK = '  - {%s, ends: [%s], rate: 1Gbit/s, delay: 5us}\n'
DIRECT = LINK % ('name: first', 'server.mce0, client.em0') + \
    LINK % ('name: second', 'server.mce1, client.em1')
TO_SWITCH = LINK % ('name: first', 'server.mce0, lan.1') + \
    LINK % ('name: second', 'server.mce1, lan.2') + \
    LINK % ('name: third', 'client.em0, lan.3') + \
    LINK % ('name: fourth', 'client.em1, lan.4')
LAN = 'switches: {lan: {ports: 4, laggs: {po1: {ports: [1, 2]%s}, po2: {ports: [3, 4]%s}}}}\n'
TRUNK = ('switches:\n'
         '  left: {ports: 4, laggs: {po1: {ports: [1, 2]}, up: {ports: [3, 4]}}}\n'
         '  right: {ports: 4, laggs: {po1: {ports: [1, 2]}, up: {ports: [3, 4]}}}\n')
TRUNKED = LINK % ('name: second', 'server.mce0, left.1') + \
    LINK % ('name: third', 'server.mce1, left.2') + \
    LINK % ('name: fourth', 'client.em0, right.1') + \
    LINK % ('name: fifth', 'client.em1, right.2') + \
    LINK % ('name: first', 'left.3, right.3') + \
    LINK % ('name: sixth', 'left.4, right.4')
LACP = 'proto: lacp'
FAST = 'proto: lacp, lacp_fast_timeout: true'
BALANCE = 'proto: loadbalance'


def world(c, sim, d, name, server, client, switches, links, how='link_down'):
    f = os.path.join(d, name + '.ktls.yaml')
    with open(f, 'w') as g:
        g.write(WORLD % {'name': name, 'server': server, 'client': client,
                         'switches': switches, 'links': links, 'break': how})
    out = os.path.join(d, name)
    r, _ = lib.run_out(sim, f, out, '--trace', '--trace-format', 'text')
    c.equal(r.returncode, 0, name + ': ' + r.stderr)
    with open(os.path.join(out, 'trace.txt')) as g:
        return g.read()


def new_address(c, sim, d):
    """Who loses its first port has the second one's address, and begins LACP
    anew: those on the link hear of it when it sends again, not before."""
    step = '{at: 8500ms, do: %(break)s, on: first}'
    if step not in WORLD:
        sys.exit('WORLD has another step')
    f = os.path.join(d, 'address.ktls.yaml')
    with open(f, 'w') as g:
        text = WORLD.replace(step, '{at: 8500ms, do: ifconfig, on: server.lagg0, '
                             'args: "-laggport mce0"}\n  - ' + step)
        text = text.replace('  - mode:', '  # mode:')
        g.write(text.replace('start: 9s', 'start: 8490ms') %
                {'name': 'address', 'break': 'link_down', 'server': LACP, 'client': LACP,
                 'switches': LAN % ('', ''), 'links': TO_SWITCH})
    out = os.path.join(d, 'address')
    r, report = lib.run_out(sim, f, out, '--trace', '--trace-format', 'text')
    c.equal(r.returncode, 0, 'another address: ' + r.stderr)
    with open(os.path.join(out, 'trace.txt')) as g:
        trace = g.read()
    begun, ended = resumed(trace, 'lagg0')
    c.check(any(t > 12 for t in ended), 'LACP began anew: %s' % ended)


DEAF = """ktls_sim: 1
name: deaf
seed: %(seed)d
until: %(until)s
hosts:
  server:
    nics: {p0: {}, p1: {}}
    laggs: {lagg0: {ports: [p0, p1], proto: %(proto)s}}
    addresses: {lagg0: 10.0.0.1/24}
    files: {/f: {size: %(size)s}}
  client:
%(net)s
apps:
  web: {type: https-server, host: server}
  get: {type: https-client, host: client, server: web, path: /f, start: %(start)s, connections: %(n)d}
timeline:
  - {at: %(at)s, do: ifconfig, on: %(on)s, args: "%(args)s"}
expect:
  - counter: {host: client, name: net.inet.tcp.stats.connattempt, is: %(n)d}
"""


DEAF_PAIR = """    nics: {p0: {}, p1: {}}
    laggs: {lagg0: {ports: [p0, p1]}}
    addresses: {lagg0: 10.0.0.2/24}
links:
  - {ends: [server.p0, client.p0], rate: 1Gbit/s, delay: 20us}
  - {ends: [server.p1, client.p1], rate: 1Gbit/s, delay: 20us}"""
DEAF_LAN = """    nics: {p0: {}}
    addresses: {p0: 10.0.0.2/24}
switches: {lan: {ports: 3, laggs: {po1: {ports: [1, 2]}}}}
links:
  - {ends: [server.p0, lan.1], rate: 1Gbit/s, delay: 20us}
  - {ends: [server.p1, lan.2], rate: 1Gbit/s, delay: 20us}
  - {ends: [client.p0, lan.3], rate: 1Gbit/s, delay: 20us}"""


def deaf(c, sim, d):
    """A command takes a port whose link stays. Without LACP its partner sends to
    it for ever, with LACP until the PDUs are missed: 90 s. Connections may end
    with ETIMEDOUT before that, which is no stall of the simulator's."""
    both = 0
    for kw in (dict(proto='lacp', start='8s', at='8000100us', on='server.lagg0', until='12s',
                    args='-laggport p1', n=8, size='1MiB', net=DEAF_LAN),
               dict(proto='failover', start='0s', at='500us', on='server.p0', until='1s',
                    args='down', n=1, size='64KiB', net=DEAF_PAIR),
               dict(proto='failover', start='0s', at='500us', on='server.lagg0', until='1s',
                    args='-laggport p0', n=1, size='64KiB', net=DEAF_PAIR)):
        f = os.path.join(d, 'deaf.ktls.yaml')
        with open(f, 'w') as g:
            g.write(DEAF % dict(kw, seed=1))
        out = os.path.join(d, 'deaf')
        r, report = lib.run_out(sim, f, out, '--trace=tcp_drop', '--trace-format', 'text')
        c.equal(r.returncode, 0, '%s: %s' % (kw['args'], r.stderr))
        with open(os.path.join(out, 'trace.txt')) as g:
            both += 'error=ETIMEDOUT' in g.read()
    c.check(both > 0, 'none of them timed out: the test tests nothing')


def resumed(trace, lagg):
    """When the lagg's pauses began and ended, seconds."""
    at = {'suppressed': [], 'resumed': []}
    for m in re.finditer(r'^(\S+) \S+ lacp_state ifp=%s machine=distribution '
                         r'state=(\w+)' % lagg, trace, re.M):
        at[m[2]].append(float(m[1]))
    return at['suppressed'], at['resumed']


def the_scenario(c, sim, d):
    out = os.path.join(d, 'scenario')
    r, _ = lib.run_out(sim, lib.scenario('lacp'), out, '--trace',
                       '--trace-format', 'text')
    c.equal(r.returncode, 0, r.stderr)
    with open(os.path.join(out, 'trace.txt')) as f:
        trace = f.read()
    begun, ended = resumed(trace, 'lagg0')
    # Two ports come, the first one goes, and is back.
    c.equal([int(t * 10) for t in begun], [60, 70, 85, 150], 'pauses')
    c.equal(len(ended), 4, 'ends of pauses')
    length = [e - b for b, e in zip(begun, ended)]
    c.check(length[0] < 0.001 and length[1] < 0.001, 'without load: %s' % length)
    c.equal(round(length[2], 6), 1.0, 'without an answer')
    c.check(0.001 < length[3] < 0.5, 'behind a queue: %s' % length)
    # Within them nothing left by the lagg but LACP's own.
    drops = re.findall(r'^(\S+) server lagg_drop .* error=ENOBUFS', trace, re.M)
    c.check(len(drops) > 20, '%d drops' % len(drops))
    c.check(all(any(b <= float(t) <= e for b, e in zip(begun, ended))
                for t in drops), 'drops outside the pauses')
    capture = os.path.join(out, 'wire.pcapng')
    r = lib.run(sim, ['dump', capture])
    c.check('lacp actor 02:00:00:00:01:01 port 1 key 97 ' in r.stdout and
            'marker request, port 1' in r.stdout and
            'marker response, port 2' in r.stdout, 'dump does not name them')
    if lib.tshark(capture, '-c', '1') is None:
        return
    bad = lib.tshark(capture, '-Y', 'slow && (_ws.malformed || '
                     '_ws.expert.severity >= warning)')
    c.equal(bad, '', 'tshark complains')
    frames = lib.tshark(capture, '-Y', 'lacp', '-T', 'fields',
                        '-e', 'frame.interface_name', '-e', 'lacp.actor.sysid',
                        '-e', 'lacp.actor.port', '-e', 'lacp.actor.state')
    frames = [line.split('\t') for line in frames.splitlines()]
    c.equal({f[0] + ' ' + f[2] for f in frames},
            {'server:mce0 1', 'server:mce1 2', 'lan.a 1', 'lan.b 2'}, 'who')
    c.equal(len({f[1] for f in frames}), 2, 'systems')
    # In sync and collecting, both ends of both links.
    c.equal({f[0] for f in frames if int(f[3], 16) & 0x1c == 0x1c},
            {'server:mce0', 'server:mce1', 'lan.a', 'lan.b'}, 'collecting')
    kinds = lib.tshark(capture, '-Y', 'marker', '-T', 'fields',
                       '-e', 'marker.tlvType', '-e', 'frame.interface_name')
    kinds = {re.sub(',.*\t', ' ', k) for k in kinds.splitlines()}
    c.equal(kinds, {'0x%02x %s' % (t, n) for t in (1, 2) for n in
                    ('server:mce0', 'server:mce1', 'lan.a', 'lan.b')}, 'markers')


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    with lib.tmpdir() as d:
        the_scenario(c, sim, d)
        new_address(c, sim, d)
        deaf(c, sim, d)
        # Two hosts: the pause is FreeBSD's second at both ends.
        trace = world(c, sim, d, 'hosts', LACP, LACP, '', DIRECT)
        begun, ended = resumed(trace, 'lagg0')
        c.equal(begun.count(8.5), 2, 'both notice')
        c.equal(ended.count(9.5), 2, 'a second, both')
        # A switch in between, and two that are joined by two cables.
        world(c, sim, d, 'switch', LACP, LACP, LAN % ('', ''), TO_SWITCH)
        trace = world(c, sim, d, 'trunk', LACP, LACP, TRUNK, TRUNKED)
        begun, ended = resumed(trace, 'left.up')
        c.equal(begun.count(8.5), 1, 'left.up notices')
        c.check(any(8.5 < t < 8.501 for t in ended), 'who knows of the link '
                'asks only the others: %s' % ended)
        # Static: nobody speaks; the MAC address stays where it is.
        trace = world(c, sim, d, 'static', BALANCE, BALANCE,
                      LAN % (', proto: static', ', proto: static'), TO_SWITCH)
        c.check('machine=mux' not in trace, 'a static lagg speaks')
        # Nothing gets through and the link stays: who asks for a PDU every
        # second knows after three.
        quick = ', lacp_fast_timeout: true'
        trace = world(c, sim, d, 'silent', FAST, FAST,
                      LAN % (quick, quick), TO_SWITCH, 'link_suspend')
        m = re.search(r'^(\S+) server lacp_state ifp=mce0 machine=rx '
                      r'state=EXPIRED reason="no PDU', trace, re.M)
        c.check(m and 10 <= float(m[1]) <= 12, 'silence noticed: %s' %
                (m and m[1]))
    c.done()


main()
