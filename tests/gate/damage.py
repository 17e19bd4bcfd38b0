#!/usr/bin/env python3
"""Damage a capture in one way: damage.py KIND IN OUT [OTHER]."""
import struct
import sys


def blocks(data):
    off = 0
    while off < len(data):
        btype, blen = struct.unpack_from("<II", data, off)
        yield btype, bytearray(data[off:off + blen])
        off += blen


def rebuilt(block):
    struct.pack_into("<I", block, 4, len(block))
    struct.pack_into("<I", block, len(block) - 4, len(block))
    return block


def payload(frame):
    """Offset of the TCP header and of its payload in an Ethernet frame."""
    ip = 14
    if frame[12:14] == b"\x81\x00":
        ip = 18
    tcp = ip + ((frame[ip] & 15) * 4 if frame[ip] >> 4 == 4 else 40)
    return tcp, tcp + (frame[tcp + 12] >> 4) * 4


def fix_sum(frame, at, delta_old, delta_new):
    """RFC 1624 update of a checksum for one changed 16-bit word."""
    s = struct.unpack_from(">H", frame, at)[0]
    s = (~s & 0xffff) + (~delta_old & 0xffff) + delta_new
    while s > 0xffff:
        s = (s & 0xffff) + (s >> 16)
    struct.pack_into(">H", frame, at, ~s & 0xffff)


def epb_frame(block):
    n = struct.unpack_from("<I", block, 20)[0]
    return bytearray(block[28:28 + n])


def data_frames(bs):
    """Indexes of frames with more than 1000 bytes of payload."""
    return [i for i, (t, b) in enumerate(bs)
            if t == 6 and len(epb_frame(b)) > 1000
            and b"rexmit" not in bytes(b)]


def flip_cipher(bs):
    i = data_frames(bs)[-3]
    f = epb_frame(bs[i][1])
    tcp, pay = payload(f)
    at = pay + 600 + (pay + 600 - tcp) % 2
    old = struct.unpack_from(">H", f, at)[0]
    f[at] ^= 0x10
    fix_sum(f, tcp + 16, old, struct.unpack_from(">H", f, at)[0])
    bs[i][1][28:28 + len(f)] = f


def bad_sum(bs):
    i = data_frames(bs)[-3]
    f = epb_frame(bs[i][1])
    f[payload(f)[0] + 16] ^= 1
    bs[i][1][28:28 + len(f)] = f


def drop_frame(bs):
    del bs[data_frames(bs)[-3]]


def no_secrets(bs):
    bs[:] = [x for x in bs if x[0] != 10]


def last_secret_gone(bs):
    del bs[[i for i, x in enumerate(bs) if x[0] == 10][-1]]


def time_back(bs):
    i = data_frames(bs)[-3]
    lo = struct.unpack_from("<I", bs[i][1], 16)[0]
    struct.pack_into("<I", bs[i][1], 16, lo - 60000)


def not_said(bs):
    for _, b in bs:
        at = bytes(b).find(b"rexmit")
        if at >= 0:
            b[at:at + 6] = b"resent"
            return


def said_wrongly(bs):
    b = bs[data_frames(bs)[3]][1]
    at = bytes(b).find(b"queue")
    b[at:at + 6] = b"rexmit"


def cut(bs):
    bs[-3] = (bs[-3][0], bs[-3][1][:40])
    del bs[-2:]


def other_secrets(bs, path):
    theirs = [x for x in blocks(open(path, "rb").read()) if x[0] == 10]
    k = 0
    for i, x in enumerate(bs):
        if x[0] == 10:
            bs[i] = theirs[min(k, len(theirs) - 1)]
            k += 1


def main():
    kind, src, dst = sys.argv[1:4]
    bs = list(blocks(open(src, "rb").read()))
    globals()[kind.replace("-", "_")](bs, *sys.argv[4:])
    with open(dst, "wb") as out:
        for _, b in bs:
            out.write(b)


main()
