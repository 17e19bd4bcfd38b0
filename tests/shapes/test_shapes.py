#!/usr/bin/env python3
"""Shapes that TCP has to have: how throughput follows loss, how flows share a
bottleneck, how a link is filled; and the cards: what loss costs them (P1 to P12
of the cards' fact sheet). In the release build: millions of frames.

  test_shapes.py laws | sharing | cards"""
import json
import math
import os
import sys

import cards
import lib

MSS = 1448          # 1500 without the headers of IPv4 and TCP with timestamps
ON_WIRE = 1538      # the same segment with Ethernet's header, CRC, preamble, gap
TLS_SHARE = 16384 / 16406   # TLS 1.3: 5 + 1 + 16 bytes around a record

WORLD = '''ktls_sim: 1
name: shape
until: 80000s
hosts:
  server:
    sysctl: {kern.ipc.tls.enable: 1%(server)s}
    nics: {mce0: {%(port)s}}
    addresses: {mce0: 10.0.0.1/24}
    files: {/f: {size: %(size)dB}}
  client:
    sysctl: {kern.ipc.tls.enable: 1%(client)s}
    nics: {em0: {%(em)s}}
    addresses: {em0: 10.0.0.2/24}
links:
  - {ends: [server.mce0, client.em0], %(link)s}
apps:
  web: {type: https-server, host: server%(web)s}
  get: {type: https-client, host: client, server: web, path: /f%(get)s}
checks: {records: false}
capture: {wire: false, tcp_info: 1s}
'''
WORLD_KEYS = ('server', 'port', 'client', 'em', 'web', 'get')


def run(c, sim, d, **keys):
    """The report, and the server's samples of TCP_INFO."""
    f = os.path.join(d, 'shape.ktls.yaml')
    with open(f, 'w') as out:
        out.write(WORLD % {**dict.fromkeys(WORLD_KEYS, ''), **keys})
    out = os.path.join(d, 'out')
    r, report = lib.run_out(sim, f, out)
    if r.returncode != 0:
        raise SystemExit('%r: %s' % (keys, r.stdout + r.stderr))
    with open(os.path.join(out, 'tcpinfo.ndjson')) as g:
        samples = [json.loads(line) for line in g]
    return report, [x for x in samples if x['app'] == 'web']


# --- throughput and loss ---

def window(c, sim, d, cc, rtt_us, p, losses):
    """Segments per round trip, over so many expected losses of the data's
    direction. Buffers are never the limit, and each segment has its ACK."""
    report, _ = run(
        c, sim, d, size=int(losses / p) * MSS,
        server=', net.inet.tcp.cc.algorithm: ' + cc,
        client=', net.inet.tcp.delayed_ack: 0', em='lro: false, rx_coalesce: 0us',
        link='rate: 10Gbit/s, delay: %dus, loss: %.4f%%, queue: 64MiB, '
        'back: {loss: 0%%}' % (rtt_us // 2, p * 100),
        web=', sndbuf: 32MiB', get=', rcvbuf: 32MiB')
    conn = report['connections'][0]
    took = (conn['end_ps'] - conn['established_ps']) / 1e12
    c.equal(conn['body_bytes'], int(losses / p) * MSS, 'all of it')
    return conn['body_bytes'] / MSS / (took / (rtt_us / 1e6)), conn


def slope(points):
    """Of log y over log x, least squares."""
    xs = [math.log(x) for x, _ in points]
    ys = [math.log(y) for _, y in points]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / \
        sum((x - mx) ** 2 for x in xs)


def reno(c, sim, d):
    """Mathis, Semke, Mahdavi, Ott: W = C / sqrt(p). C is sqrt(3/2) = 1.22 for
    losses at equal distances, and 1.31 for independent ones (Ott, Kemperman,
    Mathis), which these are. 200 losses leave 7 % of chance. The window must
    not depend on the round trip."""
    points = []
    for p in (0.0005, 0.002, 0.01):
        ws = []
        for rtt in (20000, 80000):
            w, conn = window(c, sim, d, 'newreno', rtt, p, 200)
            const = w * math.sqrt(p)
            print('newreno rtt %d ms p %.2f %%: W %.1f C %.3f' %
                  (rtt / 1000, p * 100, w, const))
            c.check(1.1 <= const <= 1.5, 'newreno %d us, %g: C is %.3f' %
                    (rtt, p, const))
            c.check(conn['server_side']['timeouts'] <= 4,
                    'newreno %d us, %g: %d timeouts' %
                    (rtt, p, conn['server_side']['timeouts']))
            points.append((p, w))
            ws.append(w)
        c.check(abs(ws[0] / ws[1] - 1) < 0.05, 'it depends on the round trip: %s' % ws)
    found = slope(points)
    print('newreno slope %.3f' % found)
    c.check(abs(found + 0.5) < 0.05, 'slope is %.3f' % found)


def cubic_law(rtt_us, p):
    """RFC 9438, 5.1 with C 0.4 and beta 0.7, and Reno's where that is more
    (4.3): equal distances."""
    return max(1.054 * (rtt_us / 1e6 / p) ** 0.75, 1.22 / math.sqrt(p))


def cubic(c, sim, d):
    """Independent losses have their mean above the law for equal distances, as
    with Reno (there 7 %, here it was found 12 to 28 %)."""
    points = []
    for rtt, p, losses in ((200000, 0.001, 200), (200000, 0.0003, 150),
                           (400000, 0.001, 200), (400000, 0.0003, 150),
                           (20000, 0.001, 200), (20000, 0.01, 200)):
        w, conn = window(c, sim, d, 'cubic', rtt, p, losses)
        law = cubic_law(rtt, p)
        own = law > 1.22 / math.sqrt(p)
        print('cubic rtt %d ms p %.2f %%: W %.1f, law %.1f (%s) ratio %.2f' %
              (rtt / 1000, p * 100, w, law, 'cubic' if own else 'Reno', w / law))
        c.check(0.95 <= w / law <= 1.45, 'cubic %d us, %g: W %.1f, law %.1f' %
                (rtt, p, w, law))
        c.check(conn['server_side']['timeouts'] <= 4,
                'cubic %d us, %g: %d timeouts' %
                (rtt, p, conn['server_side']['timeouts']))
        if own:
            points.append((rtt / p, w))
    found = slope(points)
    print('cubic slope %.3f' % found)
    c.check(abs(found - 0.75) < 0.07, 'slope is %.3f' % found)


# --- sharing, filling ---

def fair(c, sim, d, cc, flows, mbit, delay_ms, lro):
    """Equal flows through a drop-tail queue of one BDP. What each has
    delivered is looked at in one instant, before the first is done."""
    queue = mbit * delay_ms * 2 * 1000 // 8
    report, samples = run(
        c, sim, d, size=mbit * 10 ** 6 // 8 * 60 // flows, port='rate: 1Gbit/s',
        server=', net.inet.tcp.cc.algorithm: ' + cc, em='lro: ' + lro,
        link='rate: %dMbit/s, delay: %dms, queue: %dB' % (mbit, delay_ms, queue),
        get=', connections: %d, interval: 7ms' % flows)
    first = min(x['end_ps'] for x in report['connections'])
    at = max(x['ps'] for x in samples if x['ps'] < first)
    got = [x['bytes_sent'] - x['in_flight'] for x in samples if x['ps'] == at]
    jain = sum(got) ** 2 / (flows * sum(x * x for x in got))
    use = sum(got) * 8 / (at / 1e12) / (mbit * 1e6) * ON_WIRE / MSS
    print('%s: %d flows, %d Mbit/s, %d ms: Jain %.3f after %.0f s, link used %.1f %%' %
          (cc, flows, mbit, delay_ms, jain, at / 1e12, use * 100))
    c.equal(len(got), flows, 'all of them are there')
    c.check(at > 30e12, 'only %.1f s' % (at / 1e12))
    c.check(jain > 0.95, '%s, %d flows: %.3f: %s' % (cc, flows, jain, got))
    c.check(0.95 < use <= 1.001, '%s, %d flows: the link was used %.3f' %
            (cc, flows, use))
    c.check(sum(x['server_side']['retransmitted_bytes']
                for x in report['connections']) > 0, 'the queue never was full')


def fill(c, sim, d, rate, delay, size, tls):
    """One flow, from its opening to its last byte, of what headers leave."""
    unit = {'M': 1e6, 'G': 1e9}[rate[-6]]
    report, _ = run(
        c, sim, d, size=size << 20, link='rate: %s, delay: %s' % (rate, delay),
        web=', tls: {handshake: synthetic}' if tls else '',
        get=', tls: {tx: openssl, handshake: synthetic}' if tls else '')
    conn = report['connections'][0]
    took = (conn['end_ps'] - conn['established_ps']) / 1e12
    share = MSS / ON_WIRE * (TLS_SHARE if tls else 1)
    use = conn['body_bytes'] * 8 / took / (int(rate[:-6]) * unit * share)
    print('%s, %s one way, %s: %.2f %%' %
          (rate, delay, 'software TLS' if tls else 'plain', use * 100))
    c.check(0.97 <= use <= 1.0, '%s, %s: %.4f' % (rate, delay, use))
    c.equal(conn['server_side']['retransmitted_bytes'], 0, rate + ': sent again')
    c.equal(report['connections'][0]['server_side']['tx_mode'],
            'sw' if tls else 'none', 'mode')


def laws(c, sim, d):
    reno(c, sim, d)
    cubic(c, sim, d)


def sharing(c, sim, d):
    for cc in ('newreno', 'cubic'):
        fair(c, sim, d, cc, 4, 100, 10, 'false')
        fair(c, sim, d, cc, 8, 100, 10, 'true')
        fair(c, sim, d, cc, 6, 50, 20, 'true')
    for tls in (False, True):
        fill(c, sim, d, '1Gbit/s', '500us', 128, tls)
        fill(c, sim, d, '100Mbit/s', '10ms', 256, tls)
        fill(c, sim, d, '10Gbit/s', '50us', 512, tls)


# --- cards: nic-models.md 9.2; the numbers are its own ---

# Percent of loss, bytes that make enough losses of it, and the sheet's ratio
# for bursts of one segment (3.14), which is what loss leaves.
CX_LOSS = ((0.1, 400e6, 1.011), (0.5, 160e6, 1.06), (1, 120e6, 1.12), (2, 80e6, 1.22),
           (5, 40e6, 1.56))


def connectx_loss(c, sim, d):
    """P2, P3, P9: each isolated loss is two recoveries."""
    for p, size, want in CX_LOSS:
        r = cards.run(sim, d, size=int(size), loss=p, delay='20us')
        ratio, seen = cards.dma_ratio(r), cards.loss_seen(r)
        again = r['connections'][0]['server_side']['retransmitted_packets']
        ooo = cards.sums(r, 'dev.mce.0.tls.stats', 'tx_packets_ooo')
        print('cx6dx loss %.1f %% (%.2f): payload over the bus %.3f, sheet %.3f; '
              '%d recoveries for %d resent' % (p, seen, ratio, want, ooo, again))
        # Overhead in proportion to the loss that chance made of it; above 2 %
        # it no longer is in proportion, and the table's number is asked.
        off = (ratio - 1) / seen / ((want - 1) / p) - 1 if p <= 2 else ratio / want - 1
        c.check(abs(off) < 0.10, 'P2 at %g %%: %.3f, sheet %.3f' % (p, ratio, want))
        if p <= 1:
            c.check(abs(ooo / (2 * again + 1) - 1) < 0.05,
                    'P3 at %g %%: %d recoveries, %d resent' % (p, ooo, again))
    r = cards.run(sim, d, size=3 << 20, conns=7)
    c.equal(cards.sums(r, 'dev.mce.0.tls.stats', 'tx_packets_ooo'), 7,
            'P9: the first packet of each of 7 sessions')
    c.check(abs(cards.dma_ratio(r) - 1) < 0.002, 'no loss: %.4f' % cards.dma_ratio(r))


def chelsio_bursts(c, sim, d):
    """P5 under loss: bursts shrink, and the ratio goes to the table's top row
    (1.96 for one segment a burst); without loss it is that of the bursts."""
    r = cards.run(sim, d, nic='model: t6', size=int(60e6), loss=0.5, delay='20us')
    side = r['connections'][0]['server_side']
    ratio = cards.dma_ratio(r)
    print('t6 loss 0.5 %%: payload over the bus %.3f at %.2f segments a burst' %
          (ratio, side['segments'] / side['bursts']))
    c.check(1.82 <= ratio <= 2.02, 'P5 under loss: %.3f' % ratio)
    r = cards.run(sim, d, nic='model: t6', size=int(60e6), delay='20us')
    ratio = cards.dma_ratio(r)
    print('t6 without loss: %.3f' % ratio)
    c.check(1.05 <= ratio <= 1.45, 'P5: %.3f' % ratio)


def budget(c, sim, d):
    """P8: where the bus is the bottleneck, goodput is its rate over the bytes
    that a payload byte costs."""
    for model, loss in (('cx6dx', 0), ('t6', 0), ('ideal', 0)):
        r = cards.run(sim, d, nic='model: %s, pcie: 5Gbit/s' % model, size=int(60e6),
                      loss=loss, delay='20us')
        read = sum(cards.counter(r, 'dev.mce0.' + n) for n in ('dma_payload', 'dma_desc'))
        body = r['connections'][0]['body_bytes']
        want = 5e9 * body / read
        got = cards.rate_bps(r)
        print('%s with a bus of 5 Gbit/s: %.2f Gbit/s, analytic %.2f' %
              (model, got / 1e9, want / 1e9))
        c.check(abs(got / want - 1) < 0.05, 'P8 %s: %.3g, analytic %.3g' % (model, got, want))


def threshold(c, sim, d):
    """P7: above the threshold connections leave, once, and none below."""
    for pct, leave in ((2, 20), (100, 0)):
        r = cards.run(sim, d, size=200000, conns=20, loss=8, pct=pct)
        stats = 'kern.ipc.tls.stats.'
        c.equal(cards.counter(r, stats + 'ifnet_disable_ok'), leave, 'P7, %d %%: left' % pct)
        c.equal(cards.counter(r, stats + 'switch_to_ifnet'), 0, 'P7: none came back')


def passes(c, sim, d):
    """P1, P12: a file from disk, in software and on the cards."""
    soft = cards.run(sim, d, permitted=0, size=20 << 20, cached='false')
    for model in ('cx6dx', 'ideal'):
        card = cards.run(sim, d, nic='model: ' + model, size=20 << 20, cached='false')
        ratio = cards.memory_passes(card) / cards.memory_passes(soft)
        work, other = cards.cpu_ns(soft)
        none, _ = cards.cpu_ns(card)
        print('%s: memory passes %.2f, software %.2f; CPU %.2f ns a byte, software %.2f' %
              (model, cards.memory_passes(card), cards.memory_passes(soft), none + other,
               work + other))
        c.check(0.4 <= ratio <= 0.6, 'P1 %s: %.3f' % (model, ratio))
        c.check(none == 0 and (none + other) / (work + other) < 0.85, 'P12 ' + model)


def all_cards(c, sim, d):
    connectx_loss(c, sim, d)
    chelsio_bursts(c, sim, d)
    budget(c, sim, d)
    threshold(c, sim, d)
    passes(c, sim, d)


def main():
    sim = lib.other_build('REL', 'sim/ktls-sim')
    c = lib.Checks()
    with lib.tmpdir() as d:
        {'laws': laws, 'sharing': sharing, 'cards': all_cards}[sys.argv[1]](c, sim, d)
    c.done()


main()
