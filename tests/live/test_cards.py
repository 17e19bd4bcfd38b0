#!/usr/bin/env python3
"""test_cards.py SIM MODEL: Linux as the receiver of a card's records under
loss. curl fetches and sends over TLS 1.2, and over 1.3 where the card knows it;
every byte is the file's, and the card did it."""
import os
import sys

import lib
import live

CARD = {
    'ideal': ({}, ('ifnet', 'ifnet')),
    'cx6dx': ({}, ('ifnet', 'ifnet')),
    # A T6 knows no TLS 1.3, and no timestamps but coarse ones.
    't6': ({'hosts.server.coarse_timestamps': 'true'}, ('ifnet', 'sw')),
    # Its TCP is the card's too, which keeps what it encrypted.
    'toe': ({}, ('toe', 'sw')),
}
MODEL = {'toe': 't6, settings: {toe: 1}'}


def reread(c, card, connections):
    """What was lost is fetched once more; not by a card that owns TCP."""
    again = sum(x['server_side']['card_retransmitted_packets'] for x in connections)
    if again:
        c.equal(card['bus_bytes']['reread'], 0, 'read again')
        return
    c.check(any(x['server_side']['retransmitted_packets'] for x in connections),
            'nothing was lost')
    c.check(card['bus_bytes']['reread'] > 0, 'it had nothing to read again')


def main():
    sim, model = sys.argv[1:]
    more, (mode12, mode13) = CARD[model]
    keys = {'hosts.server.sysctl.kern.ipc.tls.ifnet.permitted': '1',
            'links[0].loss': '1%', **more}
    opts = [x for k, v in keys.items() for x in ('--set', k + '=' + v)]
    c = lib.Checks()
    with lib.tmpdir() as d:
        f = live.scenario(d, ('model: ideal', 'model: ' + MODEL.get(model, model)))
        with live.Session(sim, f, d, *opts) as s:
            wanted = live.file_sha('/data.bin', 8 << 20)
            up = os.path.join(d, 'up')
            live.random_file(up, 1500001)
            for host in ('10.77.0.1', '[fd77::1]'):
                for port in (443, 8443):
                    url = 'https://%s:%d' % (host, port)
                    c.equal(s.get(url + '/data.bin', 'down'), wanted, url)
                    c.equal(s.put(url + '/up', up), live.answer(up), url + ' upload')
            r = live.ended_well(c, s, 'cards')
            for x in r['connections']:
                c.equal(x['server_side']['tx_mode'],
                        mode13 if x['server'].endswith(':443') else mode12,
                        x['server'])
            card = r['cards'][0]
            c.equal(card['model'], MODEL.get(model, model).split(',')[0], 'the card')
            c.check(card['tls_packets'] > 100, 'it sent %d' % card['tls_packets'])
            reread(c, card, r['connections'])
    c.done()


main()
