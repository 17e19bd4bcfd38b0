#!/usr/bin/env python3
"""ifconfig and route as steps: what they do to connections, what the kernel
refuses and how that is told, and how interfaces look at an instant."""
import json
import os
import sys

import lib

WORLD = """ktls_sim: 1
name: ifconfig
seed: 1
until: 60s
hosts:
  server:
    sysctl:
      kern.ipc.tls.enable: 1
      kern.ipc.tls.ifnet.permitted: 1
      kern.ipc.tls.ifnet_max_rexmit_pct: 100
    nics: {mce0: {model: %(model)s}, mce1: {model: %(model2)s}, mce2: {model: basic}}
%(server)s
    files: {/f: {size: 8MiB, cached: true}}
  client:
%(client)s
%(links)s
apps:
  web: {type: https-server, host: server,
        tls: {version: "1.2", suite: aes128-gcm, tx: kernel, rx: openssl}}
  get: {type: https-client, host: client, server: web, path: /f, connections: %(n)d,
        tls: {version: "1.2", suite: aes128-gcm, tx: openssl, rx: openssl}}
timeline:
%(steps)s"""
LINKS = """links:
  - {ends: [server.mce0, client.em0], rate: 10Gbit/s, delay: 50us}
  - {ends: [server.mce1, client.em1], rate: 10Gbit/s, delay: 50us}
  - {ends: [server.mce2, client.em2], rate: 10Gbit/s, delay: 50us}"""
LAGG = {'links': LINKS, 'server': """    laggs: {lagg0: {ports: [mce0, mce1]}}
    addresses: {lagg0: 10.0.0.1/24}""",
        'client': """    nics: {em0: {model: basic}, em1: {model: basic}, em2: {model: basic}}
    laggs: {lagg0: {ports: [em0, em1]}}
    addresses: {lagg0: 10.0.0.2/24}"""}
# All of the server's cards are in one network; the first address has its route.
# FreeBSD answers ARP only by the interface that has the address.
TWO = {'links': """switches: {lan: {ports: [1, 2, 3, 4]}}
links:
  - {ends: [server.mce0, lan.1], rate: 10Gbit/s, delay: 20us}
  - {ends: [server.mce1, lan.2], rate: 10Gbit/s, delay: 20us}
  - {ends: [server.mce2, lan.3], rate: 10Gbit/s, delay: 20us}
  - {ends: [client.em0, lan.4], rate: 10Gbit/s, delay: 20us}""",
       'server': '    addresses: {mce0: 10.0.0.1/24, mce1: 10.0.0.3/24, mce2: 10.0.0.4/24}',
       'client': '    nics: {em0: {model: basic}}\n    addresses: {em0: 10.0.0.2/24}'}


def run(c, sim, d, net, steps, expect='', n=1, model='ideal', model2=None,
        rc=0, args=()):
    f = os.path.join(d, 'ifconfig.ktls.yaml')
    text = WORLD % dict(net, n=n, model=model, model2=model2 or model,
                        steps=''.join('  - {%s}\n' % s for s in steps))
    with open(f, 'w') as g:
        g.write(text + 'expect:\n' + (expect or '  - delivered: {app: get, bytes: %dMiB}\n'
                                      % (n * 8)))
    out = os.path.join(d, 'out')
    r, report = lib.run_out(sim, f, out, *args)
    c.equal(r.returncode, rc, '%s: %s%s' % (steps, r.stdout[-2000:], r.stderr))
    with open(os.path.join(out, 'report.txt')) as g:
        r.report = g.read()
    return report, r


def refusals(report):
    return sorted((f['texts'][1], f['error'], f['count']) for f in report['facts']
                  if f['point'] == 'app_error' and f['texts'][0] == 'timeline')


def step(at, what, on, args):
    return 'at: %s, do: %s, on: %s, args: "%s"' % (at, what, on, args)


def ctr(report, host, name):
    return report['counters'][host].get(name, 0)


def connection_moves(c, sim, d):
    """A route, an address, an interface: each moves the connection to another
    card, with the consequences of a failover."""
    move = [step('6ms', 'ifconfig', 'server.mce0', 'inet 10.0.0.1/24 -alias'),
            step('6ms', 'ifconfig', 'server.mce1', 'inet 10.0.0.1/24 alias')]
    ways = {
        'route': [step('4ms', 'route', 'server', 'change 10.0.0.0/24 -interface mce1')],
        'address': move,
        # What it has sent by the other card is not heard of before it moves.
        'down': [step('4ms', 'ifconfig', 'server.mce0', 'down')] + move,
    }
    for way, steps in ways.items():
        report, r = run(c, sim, d, TWO, steps)
        c.equal(ctr(report, 'server', 'kern.ipc.tls.ifnet.reset'), 1, way + ': resets')
        c.equal(ctr(report, 'server', 'kern.ipc.tls.ifnet.reset_failed'), 0, way)
        for card in ('mce0', 'mce1'):
            c.equal(ctr(report, 'server', 'dev.%s.tls_tags_taken' % card), 1,
                    '%s: tags of %s' % (way, card))
        c.check('send tag is of another interface (EAGAIN)' in r.report,
                way + ': the check of IP')
        c.equal(refusals(report), [], way)
    # A vlan that moves to another card has that card's address, and says so.
    vlan = dict(TWO, server="""    vlans: {vlan7: {vlan: 7, vlandev: mce0}}
    addresses: {vlan7: 10.0.0.1/24}""", client="""    nics: {em0: {model: basic}}
    vlans: {vlan7: {vlan: 7, vlandev: em0}}
    addresses: {vlan7: 10.0.0.2/24}""")
    report, r = run(c, sim, d, vlan, [
        'at: 0s, do: ifconfig, on: server.mce1, args: "up"',
        step('4ms', 'ifconfig', 'server.vlan7', '-vlandev vlan 7 vlandev mce1')])
    c.equal(ctr(report, 'server', 'kern.ipc.tls.ifnet.reset'), 1, 'vlan: resets')
    # A vlan on a lagg's port has the lagg's address, and the card's own when the
    # port leaves.
    vlan['server'] = """    laggs: {lagg0: {ports: [mce0, mce1]}}
    vlans: {vlan7: {vlan: 7, vlandev: mce2}}
    addresses: {vlan7: 10.0.0.1/24, lagg0: 10.1.0.1/24}"""
    report, r = run(c, sim, d, vlan, [
        step('0s', 'ifconfig', 'server.vlan7', '-vlandev vlan 7 vlandev mce1'),
        step('0s', 'ifconfig', 'server.lagg0', '-laggport mce1')],
                    args=('--show', 'ifconfig:server.vlan7@1ms'))
    c.check('ether 02:00:00:00:01:02' in r.stdout, 'address of the vlan: ' + r.stdout)
    # To a card without TLS: the reset finds none, the connection ends.
    steps = [step('4ms', 'route', 'server', 'change 10.0.0.0/24 -interface mce2')]
    report, r = run(c, sim, d, TWO, steps, '  - error: {app: get, is: ECONNRESET}\n', model2='basic')
    c.equal(ctr(report, 'server', 'kern.ipc.tls.ifnet.reset_failed'), 1, 'reset failed')
    c.equal(ctr(report, 'server', 'kern.ipc.tls.ifnet.reset_dropped'), 1, 'reset dropped')


def capabilities(c, sim, d):
    """-txtls4 of a lagg is pushed to the ports; tags that are there stay, new
    ones are refused; -mextpg keeps plaintext in."""
    report, r = run(c, sim, d, LAGG, [step('1ms', 'ifconfig', 'server.lagg0', '-txtls4')],
                    '  - delivered: {app: get, bytes: 8MiB}\n  - mode: {app: web, is: ifnet}\n',
                    args=('--show', 'ifconfig:server@2ms'))
    c.equal(r.stdout.count('TXTLS4'), 0, 'TXTLS4 of lagg and ports')
    c.equal(r.stdout.count('TXTLS6'), 3, 'TXTLS6 of lagg and ports')
    report, r = run(c, sim, d, LAGG, [step('0s', 'ifconfig', 'server.lagg0', '-txtls')],
                    '  - mode: {app: web, is: sw}\n')
    c.check('does not offer transmit TLS (EOPNOTSUPP)' in r.report, 'why software')
    # Off and a failover: the reset is refused.
    report, r = run(c, sim, d, LAGG, [step('2ms', 'ifconfig', 'server.lagg0', '-txtls4'),
                                      'at: 3ms, do: link_down, on: server.mce0'],
                    '  - error: {app: get, is: ECONNRESET}\n')
    # No unmapped mbufs: plaintext is refused, counted, and the connection ends.
    report, r = run(c, sim, d, LAGG, [step('3ms', 'ifconfig', 'server.lagg0', '-mextpg')],
                    '  - error: {app: get, is: ECONNRESET}\n'
                    '  - counter: {host: server, name: net.inet.ip.stats.tls_refused, min: 1}\n')
    # TSO and LRO off and on: nothing but the number of packets changes.
    report, r = run(c, sim, d, LAGG, [step('2ms', 'ifconfig', 'server.lagg0', '-tso -lro'),
                                      step('6ms', 'ifconfig', 'server.lagg0', 'tso4 tso6 lro')])
    c.equal(refusals(report), [], 'tso and lro')


def ports(c, sim, d):
    """Ports leave and join a lagg under load."""
    steps = [step('3ms', 'ifconfig', 'server.lagg0', '-laggport mce0'),
             'at: 3ms, do: link_down, on: server.mce0',
             step('400ms', 'ifconfig', 'server.lagg0', 'laggport mce0')]
    report, r = run(c, sim, d, LAGG, steps, n=5, args=('--show', 'ifconfig:server.lagg0@4ms',
                                                      '--show', 'ifconfig:server.lagg0@401ms'))
    c.equal(ctr(report, 'server', 'kern.ipc.tls.ifnet.reset'), 5, 'each takes a new tag')
    show = r.stdout.split('ifconfig-server.lagg0')
    c.check('mce0' not in show[1] and 'laggport: mce1 flags=5<MASTER,ACTIVE>' in show[1],
            'the second port is the primary: ' + show[1])
    c.check('laggport: mce0 flags=0<>' in show[2] and 'laggport: mce1 flags=5<MASTER,ACTIVE>'
            in show[2], 'who comes back is not the primary: ' + show[2])
    # The lagg has the new primary's address from then on.
    c.check('ether 02:00:00:00:01:02' in show[1], 'the address: ' + show[1])
    # A port without TLS takes TLS from the lagg, and from the other ports.
    report, r = run(c, sim, d, LAGG, [step('3ms', 'ifconfig', 'server.lagg0', 'laggport mce2')],
                    '  - mode: {app: web, is: ifnet}\n',
                    args=('--show', 'ifconfig:server@4ms', '--show', 'ifconfig:server@2ms'))
    before, after = r.stdout.split('ifconfig-server')[1:3]
    c.equal((before.count('TXTLS4'), after.count('TXTLS4')), (3, 0), 'TLS is gone everywhere')
    # Another protocol without tags: the next reset ends the connection.
    report, r = run(c, sim, d, LAGG, [step('3ms', 'ifconfig', 'server.lagg0', 'laggproto roundrobin')],
                    '  - error: {app: get, is: ECONNRESET}\n')
    c.equal(ctr(report, 'server', 'kern.ipc.tls.ifnet.reset_dropped'), 1, 'dropped')
    # Broadcast has no tags either, but the port of the old one goes on sending
    # with it: each copy of a packet has a reference of its own.
    for model in ('ideal', 'cx6dx'):
        steps = [step('3ms', 'ifconfig', 'server.lagg0', 'laggproto broadcast')]
        report, r = run(c, sim, d, LAGG, steps, model=model)
        c.equal(ctr(report, 'server', 'kern.ipc.tls.ifnet.reset'), 0, model + ': broadcast, resets')
        c.check('send tag is not of the active port' in r.report, model + ': the other port refuses')
    # Until that port goes.
    report, r = run(c, sim, d, LAGG, steps + ['at: 4ms, do: link_down, on: server.mce0'],
                    '  - error: {app: get, is: ECONNRESET}\n')
    c.equal(ctr(report, 'server', 'kern.ipc.tls.ifnet.reset_dropped'), 1, 'broadcast, dropped')


REFUSED = [('server.lagg0', 'laggport mce0', 'SIOCSLAGGPORT', 'EEXIST'),
           ('server.lagg1', 'laggport mce0', 'SIOCSLAGGPORT', 'EBUSY'),
           ('server.lagg0', '-laggport mce2', 'SIOCSLAGGDELPORT', 'ENOENT'),
           ('server.mce0', 'mtu 1400', 'SIOCSIFMTU', 'EINVAL'),
           ('server.lagg0', 'mtu 71', 'SIOCSIFMTU', 'EINVAL'),
           ('server.lagg0', 'mtu 9217', 'SIOCSIFMTU', 'EINVAL'),
           ('server.lagg0', 'flowid_shift 32', 'SIOCSLAGGOPTS', 'EINVAL'),
           ('server.lagg0', 'rr_limit 0', 'SIOCSLAGGOPTS', 'EINVAL'),
           ('server.lagg0', 'rxtls4', 'SIOCSIFCAP', 'EINVAL'),
           ('server.mce2', 'txtls', 'SIOCSIFCAP', 'EINVAL'),
           ('server.vlan7', 'vlan 4095 vlandev lagg0', 'SIOCSETVLAN', 'EINVAL'),
           ('server.vlan7', 'vlan 8 vlandev lagg0', 'SIOCSETVLAN', 'EEXIST'),
           ('server.vlan7', 'vlandev mce2 vlan 7', 'SIOCSETVLAN', 'EBUSY'),
           ('server.vlan8', 'mtu 1501', 'SIOCSIFMTU', 'EINVAL'),
           ('server.lagg0', 'inet 10.0.0.9/24 -alias', 'SIOCDIFADDR', 'EADDRNOTAVAIL'),
           ('server.lagg0', 'inet 10.0.0.1/24 alias', 'SIOCAIFADDR', 'EEXIST')]
ROUTES = [('delete 10.5.0.0/16', 'route delete', 'ESRCH'),
          ('change 10.5.0.0/16 -interface mce2', 'route change', 'ESRCH'),
          ('add 10.0.0.0/24 -interface mce2', 'route add', 'EEXIST'),
          ('add 10.5.0.0/16 10.77.0.1', 'route add', 'ENETUNREACH')]


def refused(c, sim, d):
    net = dict(LAGG, server="""    laggs: {lagg0: {ports: [mce0, mce1]}, lagg1: {ports: [mce2]}}
    vlans: {vlan7: {vlan: 7, vlandev: lagg0}, vlan8: {vlan: 8, vlandev: lagg0}}
    addresses: {lagg0: 10.0.0.1/24}""")
    net['server'] = net['server'].replace('lagg1: {ports: [mce2]}', 'lagg1: {ports: [mce3]}')
    steps = [step('1ms', 'ifconfig', on, args) for on, args, _, _ in REFUSED]
    steps += [step('1ms', 'route', 'server', args) for args, _, _ in ROUTES]
    global WORLD
    net['links'] += '\n  - {ends: [server.mce3, client.em3], rate: 10Gbit/s, delay: 50us}'
    net['client'] = net['client'].replace('em0: {', 'em3: {model: basic}, em0: {')
    keep, WORLD = WORLD, WORLD.replace('mce2: {model: basic}}',
                                       'mce2: {model: basic}, mce3: {model: basic}}')
    report, r = run(c, sim, d, net, steps)
    WORLD = keep
    want = {}
    for call, err in [x[2:] for x in REFUSED] + [x[1:] for x in ROUTES]:
        want[call, err] = want.get((call, err), 0) + 1
    c.equal(refusals(report), sorted((a, b, n) for (a, b), n in want.items()), 'refusals')


def mtu(c, sim, d):
    """The lagg's MTU is that of its ports and of new connections. What is there
    keeps its segments, as in FreeBSD, until a packet is too large: bursts that the
    card cuts never are."""
    report, r = run(c, sim, d, LAGG, [step('0s', 'ifconfig', 'server.lagg0', 'mtu 900')],
                    args=('--show', 'ifconfig:server@3ms'))
    c.equal(r.stdout.count('mtu 900\n'), 3, 'lagg and ports')
    c.equal(refusals(report), [], 'mtu')
    wire = os.path.join(d, 'out', 'wire.pcapng')
    big = lib.tshark(wire, '-Y', 'ip.src == 10.0.0.1 && frame.len > 914', '-T', 'fields', '-e',
                     'frame.number')
    c.equal(big.strip(), '', 'larger frames')
    mss = lib.tshark(wire, '-Y', 'tcp.flags.syn == 1 && ip.src == 10.0.0.1', '-T', 'fields',
                     '-e', 'tcp.options.mss_val')
    c.equal(mss.strip(), '860', 'the MSS')
    run(c, sim, d, LAGG, [step('2ms', 'ifconfig', 'server.lagg0', 'mtu 900')])
    run(c, sim, d, LAGG, [step('1ms', 'ifconfig', 'server.lagg0', '-tso'),
                          step('2ms', 'ifconfig', 'server.lagg0', 'mtu 900')])
    big = lib.tshark(wire, '-Y', 'frame.time_relative > 0.003 && ip.src == 10.0.0.1 && '
                     'frame.len > 914', '-T', 'fields', '-e', 'frame.number')
    c.equal(big.strip(), '', 'larger frames without TSO')


def no_way(c, sim, d):
    """Commands after which nothing gets through: nobody panics, no invariant is said
    to be broken, and the report tells of each packet and of the silence."""
    waits = '  - counter: {host: client, name: net.inet.tcp.stats.connects, is: 1}\n'

    def dead(net, steps, reason, **kw):
        report, r = run(c, sim, d, net, steps, waits, **kw)
        c.check(reason in r.report, '%s: %s in the report' % (steps, reason))
        gap = report['connections'][0]['story']['receiver']
        c.check(gap['gap_ps'] > 50e12 and gap['gap_ps'] + gap['gap_from_ps'] == 60e12,
                '%s: the gap is the silence until the end: %s' % (steps, gap))
        c.check(', when it still waited' in r.report, '%s: and is said to be' % steps)

    vlan = dict(LAGG, server="""    laggs: {lagg0: {ports: [mce0, mce1]}}
    vlans: {vlan7: {vlan: 7, vlandev: lagg0}}
    addresses: {vlan7: 10.0.0.1/24}""",
                client=LAGG['client'].replace('addresses: {lagg0', 'vlans: {vlan7: {vlan: 7, '
                                              'vlandev: lagg0}}\n    addresses: {vlan7'))
    # An MTU that a vlan may have (cards want more) without room for TCP's least
    # segment. Bursts that the card cuts go on, and are as large as they were.
    for size in (72, 100):
        dead(vlan, [step('1ms', 'ifconfig', 'server.vlan7', '-tso'),
                    step('2ms', 'ifconfig', 'server.vlan7', 'mtu %d' % size)], 'EMSGSIZE')
        run(c, sim, d, vlan, [step('0s', 'ifconfig', 'server.vlan7', 'mtu %d' % size)], waits)
    dead(LAGG, [step('3ms', 'ifconfig', 'server.lagg0', 'down')],
         'received while the lagg was not up')
    dead(vlan, [step('3ms', 'ifconfig', 'server.vlan7', 'down')],
         'server vlan7: ')
    dead(vlan, [step('3ms', 'ifconfig', 'server.vlan7', '-vlandev')],
         'received with the number of no vlan')
    # A card with an address of its own sends nothing by it once it is a port.
    card = [step('1ms', 'ifconfig', 'server.lagg0', '-laggport mce0 inet 10.0.0.1/24 -alias'),
            step('1ms', 'ifconfig', 'server.mce0', 'inet 10.0.0.1/24 alias')]
    dead(LAGG, card + [step('5ms', 'ifconfig', 'server.lagg0', 'laggport mce0')],
         'the interface is a port of a lagg (ENETDOWN)')


def show(c, sim, d):
    f = lib.scenario('vlan-lagg')
    r, report = lib.run_out(sim, f, os.path.join(d, 'show'), '--show', 'ifconfig:server.vlan7@7ms',
                            '--show', 'ifconfig:server.vlan7@7ms', '--json')
    json.loads(r.stdout)
    text = open(os.path.join(d, 'show', 'ifconfig-server.vlan7-7000us.txt')).read()
    c.equal(text, """host server
vlan7: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> metric 0 mtu 1500
\toptions=9d600703<RXCSUM,TXCSUM,TSO4,TSO6,LRO,RXCSUM_IPV6,TXCSUM_IPV6,TXRTLMT,MEXTPG,TXTLS4,TXTLS6,TXTLS_RTLMT>
\tether 02:00:00:00:01:01
\tinet 10.0.7.1 netmask 0xffffff00 broadcast 10.0.7.255
\tgroups: vlan
\tvlan: 7 vlanproto: 802.1q vlanpcp: 0 parent interface: lagg0
\tstatus: active
""", 'ifconfig of a vlan')
    r = lib.run(sim, ['run', '--out', os.path.join(d, 'six'), '--set', 'apps.get.connections=1',
                      '--show', 'ifconfig:server.lagg0@7ms', lib.scenario('lagg-failover-t6')])
    c.check('\tinet6 fd00::1 prefixlen 64\n' in r.stdout, 'IPv6, shortened: ' + r.stdout[:900])
    for rate, said in (('250Mbit/s', '250Mbit/s'), ('2500Mbit/s', '2500Mbit/s'), ('100Gbit/s', '100Gbit/s')):
        r = lib.run(sim, ['run', '--out', os.path.join(d, 'rate'), '--set', 'links[0].rate=' + rate,
                          '--show', 'ifconfig:server.mce0@1ms', f])
        c.check('\tmedia: Ethernet %s\n' % said in r.stdout, '%s: %s' % (said, r.stdout[:900]))
    for bad in ('ifconfig', 'ifconfig@7', 'netstat@7ms', 'ifconfig:x@7ms', 'ifconfig:server.em9@7ms'):
        r = lib.run(sim, ['run', '--show', bad, f])
        c.check(r.returncode == 2 and '--show' in r.stderr, '--show %s: %s' % (bad, r.stderr))
    r = lib.run(sim, ['run', '-q', '--out', os.path.join(d, 'late'), '--show', 'ifconfig@9000s', f])
    c.check('--show ifconfig@9000 s: not written, the run was over before' in r.stderr, r.stderr)


def main():
    c = lib.Checks()
    with lib.tmpdir() as d:
        for part in (connection_moves, capabilities, ports, refused, mtu, no_way, show):
            part(c, sys.argv[1], d)
    c.done()


main()
