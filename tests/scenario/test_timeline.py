#!/usr/bin/env python3
"""Timeline steps happen at their instants, timed claims look at theirs, and
both are waited for although the clients are done before."""
import os
import sys

import lib

UNTIL = ('until: 10s', '''timeline:
  - {at: 250us, do: loss, on: server.mce0, loss: 100%}
  - {at: 400us, do: loss, on: client.em0, loss: 0%}
  - {at: 600us, do: sysctl, on: server, name: kern.ipc.tls.enable, value: 0}
  - {at: 3s, do: sysctl, on: server, name: kern.ipc.tls.enable, value: 1}
until: 10s''')

CLAIMS = ('  - time: {app: get, max: 100ms}', '''
  - counter: {host: server, name: kern.ipc.tls.enable, is: 1, at: 500us}
  - counter: {host: server, name: kern.ipc.tls.enable, is: 0, at: 600us}
  - counter: {host: server, name: kern.ipc.tls.enable, is: 0, at: 2999ms}
  - counter: {host: server, name: kern.ipc.tls.enable, is: 1, at: 4s}
  - counter: {host: server, name: net.inet.tcp.stats.sndrexmitpack, min: 1}
  - time: {app: get, max: 2s}''')


def arrivals(c, sim, d):
    """A frame is judged by the link at its arrival, not at the interrupt that
    takes it 100 us later: the server's card gets ARP at 21 us, SYN at 165. A
    frame that it refuses is one of the drops, with the reason."""
    for steps, frames, refused in [([(60, 'down')], 1, 0),
                                   ([(200, 'down')], 2, 0),
                                   ([(10, 'down'), (60, 'up')], 3, 1),
                                   ([(60, 'down'), (70, 'up')], 5, 0)]:
        timeline = ''.join(
            '  - {at: %dus, do: link_%s, on: server.mce0}\n' % s for s in steps)
        f = lib.edited(
            'quickstart', d, ('mce0: {model: basic, mtu: 1500}',
                              'mce0: {model: basic, rx_coalesce: 100us}'),
            ('until: 10s', 'timeline:\n' + timeline + 'until: 270us'))
        _, report = lib.run_out(sim, f, os.path.join(d, 'arrivals'))
        card = report['counters']['server']
        c.equal((card.get('dev.mce0.rx_frames', 0),
                 card.get('dev.mce0.rx_link_down', 0)), (frames, refused),
                'arrivals, link %s' % steps)
        told = [x['count'] for x in report['facts'] if x['point'] == 'nic_drop']
        c.equal(told, [refused] * (refused > 0), 'told, link %s' % steps)


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    with lib.tmpdir() as d:
        arrivals(c, sim, d)
        f = lib.edited('quickstart', d, UNTIL, CLAIMS)
        out = os.path.join(d, 'out')
        r, report = lib.run_out(sim, f, out)
        c.equal(r.returncode, 0, r.stderr)
        for claim in report['expectations']:
            c.check(claim['met'], '%(claim)s: found %(found)s' % claim)
        steps = [(x['texts'], x['first_ps']) for x in report['facts']
                 if x['point'] == 'timeline']
        c.equal(steps, [(['loss', 'server.mce0'], 250000000),
                        (['loss', 'client.em0'], 400000000),
                        (['sysctl', 'server'], 600000000)], 'steps')
        lost = [x for x in report['facts'] if x['point'] == 'wire_drop']
        c.equal(len(lost), 1, 'one kind of loss')
        c.check(250000000 <= lost[0]['first_ps'] and
                lost[0]['last_ps'] <= 400000000, 'lost between 250 and 400 us')
        c.equal(report['end_ps'], 4 * 10 ** 12, 'the last timed claim ends it')
        # One ACK answers a merged packet: SACK blocks, not the number of
        # duplicates, must start the recovery, or every loss is a timeout.
        f = lib.edited('quickstart', d, ('delay: 20us}',
                                         'delay: 20us, loss: 1%}'))
        r, report = lib.run_out(sim, f, os.path.join(d, 'sack'))
        side = report['connections'][0]['server_side']
        c.check(side['fast_retransmits'] > 4 * side['timeouts'],
                'fast retransmits %(fast_retransmits)d, timeouts %(timeouts)d' % side)
        # A step that the kernel refuses is told.
        f = lib.edited('quickstart', d, ('until: 10s', '''timeline:
  - {at: 1ms, do: sysctl, on: server, name: net.inet.tcp.initcwnd_segments, value: 0}'''))
        r, report = lib.run_out(sim, f, os.path.join(d, 'ro'))
        c.check(any(x['point'] == 'app_error' and x['error'] == 'EINVAL'
                    for x in report['facts']), 'refused value: EINVAL')
        # switch_tls that only lists changes nothing.
        f = lib.edited('quickstart', d, ('until: 10s', '''timeline:
  - {at: 1ms, do: switch_tls, on: web, to: ifnet, list: true}'''))
        r, report = lib.run_out(sim, f, os.path.join(d, 'list'))
        told = [x['texts'] for x in report['facts']
                if x['point'] == 'switch_tls_list']
        port = report['connections'][0]['client'].split(':')[1]
        c.equal(told, [['web', 'switch_tls -i 10.0.0.1 443 10.0.0.2 ' + port]],
                'the command')
        c.check('switch_failed' not in str(report['counters']),
                'nothing was tried')
        # By the address of the other end: with and without port.
        for peer, n in (('10.0.0.2', 1), ('10.0.0.2:' + port, 1),
                        ('"10.0.0.2:1"', 0), ('10.0.0.9', 0),
                        ('"[fd00::2]:443"', 0)):
            f = lib.edited('quickstart', d, ('until: 10s', '''timeline:
  - {at: 1ms, do: switch_tls, on: web, to: ifnet, list: true, peer: %s}''' % peer))
            r, report = lib.run_out(sim, f, os.path.join(d, 'peer'))
            c.equal(len([x for x in report['facts']
                         if x['point'] == 'switch_tls_list']), n, peer)
        # Classic pcap with its key log decrypts as well.
        r, _ = lib.run_out(sim, lib.scenario('quickstart'),
                           os.path.join(d, 'pcap'), '--pcap')
        mode = os.stat(os.path.join(d, 'pcap', 'sslkeys.log')).st_mode & 0o777
        c.equal(mode, 0o600, 'mode of the key log')
        with open(os.path.join(d, 'pcap', 'wire.pcap'), 'rb') as p:
            c.equal(p.read(4), b'\x4d\x3c\xb2\xa1', 'nanosecond magic')
        c.equal(lib.http_requests(os.path.join(d, 'pcap', 'wire.pcap'),
                                  os.path.join(d, 'pcap', 'sslkeys.log')),
                1, 'HTTP requests in wire.pcap')
    c.done()


main()
