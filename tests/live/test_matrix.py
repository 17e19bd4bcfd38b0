#!/usr/bin/env python3
"""test_matrix.py SIM sw|ifnet MTU: curl fetches and sends over TLS 1.2 and
1.3, IPv4 and IPv6, and openssl s_client fetches; every byte is the file's, the
modes are the ones asked for, and stock tshark decrypts the capture."""
import os
import shutil
import sys

import lib
import live

HEAD = b'HTTP/1.1 200 OK\r\n'


def s_client(s, port, version):
    """What comes until the server closes."""
    r = s.run(['openssl', 's_client', '-quiet', '-ign_eof', '-' + version,
               '-connect', '10.77.0.1:%d' % port],
              input=b'GET /hello.txt HTTP/1.0\r\n\r\n')
    return r.stdout


def transfers(c, s, d):
    wanted = live.file_sha('/small.bin', 1 << 20)
    up = os.path.join(d, 'up')
    live.random_file(up, 700001)
    for host in ('10.77.0.1', '[fd77::1]'):
        for port, version in ((443, 'tls1_3'), (8443, 'tls1_2')):
            url = 'https://%s:%d' % (host, port)
            c.equal(s.get(url + '/small.bin', 'down'), wanted, url)
            c.equal(s.put(url + '/up', up), live.answer(up), url + ' upload')
    # Several on one connection, and what is not there.
    r = s.curl('https://10.77.0.1/hello.txt', 'https://10.77.0.1/none',
               'https://10.77.0.1/hello.txt', '-w', '%{http_code} ')
    hello = lib.file_bytes('/hello.txt', 1, 64).decode()
    c.equal(r.stdout, '%s200 there is no file /none\n404 %s200 ' %
            (hello, hello), 'one connection')
    for port, version in ((443, 'tls1_3'), (8443, 'tls1_2')):
        out = s_client(s, port, version)
        c.check(out.startswith(HEAD) and out.endswith(hello.encode()),
                's_client %s: %r' % (version, out))


def main():
    sim, mode, mtu = sys.argv[1:]
    live.need('openssl')
    c = lib.Checks()
    with lib.tmpdir() as d:
        f = live.scenario(d, ('mtu: 1500', 'mtu: ' + mtu))
        with live.Session(sim, f, d, '--set', 'hosts.server.sysctl.kern.ipc.'
                          'tls.ifnet.permitted=%d' % (mode == 'ifnet')) as s:
            transfers(c, s, d)
            r = live.ended_well(c, s, 'matrix')
            c.equal(live.modes(r), {mode}, 'modes')
            c.check(all(n['server_side']['rx_mode'] == 'sw'
                        for n in r['connections']), 'the kernel decrypts')
            if shutil.which('tshark'):
                code, lines = live.decrypted(s)
                c.equal(code, 0, 'tshark reads the capture')
                for want, n in (('tap:ktls0 GET', 9), ('tap:ktls0 PUT', 4),
                                ('server:mce0 404', 1)):
                    c.equal(lines.count(want), n, 'decrypted: ' + want)
    c.done()


main()
