#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a program from system call to system call, as a debugger would.

    step.py RECORDS COMMAND...

From its first SIGUSR1 on, which it never sees, a record is written to RECORDS
by somebody else each time that it is stopped. Prints how often it was; exits
as it does.
"""
import ctypes
import os
import signal
import sys

TRACEME, SYSCALL, SETOPTIONS = 0, 24, 0x4200
TRACESYSGOOD, EXITKILL = 1, 0x100000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                        ctypes.c_void_p]


def ptrace(request, pid, data=0):
    if libc.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")


records, *command = sys.argv[1:]
child = os.fork()
if child == 0:
    ptrace(TRACEME, 0)
    os.kill(os.getpid(), signal.SIGSTOP)
    os.execvp(command[0], command)
os.waitpid(child, 0)
ptrace(SETOPTIONS, child, TRACESYSGOOD | EXITKILL)

stops, begun = 0, False
while True:
    ptrace(SYSCALL, child)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) or os.WIFSIGNALED(status):
        break
    begun = begun or os.WSTOPSIG(status) == signal.SIGUSR1
    if begun:
        stops += 1
        with open(records, "w") as out:
            out.write("x. A 192.0.2.1\n")
print(stops)
sys.exit(os.waitstatus_to_exitcode(status))
