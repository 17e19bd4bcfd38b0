#!/usr/bin/env python3
"""Completions: in bash as somebody types, with TAB; zsh and fish accept the
syntax of theirs, and each has every command and option."""
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time

import lib

# What is typed before TAB, and the words that the program then gets.
TYPED = [
    ('expl', ['explain']),
    ('run --perf', ['run', '--perfetto']),
    ('run --defect kern.sbready-e', ['run', '--defect', 'kern.sbready-early']),
    ('diff --defect-b=kern.sbready-e', ['diff',
                                        '--defect-b=kern.sbready-early']),
    ('run --trace=tls_mod', ['run', '--trace=tls_mode']),
    ('run --trace=tcp_rexmit,tls_mod', ['run', '--trace=tcp_rexmit,tls_mode']),
    ('run --trace-format nd', ['run', '--trace-format', 'ndjson']),
    ('run --set capture.dm', ['run', '--set', 'capture.dma=']),
    ('run --seed 3 qui', ['run', '--seed', '3', 'quick.ktls.yaml']),
    ('--color=alw', ['--color=always']),
    ('check other.txt qui', ['check', 'other.txt', 'quick.ktls.yaml']),
    ('test --golden gol', ['test', '--golden', 'golden dir/']),
    ('list tcp', ['list', 'tcp-info']),
    ('list models cx', ['list', 'models', 'cx6dx']),
    ('list suites cx', ['list', 'suites', 'cx']),
    ('why quick.ktls.yaml not', ['why', 'quick.ktls.yaml', 'not-offloaded']),
    ('show --json quick.ktls.yaml sock', ['show', '--json', 'quick.ktls.yaml',
                                          'sockbuf@']),
    ('explain hosts.cp', ['explain', 'hosts.cpus']),
    ('ctl control.sock swi', ['ctl', 'control.sock', 'switch_tls']),
    ('help mer', ['help', 'merge']),
    ('completion fi', ['completion', 'fish']),
]


class Terminal:
    """An interactive bash on a pseudo-terminal."""

    def __init__(self, cwd):
        self.ours, theirs = pty.openpty()
        env = {'PATH': os.environ['PATH'], 'HOME': cwd, 'TERM': 'dumb',
               'PS1': '', 'HISTFILE': '', 'INPUTRC': '/dev/null'}
        self.p = subprocess.Popen(['bash', '--norc', '--noprofile', '-i'],
                                  stdin=theirs, stdout=theirs, stderr=theirs,
                                  cwd=cwd, env=env, start_new_session=True)
        os.close(theirs)

    def send(self, text):
        os.write(self.ours, text.encode())

    def until(self, what):
        seen, end = '', time.time() + 30
        while what not in seen and time.time() < end:
            if select.select([self.ours], [], [], 1)[0]:
                seen += os.read(self.ours, 65536).decode()
        return seen

    def close(self):
        self.send('exit\n')
        self.p.wait(timeout=30)
        os.close(self.ours)


def bash(c, script, d):
    for name in ('quick.ktls.yaml', 'other.txt'):
        with open(os.path.join(d, name), 'w'):
            pass
    os.mkdir(os.path.join(d, 'golden dir'))
    # The program tells its words, so that the line that bash made is seen.
    with open(os.path.join(d, 'rc'), 'w') as f:
        f.write("PS1=\nktls-sim() { printf 'got'; printf '<%s>' \"$@\"; "
                "echo .end; }\nbind 'set bell-style none'\n")
    t = Terminal(d)
    t.send('. ./rc; . %s; echo rea""dy\n' % script)
    c.check('ready' in t.until('ready'), 'bash begins')
    for typed, words in TYPED:
        t.send('ktls-sim %s\t\n' % typed)
        seen = t.until('.end')
        got = re.search(r'got(.*?)\.end', seen, re.S)
        c.equal(got and re.findall(r'<(.*?)>', got.group(1)), words,
                'ktls-sim %s TAB' % typed)
    t.close()


def several(c, script):
    """What is offered where more than one fits."""
    for words, some, none in [
            (['ktls-sim', ''], {'run', 'help', 'trace-byte'}, {'--seed'}),
            (['ktls-sim', 'live', '--'], {'--netns', '--seed', '--help'},
             {'--case', '--junit'}),
            (['ktls-sim', 'explain', 'hosts.n'], {'hosts.nics',
                                                  'hosts.nics.mtu'}, set()),
            (['ktls-sim', 'run', '--seed', ''], set(), {'run', '--seed'})]:
        args = ' '.join("'%s'" % w for w in words)
        r = subprocess.run(
            ['bash', '-c', '. %s; COMP_WORDS=(%s); COMP_CWORD=%d; _ktls_sim; '
             'printf "%%s\\n" "${COMPREPLY[@]}"' % (script, args,
                                                   len(words) - 1)],
            capture_output=True, text=True)
        got = set(r.stdout.split())
        c.check(r.returncode == 0 and not r.stderr and some <= got and
                not none & got and (some or not got),
                '%s: %s %s' % (words, sorted(got), r.stderr))


def whole(c, sim, shell, text):
    """Commands and options of --help are all there."""
    for name in re.findall(r'^(\S+)', lib.run(sim, ['list', 'commands'])
                           .stdout, re.M):
        c.check(re.search(r"\b%s\b" % name, text), shell + ': ' + name)
        for option in re.findall(r'--([a-z-]+)',
                                 lib.run(sim, [name, '--help']).stdout):
            c.check(re.search(r'(--|-l )%s\b' % option, text),
                    '%s: %s --%s' % (shell, name, option))


def main():
    sim = sys.argv[1]
    c = lib.Checks()
    missing = []
    with lib.tmpdir() as d:
        for shell in ('bash', 'zsh', 'fish'):
            r = lib.run(sim, ['completion', shell])
            c.equal((r.returncode, r.stderr), (0, ''), 'completion ' + shell)
            script = os.path.join(d, 'completion.' + shell)
            with open(script, 'w') as f:
                f.write(r.stdout)
            whole(c, sim, shell, r.stdout)
            if shutil.which(shell) is None:
                missing.append(shell)
                continue
            r = subprocess.run([shell, '-n', script], capture_output=True,
                               text=True, env=dict(os.environ, HOME=d))
            c.equal((r.returncode, r.stderr), (0, ''), shell + ' -n')
        if 'bash' not in missing:
            several(c, os.path.join(d, 'completion.bash'))
            bash(c, './completion.bash', d)
    r = lib.run(sim, ['completion', 'fissh'])
    c.check(r.returncode == 2 and 'did you mean `fish`?' in r.stderr, r.stderr)
    r = lib.run(sim, ['completion'])
    c.check(r.returncode == 2 and 'name one shell' in r.stderr, r.stderr)
    if c.bad == 0 and missing:
        lib.skip('no ' + ' and no '.join(missing))
    c.done()


main()
