#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Opens a file to replace it, writes and closes it through io_uring(7).

    ring.py FILE TEXT

The file never has a descriptor: its close is one that no process makes. Exits
with 77 where the kernel has no io_uring.
"""
import ctypes
import mmap
import os
import struct
import sys

SETUP, ENTER, REGISTER = 425, 426, 427
OPENAT, CLOSE, WRITE = 18, 19, 23
FIXED_FILE, REGISTER_FILES, GETEVENTS = 1, 2, 1
OFF_SQ_RING, OFF_CQ_RING, OFF_SQES = 0, 0x8000000, 0x10000000

libc = ctypes.CDLL(None, use_errno=True)


def call(*words):
    result = libc.syscall(*[ctypes.c_long(word) for word in words])
    if result < 0:
        raise OSError(ctypes.get_errno(), "io_uring")
    return result


def address(buffer):
    return ctypes.addressof((ctypes.c_char * len(buffer)).from_buffer(buffer))


class Ring:
    def __init__(self):
        params = bytearray(120)
        self.fd = call(SETUP, 4, address(params))
        sq, cq = struct.unpack_from("10I", params, 40), \
            struct.unpack_from("10I", params, 80)
        self.tail, self.array = sq[1], sq[6]
        self.cq_head, self.cq_tail, self.cqes = cq[0], cq[1], cq[5]
        self.mask = struct.unpack_from("I", params, 0)[0] - 1
        self.cq_mask = struct.unpack_from("I", params, 4)[0] - 1
        self.sq = mmap.mmap(self.fd, 4096, offset=OFF_SQ_RING)
        self.cq = mmap.mmap(self.fd, 4096, offset=OFF_CQ_RING)
        self.sqes = mmap.mmap(self.fd, 4096, offset=OFF_SQES)
        files = bytearray(struct.pack("i", -1))
        call(REGISTER, self.fd, REGISTER_FILES, address(files), 1)

    def do(self, opcode, *, flags=0, fd=0, offset=0, at=0, length=0,
           open_flags=0, index=0):
        tail, = struct.unpack_from("I", self.sq, self.tail)
        struct.pack_into("BBHiQQIIQHHIQQ", self.sqes, 64 * (tail & self.mask),
                         opcode, flags, 0, fd, offset, at, length, open_flags,
                         0, 0, 0, index, 0, 0)
        struct.pack_into("I", self.sq, self.array + 4 * (tail & self.mask),
                         tail & self.mask)
        struct.pack_into("I", self.sq, self.tail, tail + 1)
        call(ENTER, self.fd, 1, 1, GETEVENTS, 0, 0)
        head, = struct.unpack_from("I", self.cq, self.cq_head)
        _, result = struct.unpack_from("Qi", self.cq,
                                       self.cqes + 16 * (head & self.cq_mask))
        struct.pack_into("I", self.cq, self.cq_head, head + 1)
        if result < 0:
            raise OSError(-result, os.strerror(-result))


path = bytearray(sys.argv[1].encode() + b"\0")
text = bytearray(sys.argv[2].encode())
try:
    ring = Ring()
except OSError as failure:
    print(failure)
    sys.exit(77)
ring.do(OPENAT, fd=-100, at=address(path), open_flags=os.O_WRONLY | os.O_TRUNC,
        index=1)
ring.do(WRITE, flags=FIXED_FILE, fd=0, at=address(text), length=len(text))
ring.do(CLOSE, index=1)
