#!/usr/bin/env python3
"""Clients that do not behave: no TLS, other versions, requests that are none,
bodies that stop, connections that are cut. Each gets the answer that is its
due, and none of them hurts the server, who goes on and breaks no invariant."""
import os
import sys

import lib
import live

# Runs inside the namespace: (what, bytes to send over TLS) -> what came.
TALK = r'''
import socket, ssl, sys
ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
s = ctx.wrap_socket(socket.create_connection(("10.77.0.1", 443), 60))
s.settimeout(60)
s.sendall(sys.stdin.buffer.read())
got = b""
try:
    while True:
        piece = s.recv(65536)
        if not piece:
            break
        got += piece
except (ConnectionResetError, ssl.SSLError):
    pass
sys.stdout.buffer.write(got)
'''

# A session that is one, and then bytes past it: plaintext on the wire, which
# nobody may lay at the simulated kernel's door.
PAST = r'''
import os, socket, ssl
ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
raw = socket.create_connection(("10.77.0.1", 443), 60)
s = ctx.wrap_socket(raw)
s.sendall(b"GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n")
assert s.recv(10)
# As long as the record that its first bytes say they are, and more.
os.write(s.fileno(), b"this is no record, whoever reads it " * 1000)
try:
    while s.recv(65536):
        pass
except (OSError, ssl.SSLError):
    pass
'''

PLAIN = r'''
import socket, struct, sys
how = sys.argv[1]
s = socket.create_connection(("10.77.0.1", 443), 60)
s.sendall(sys.stdin.buffer.read())
if how == "reset":
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
else:
    try:
        while s.recv(65536):
            pass
    except ConnectionResetError:
        pass
s.close()
'''


def asked(c, s):
    """Requests that are refused, and how."""
    host = b'Host: a\r\n'
    for what, request, status, text in (
            ('no request', b'what?\r\n\r\n', b'400 ', b'a request line has'),
            ('no host', b'GET / HTTP/1.1\r\n\r\n', b'400 ', b'Host'),
            ('folded', b'GET / HTTP/1.1\r\n' + host + b' x: y\r\n\r\n',
             b'400 ', b'blank'),
            ('NUL', b'GET /\0 HTTP/1.1\r\n' + host + b'\r\n', b'400 ', b''),
            ('method', b'BREW / HTTP/1.1\r\n' + host + b'\r\n', b'405 ',
             b'GET, HEAD, PUT and POST'),
            ('no length', b'PUT / HTTP/1.1\r\n' + host + b'\r\nbody',
             b'411 ', b'Content-Length'),
            ('too much', b'PUT / HTTP/1.1\r\n' + host +
             b'Content-Length: 99999999999999\r\n\r\n', b'413 ', b'64 GiB'),
            ('version', b'GET / HTTP/3.0\r\n' + host + b'\r\n', b'505 ', b''),
            ('long head', b'GET / HTTP/1.1\r\nX: ' + b'x' * 20000, b'431 ',
             b'8 KiB')):
        r = s.run([sys.executable, '-c', TALK], input=request)
        c.check(r.stdout.startswith(b'HTTP/1.1 ' + status) and
                text in r.stdout.split(b'\r\n\r\n', 1)[-1],
                '%s: %r %r' % (what, r.stdout[:200], r.stderr[-300:]))
    # Two at once, and the second upload's first bytes with the first's last.
    two = b'PUT /a HTTP/1.1\r\n' + host + b'Content-Length: 3\r\n\r\nabc'
    r = s.run([sys.executable, '-c', TALK], input=two + two.replace(
        b'abc', b'xyz') + b'HEAD /hello.txt HTTP/1.1\r\n' + host +
        b'Connection: close\r\n\r\n')
    c.equal([x for x in r.stdout.split(b'\n') if x.startswith(b'sha256')],
            [b'sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61'
             b'f20015ad',
             b'sha256 3608bca1e44ea6c4d268eb6db02260269892c0b42b86bbf1e77a6fa1'
             b'6c3c9282'], 'two uploads on one connection')
    c.check(r.stdout.endswith(b'Content-Length: 64\r\nConnection: close'
                              b'\r\n\r\n'), 'HEAD: %r' % r.stdout[-200:])


# The same of a client that has shut its sending side before it reads.
HALF = TALK.replace("got = b", "socket.socket.shutdown(s, socket.SHUT_WR)\ngot = b")


def pipelined(c, s):
    """Five requests in one write, an upload among them: answers in order, parts
    of files as asked for; the same behind a FIN, whose client still reads."""
    data = lib.file_bytes('/hello.txt', 1, 64)
    host = b' HTTP/1.1\r\nHost: a\r\n'
    five = (b'GET /hello.txt' + host + b'Range: bytes=10-19\r\n\r\n' +
            b'GET /hello.txt' + host + b'Range: bytes=64-\r\n\r\n' +
            b'PUT /up' + host + b'Content-Length: 3\r\n\r\nabc' +
            b'GET /hello.txt' + host + b'\r\n' +
            b'GET /hello.txt' + host + b'Range: bytes=-5\r\nConnection: close\r\n\r\n')
    for what, talk in (('pipelined', TALK), ('half closed', HALF)):
        r = s.run([sys.executable, '-c', talk], input=five)
        got = [x.split(b'\r\n\r\n', 1) for x in r.stdout.split(b'HTTP/1.1 ')[1:]]
        c.equal([x[0][:3] for x in got], [b'206', b'416', b'200', b'200', b'206'], what)
        if len(got) != 5:
            continue
        c.equal([got[0][1], got[1][1], got[3][1], got[4][1]], [data[10:20], b'', data, data[-5:]], what)
        c.check(b'\nsha256 ba7816bf' in got[2][1], what + ': upload')
        c.equal([x for y in got for x in y[0].split(b'\r\n') if x.startswith(b'Content-Range')],
                [b'Content-Range: bytes 10-19/64', b'Content-Range: bytes */64',
                 b'Content-Range: bytes 59-63/64'], what)
    small = lib.file_bytes('/small.bin', 1, 1 << 20)
    for part, wanted in (('0-0', small[:1]), ('700000-', small[700000:]), ('-99', small[-99:])):
        r = s.run(['curl', '-sSk', '-r', part, 'https://10.77.0.1/small.bin'])
        c.check(r.stdout == wanted, 'curl -r %s: %d bytes' % (part, len(r.stdout)))


# A session with another server, which takes early data; our server is then
# offered it, with a request in 0-RTT. It does not know the session: it skips
# what it cannot read, and the client says it all again.
EARLY = r'''
set -e
cd "$1"
ip link set lo up
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout key -out cert -subj /CN=other -days 2 2>req.out
mkfifo in
openssl s_server -accept 127.0.0.1:4433 -key key -cert cert -early_data \
    <in >server.out 2>&1 &
other=$!
exec 3>in
trap 'kill $other' EXIT
for i in $(seq 100); do
    sleep 0.2 | openssl s_client -connect 127.0.0.1:4433 -sess_out session \
        >first.out 2>&1 3>&- || true
    [ -s session ] && break
done
printf 'GET /hello.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' >request
openssl s_client -connect 10.77.0.1:443 -sess_in session -early_data request \
    -ign_eof <request
'''


def early(c, s, d):
    r = s.run(['sh', '-c', EARLY, 'early', d])
    text = r.stdout.decode(errors='replace')
    c.check('Early data was rejected' in text, 'early data: %s %s' % (text[-1500:], r.stderr[-500:]))
    c.equal(text.count('HTTP/1.1 200 OK'), 1, 'one answer to what came after the handshake')
    c.check(lib.file_bytes('/hello.txt', 1, 64).decode() in text, 'the file')


def rude(c, s, d):
    for what, data, how in (('plain HTTP', b'GET / HTTP/1.1\r\n\r\n', 'wait'),
                            ('noise', os.urandom(5000), 'wait'),
                            ('half a record', b'\x16\x03\x01\x02\x00\x01',
                             'reset'),
                            ('nothing', b'', 'reset')):
        r = s.run([sys.executable, '-c', PLAIN, how], input=data)
        c.equal(r.returncode, 0, '%s: %r' % (what, r.stderr))
    r = s.run([sys.executable, '-c', PAST])
    c.equal(r.returncode, 0, 'past TLS: %r' % r.stderr)
    for version in ('1.2', '1.3'):
        port = 443 if version == '1.2' else 8443
        r = s.curl('--tlsv' + version, '--tls-max', version,
                   'https://10.77.0.1:%d/hello.txt' % port)
        c.check(r.returncode != 0, 'TLS %s at port %d' % (version, port))
    # Gone in the middle, both ways.
    for args in (['-o', os.path.join(d, 'x'), 'https://10.77.0.1/large.bin'],
                 ['-T', '/dev/zero', '-H', 'Content-Length: 1000000000',
                  '-H', 'Transfer-Encoding:', 'https://10.77.0.1/up']):
        p = s.start(['curl', '-sSk', '--limit-rate', '4M', *args])
        s.wait_for(lambda: any(n['sent'] + n['received'] > 200000
                               for n in s.status()['connections']))
        p.kill()
        p.communicate()
        s.wait_for(lambda: not s.status()['connections'])
    r = s.curl('--http1.1', '-T', '-', '-H', 'Transfer-Encoding: chunked',
               'https://10.77.0.1/up', '-w', '%{http_code}')
    c.check(r.stdout.endswith('411') and 'Content-Length' in r.stdout,
            'chunked: ' + r.stdout)


def main():
    sim = sys.argv[1]
    live.need('openssl')
    c = lib.Checks()
    with lib.tmpdir() as d:
        with live.Session(sim, live.scenario(d), d) as s:
            asked(c, s)
            pipelined(c, s)
            early(c, s, d)
            rude(c, s, d)
            c.equal(s.get('https://10.77.0.1/small.bin', 'down'),
                    live.file_sha('/small.bin', 1 << 20), 'it still serves')
            r = live.ended_well(c, s, 'clients')
            c.check(any(f['point'] == 'app_error' for f in r['facts']),
                    'the report tells of what failed')
        # The same by one thread around kevent.
        with live.Session(sim, live.scenario(d), d, '--set', 'apps.web.kqueue.batch=2') as s:
            pipelined(c, s)
            c.equal(s.get('https://10.77.0.1/small.bin', 'down'),
                    live.file_sha('/small.bin', 1 << 20), 'kqueue')
            live.ended_well(c, s, 'kqueue')
    c.done()


main()
