#!/usr/bin/env python3
"""Applications of one's own: the examples on every card, twice the same; the
program in the docs; programs that die, hang, talk nonsense, say too much, read or
send in their own ways; which are started at all, and that none is left."""
import json
import os
import re
import shutil
import sys
import time

import lib

CARDS = {'basic': '{}', 'cx6dx': '{model: cx6dx}', 't6': '{model: t6}'}
PLACES = {'clear': '', 'openssl': ', tls: {tx: openssl, rx: openssl}', 'kernel': ', tls: {tx: kernel, rx: kernel}'}
TEXT = '''ktls_sim: 1
name: own
defaults: {host: {coarse_timestamps: true, sysctl: {kern.ipc.tls.enable: 1, kern.ipc.tls.ifnet.permitted: 1}}}
hosts:
  server: {nics: {mce0: %(card)s}, addresses: {mce0: 10.0.0.1/24}, files: {/data: {size: 200000B}}}
  client: {nics: {em0: %(card)s}, addresses: {em0: 10.0.0.2/24}}
links: [{ends: [server.mce0, client.em0], rate: 1Gbit/s, delay: 50us, loss: %(loss)s}]
apps:
  s: {type: own-server, host: server, port: 7, program: %(server)s%(tls)s}
  c: {type: own-client, host: client, server: s, program: %(client)s%(tls)s}
%(more)s'''
HEAD = '''#!/usr/bin/env python3
import sys
IN, OUT = sys.stdin.buffer, sys.stdout.buffer
def say(text, data=b''):
    OUT.write(text.encode() + b'\\n' + data)
def wait():
    say('wait')
    OUT.flush()
def event():
    line = IN.readline().split()
    return (line[0].decode() if line else '', IN.read(int(line[2])) if line[:1] == [b'data'] else b'', line)
'''
# A server that counts what comes, and answers at the end.
SINK = '''
n = 0
while True:
    what, data, line = event()
    n += len(data)
    if what == '':
        break
    if what == 'closed':
        say('report got %d' % n)
        say('write 2', b'ok')
        say('close')
    wait()
'''
BYE = "event()\nsay('close')\nwait()\n"


class Runs:
    def __init__(self, c, sim, d):
        self.c, self.sim, self.d = c, sim, d
        self.out = os.path.join(d, 'out')

    def program(self, name, text, mode=0o755):
        path = os.path.join(self.d, name)
        with open(path, 'w') as f:
            f.write(text)
        os.chmod(path, mode)

    def write(self, client='c.py', server='s.py', card='{}', tls='', loss='0%', more=''):
        file = os.path.join(self.d, 'own.ktls.yaml')
        with open(file, 'w') as f:
            f.write(TEXT % dict(client=client, server=server, card=card, tls=tls, loss=loss, more=more))
        return file

    def run(self, client, server=SINK, code=0, options=('--allow-programs',), **kw):
        """The report's `own`."""
        self.program('c.py', HEAD + client)
        self.program('s.py', HEAD + server)
        file = self.write(**kw)
        shutil.rmtree(self.out, ignore_errors=True)
        self.r, self.report = lib.run_out(self.sim, file, self.out, *options)
        self.c.equal(self.r.returncode, code, client[-60:] + ': ' + self.r.stderr[-600:])
        return self.report and self.report.get('own')


def left(d):
    """Processes that were started from the folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/cmdline' % pid, 'rb') as f:
                words = f.read()
            with open('/proc/%s/stat' % pid) as f:
                state = f.read().rsplit(')', 1)[1].split()[0]
        except OSError:
            continue
        if d.encode() in words or state == 'Z' and 'c.py' in words.decode('latin1'):
            found.append((pid, words))
    return found


# --- the examples ---

def examples(c, sim, d):
    file = lib.scenario('own-app')
    for cell, keys in {'as it is': [], 't6': ['hosts.server.nics.mce0.model=t6', 'hosts.server.coarse_timestamps=true'],
                       'software': ['hosts.server.nics.mce0.model=basic'],
                       'lossy': ['links[0].loss=1%']}.items():
        out = os.path.join(d, 'examples')
        sets = [x for k in keys for x in ('--set', k)]
        r, report = lib.run_out(sim, file, out, '--allow-programs', *sets)
        failed = [x['claim'] for x in report['expectations'] if not x['met']]
        # A T6 has no TLS 1.3; too much sent again, and TLS goes back to software.
        c.equal([x for x in failed if cell == 'as it is' or not re.search('longest_ns|mode', x)], [],
                cell + ': claims that fail')
        own = report['own']
        c.equal((own['ask']['done'], own['ask']['numbers']['right'], own['ping']['numbers']['pings']), (2, 26, 20), cell)
        c.equal([i['broken'] for i in report['invariants']], [0] * 7, cell + ': invariants')
        c.equal(r.stderr if cell == 'as it is' else '', '', cell + ': nothing on stderr')
    with open(os.path.join(out, 'report.txt')) as f:
        text = f.read()
    c.check('own-app/ask.py was asked' in text and 'the file is here,' in text, 'report.txt')
    with open(os.path.join(out, 'report.html')) as f:
        c.check('<h3 id="own">Own programs</h3>' in f.read(), 'report.html')


def the_docs(c, s):
    """The program in docs/apps.md does what it is said to do."""
    with open(os.path.join(lib.ROOT, 'docs', 'apps.md')) as f:
        part = f.read().split('An echo server:\n\n')[1].split('\n## The protocol')[0]
    text = '\n'.join(x[4:] for x in part.splitlines()) + '\n'
    c.check(text.startswith('#!') and text.count('\n') < 20, 'the program in the docs')
    s.program('s.py', text)
    s.program('c.py', HEAD + '''
event(); say('write 5', b'hello'); wait()
got = b''
while len(got) < 5:
    got += event()[1]
    if len(got) == 5:
        say('report same %d' % (got == b'hello')); say('close')
    wait()
''')
    r, report = lib.run_out(s.sim, s.write(), s.out, '--allow-programs')
    c.equal((report['own']['c']['done'], report['own']['c']['numbers']), (1, {'same': 1}), 'docs: ' + r.stderr)


def places(c, s):
    """Bytes both ways with every card and both places of TLS, the ledger agrees."""
    client = '''
event()
say('write 300000', bytes(i * 7 % 251 for i in range(300000)))
wait()
n = 0
while True:
    what, data, line = event()
    n += len(data)
    if what == 'sent':
        say('report taken %s' % line[2].decode())
        say('close')
    if what == 'closed':
        say('report answer %d' % n)
    if what == '':
        break
    wait()
'''
    server = SINK.replace("say('write 2', b'ok')", "say('write 2', b'ok'); say('sendfile /data'); say('sendfile /data 5 10')")
    for card in CARDS:
        for tls in PLACES:
            what = '%s, %s' % (card, tls)
            own = s.run(client, server, card=CARDS[card], tls=PLACES[tls].replace('{', '{version: "1.2", '), loss='0.5%')
            c.equal(own['s']['numbers'], {'got': 300000}, what)
            c.equal(own['c']['numbers'], {'taken': 300000, 'answer': 200012}, what)
            c.equal(s.report['invariants'][0]['broken'], 0, what)
            mode = s.report['connections'][0]['server_side']['tx_mode']
            c.equal(mode, 'none' if tls != 'kernel' else 'sw' if card == 'basic' else 'ifnet', what)


def the_same_twice(c, s):
    first = None
    for threads in '0', '2':
        s.run("import random\nseed = int(event()[2][5]); random.seed(seed)\nsay('write 3', b'%03d' % random.randrange(1000))\n"
              "say('log seed %d' % seed); say('timer 5000000'); wait()\n"
              "what = 'x'\nwhile what:\n    what = event()[0]\n    if what == 'timer': say('close')\n    wait()", options=('--allow-programs', '--trace', '--threads', threads))
        got = lib.digest(s.out)
        first = first or got
        c.equal(got, first, 'the same twice')
    c.equal([x['text'] for x in s.report['own']['c']['ends'][0]['log']], ['seed 1'], 'its seed')
    r = lib.run(s.sim, ['diff', '--allow-programs', s.write()])
    c.check(r.returncode == 0 and 'events are the same' in r.stdout, 'diff: ' + r.stdout + r.stderr)
    r = lib.run(s.sim, ['diff', s.write()])
    c.check(r.returncode == 2 and '--allow-programs' in r.stderr, 'diff without: ' + r.stderr)
    r = lib.run(s.sim, ['trace-byte', '--allow-programs', s.write(), 'c#0:0'])
    c.check(r.returncode == 0 and 'it was delivered' in r.stdout, 'trace-byte: ' + r.stdout + r.stderr)
    r = lib.run(s.sim, ['show', '--allow-programs', s.write(), 'sockbuf@1ms', 'c#0'])
    c.check(r.returncode == 0 and 'so_rcv' in r.stdout, 'show: ' + r.stdout + r.stderr)
    for command, what in (('trace-byte', ['c#0:0']), ('show', ['sockbuf@1ms', 'c#0'])):
        r = lib.run(s.sim, [command, s.write(), *what])
        c.check(r.returncode == 2 and '--allow-programs' in r.stderr, command + ' without: ' + r.stderr)
    r = lib.run(s.sim, ['why', '--allow-programs', s.write(), 'stalled', 'c#0@3ms'])
    c.check('its program waits for its timer, at 5.' in r.stdout, 'why: ' + r.stdout + r.stderr)
    r = lib.run(s.sim, ['why', '--allow-programs', s.out, 'stalled', 'c#0'])
    c.check(r.returncode == 3 and 'an output folder has no copy' in r.stderr, 'why of a folder: ' + r.stderr)


# --- its ways ---

def flow_control(c, s):
    """`read` is what it gets, and a timer later the rest; virtual time is the timer's."""
    own = s.run('''
event(); say('write 100000', bytes(100000)); wait()
while event()[0]: say('close'); wait()
''', '''
event(); say('read 0'); say('timer 3000000'); wait()
sizes = []
while True:
    what, data, line = event()
    if what == '': break
    if what == 'timer': say('read 10'); say('log now %s' % line[1].decode())
    if what == 'data': sizes.append(len(data)); say('read 70000')
    if what == 'closed': say('report first %d' % sizes[0]); say('report all %d' % sum(sizes)); say('close')
    wait()
''')
    c.equal(own['s']['numbers'], {'first': 10, 'all': 100000}, 'flow control')
    at = own['s']['ends'][0]['log'][0]
    c.equal(at['at_ps'] // 1000, int(at['text'].split()[1]), 'NOW is virtual time')


def endings(c, s):
    """It may end by itself; half-closed connections go on."""
    own = s.run("event(); say('write 3', b'abc')")
    c.equal((own['c']['done'], own['s']['numbers']), (1, {'got': 3}), 'it ended')
    own = s.run("event(); say('write 0'); say('close'); wait()\nwhile event()[0]: wait()\nsys.exit(5)")
    c.equal((own['c']['failed'], own['c']['ends'][0]['reason']), (1, 'own program: it ended with status 5'), 'in the end')
    # A host that has both hangs up first on a program that waits for more.
    own = s.run('event(); wait(); event(); wait()', BYE)
    c.equal(own['c']['ends'][0]['reason'], 'own program: it waits for nothing: its peer closed, no timer runs; '
            '`close` ends it', 'nothing to wait for')
    own = s.run("event(); say('read 0'); wait(); event()")
    c.check('it reads no more' in own['c']['ends'][0]['reason'], 'nothing to wait for: %s' % own)


def failures(c, s):
    bad = {
        'sys.exit(3)': 'it ended with status 3',
        'event(); import os; os.kill(os.getpid(), 11)': 'it was ended by Segmentation fault',
        "event(); say('hello'); wait()": 'it said `hello`: that is no command',
        "event(); OUT.write(bytes(range(200)) + b'\\n'); OUT.flush(); event()": 'a line has printable ASCII only',
        "event(); OUT.write(b'x' * 5000); OUT.flush(); event()": 'a line has up to 4095 bytes',
        "event(); say('write 9', b'abc')": 'it ended in the middle of a command',
        "event(); say('write 2000000'); wait()": 'write LENGTH, up to 1048576',
        "event(); say('sendfile /none'); wait()": 'it sends a file that its host does not have',
        "event(); say('close'); say('write 1', b'x'); wait()": 'it writes behind its `close`',
        "event(); [say('write 1000000', bytes(1000000)) for i in range(80)]; wait(); event()": 'more than 64 MiB',
        "event(); [say('report k%d 1' % i) for i in range(65)]; wait()": 'it reports more than 64 numbers',
        "event(); say('timer 1'); wait()": 'timer NANOSECONDS',
    }
    for program, why in bad.items():
        own = s.run(program)
        if own is None:
            continue
        end = own['c']['ends'][0]
        c.check(end['state'] == 'failed' and why in end.get('reason', ''), '%s: %s' % (program, end))
        c.check(s.report['connections'][0]['failed'] == end['reason'], program + ': the connection says so')
        c.equal([i['broken'] for i in s.report['invariants']], [0] * 7, program + ': invariants')
    s.run('sys.exit(3)', more='expect: [{error: {app: c, is: EPROTO}}]')
    # The server's end, too; and one that writes on stderr keeps that.
    own = s.run(BYE + 'event()', "event(); print('so it was', file=sys.stderr); sys.exit(1)")
    c.equal(own['s']['ends'][0]['reason'], 'own program: it ended with status 1', 'a server')
    c.check('so it was' in s.r.stderr, 'its stderr: ' + s.r.stderr)


def hangs(c, s):
    """Ten seconds, and what it started is gone, too."""
    begun = time.time()
    own = s.run("import subprocess; subprocess.Popen([sys.executable, sys.argv[0], 'child']) if len(sys.argv) == 1 else 0\n"
                'import time; time.sleep(1000)')
    took = time.time() - begun
    c.check(9 < took < 60, 'it hung for %.1f s' % took)
    c.equal(own['c']['ends'][0]['reason'], 'own program: it did not answer within 10 s of wall time', 'a program that hangs')
    time.sleep(0.2)
    c.equal(left(s.d), [], 'processes that are left')


# --- which are started ---

def what_is_started(c, s):
    s.program('s.py', HEAD + SINK)
    s.program('c.py', HEAD + "open('started', 'w')\n" + BYE)
    mark = os.path.join(s.d, 'started')

    def refused(what, code, *words, options=('--allow-programs',), command='run', **kw):
        file = s.write(**kw)
        r = lib.run(s.sim, [command, *(['--out', s.out, '-q'] if command == 'run' else []), *options, file])
        c.equal(r.returncode, code, what + ': ' + r.stderr)
        for w in words:
            c.check(w in r.stderr, '%s: %s in %s' % (what, w, r.stderr))
        c.check(not os.path.exists(mark), what + ': it was started')
        return r

    refused('not allowed', 2, 'own.ktls.yaml:9:', '--allow-programs', '^', options=())
    r = refused('check starts nothing', 0, options=(), command='check')
    c.check(r.stdout.endswith('ok\n'), 'check: ' + r.stdout)
    refused('missing', 3, '`none.py` cannot be started: No such file or directory', client='none.py')
    refused('missing, checked', 3, '`none.py` cannot be started', client='none.py', options=(), command='check')
    refused('absolute', 2, 'is named by its path from the scenario', client='/bin/true')
    refused('outside', 2, 'is not below the scenario', client='../../../../bin/true')
    os.symlink('/bin/true', os.path.join(s.d, 'link'))
    refused('by a link', 2, 'is not below the scenario', client='link')
    s.program('plain.py', HEAD, 0o644)
    refused('no right', 3, 'may be executed (chmod +x)', client='plain.py')
    os.mkdir(os.path.join(s.d, 'folder'))
    refused('a folder', 3, 'is to be a file', client='folder')
    s.program('odd.py', '#!/nonexistent/python\n')
    refused('no interpreter', 3, 'own program: `odd.py` cannot be started: No such file or directory', client='odd.py')
    refused('no program', 2, 'wants the key `program`', client='[]')
    s.program('c.py', HEAD + "open('started', 'w')\n" + BYE + 'event()')
    r = lib.run(s.sim, ['run', '--out', s.out, '-q', '--allow-programs', s.write()])
    c.equal((r.returncode, os.path.exists(mark)), (0, True), 'allowed: ' + r.stderr)
    with open(s.write()) as f:
        text = f.read()
    r = lib.run(s.sim, ['run', '--out', s.out, '-q', '--allow-programs', '-'], input=text)
    c.check(r.returncode == 2 and 'not read from a file' in r.stderr, 'from a pipe: ' + r.stderr)


def keys(c, s):
    wrong = {
        'type: own-server': ('type: https-server', '`program` is a key of `own-server` and `own-client`'),
        'program: c.py': ('program: c.py, connections: 65', 'more than 64 processes'),
        'host: client, server: s': ('host: client, server: s, path: /data', 'which would ignore it'),
        'ends: [server.mce0, client.em0]': ('ends: [server.mce0, "tap:ktls0"]', 'would not wait for a program'),
    }
    file = s.write()
    with open(file) as f:
        text = f.read()
    for old, (new, why) in wrong.items():
        c.equal(text.count(old), 1, old)
        with open(file, 'w') as f:
            f.write(text.replace(old, new))
        r = lib.run(s.sim, ['check', file])
        c.check(r.returncode == 2 and why in r.stderr, '%s: %s' % (new, r.stderr))


def suite(c, s):
    s.program('c.py', HEAD + BYE + 'event()')
    s.write()
    r = lib.run(s.sim, ['test', '--out', 'res', 'own.ktls.yaml'], cwd=s.d)
    c.check(r.returncode == 0 and '1 skipped' in r.stdout and '--allow-programs' in r.stdout, 'skipped: ' + r.stdout)
    r = lib.run(s.sim, ['test', '--out', 'res', '--allow-programs', 'own.ktls.yaml'], cwd=s.d)
    c.check(r.returncode == 0 and '1 passed' in r.stdout, 'passed: ' + r.stdout + r.stderr)
    s.write(more='expect: [{report: {path: own.c.done, is: 2}}]')
    r = lib.run(s.sim, ['test', '--out', 'res', '--allow-programs', 'own.ktls.yaml'], cwd=s.d)
    again = re.search(r'to reproduce: ktls-sim (run .*)', r.stdout)
    c.check(again and '--allow-programs' in again[1], 'to reproduce: ' + r.stdout)
    r = lib.run(s.sim, again[1].split() + ['--out', 'again', '-q'], cwd=s.d)
    c.equal(r.returncode, 1, 'it does: ' + r.stderr)


def wrecks(c, s):
    """The run breaks, or is ended: no process is left."""
    s.run("event(); say('write 100000', bytes(100000)); say('timer 1000000000'); wait(); event()", tls=PLACES['kernel'],
          code=4, options=('--allow-programs', '--defect', 'kern.sbready-early'))
    own = s.run("event(); say('timer 60000000000'); wait(); event()", options=('--allow-programs', '--until', '1s'))
    c.equal(own['c']['unfinished'], 1, 'at the horizon')
    time.sleep(0.2)
    c.equal(left(s.d), [], 'processes that are left')


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    with lib.tmpdir() as d:
        examples(c, sim, d)
        s = Runs(c, sim, d)
        for part in (the_docs, places, the_same_twice, flow_control, endings, failures, hangs, what_is_started, keys, suite,
                     wrecks):
            part(c, s)
    c.done()


main()
