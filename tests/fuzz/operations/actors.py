# SPDX-License-Identifier: Apache-2.0
"""Processes that do what they are told: actor.c, seen from here.

Nobody here touches the mount: whatever looks at it is an actor too, and each
of its answers has a deadline.
"""
import os
import select
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

ANSWER_S = 10


class Hang(Exception):
    """A call that did not come to its end."""


class Answer(NamedTuple):
    result: int
    error: int
    data: str


class Actor:
    def __init__(self, name, pid, channel):
        self.name, self.pid, self.channel = name, pid, channel
        self.pidfd = os.pidfd_open(pid)

    def begin(self, *words, thread=False):
        words = ("thread", *words) if thread else words
        try:
            self.channel.send(" ".join(map(str, words)).encode())
        except BrokenPipeError:
            raise RuntimeError(f"actor {self.name} is dead") from None

    def end(self, what):
        if not select.select([self.channel], [], [], ANSWER_S)[0]:
            raise Hang(f"{self.name}: no answer within {ANSWER_S} s: {what}")
        packet = self.channel.recv(1 << 18).decode()
        if not packet:
            raise RuntimeError(f"actor {self.name} died at: {what}")
        result, error, data = packet.split(" ")
        return Answer(int(result), int(error),
                      "" if data == "-" else bytes.fromhex(data).decode())

    def tell(self, *words, thread=False):
        self.begin(*words, thread=thread)
        return self.end(words)

    def gone(self):
        """Wait for its end: by then all its files are closed."""
        if not select.select([self.pidfd], [], [], ANSWER_S)[0]:
            raise Hang(f"{self.name} does not end within {ANSWER_S} s")
        self.close()

    def kill(self):
        signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        self.gone()

    def close(self):
        self.channel.close()
        os.close(self.pidfd)


def hexed(text):
    return text.encode().hex() or "-"


class Stage:
    """All actors of a run: one that forks the others, one that only looks."""

    def __init__(self, program):
        self.directory = tempfile.TemporaryDirectory(prefix="circuitfs-")
        path = Path(self.directory.name) / "actors"
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(path))
        self.listener.listen()
        self.process = subprocess.Popen([program, str(path), "nursery"],
                                        stdin=subprocess.DEVNULL)
        self.actors = {}
        self.nursery = self.welcome()
        self.observer = self.fork(self.nursery, "observer")

    def welcome(self):
        if not select.select([self.listener], [], [], ANSWER_S)[0]:
            raise Hang("a new actor does not come")
        channel, _ = self.listener.accept()
        _, name, pid = channel.recv(256).decode().split(" ")
        actor = self.actors[name] = Actor(name, int(pid), channel)
        return actor

    def fork(self, parent, name):
        parent.begin("fork", name)
        child = self.welcome()
        answer = parent.end(f"fork {name}")
        assert answer.result == child.pid, answer
        return child

    def new(self, name):
        return self.fork(self.nursery, name)

    def forget(self, name):
        self.actors.pop(name)

    def clear(self, kept=("nursery", "observer")):
        """End all that a sequence has left."""
        for name in list(self.actors):
            if name not in kept:
                self.actors.pop(name).kill()
        self.nursery.tell("reap")

    def close(self):
        self.clear(kept=("nursery",))
        self.nursery.kill()
        self.process.wait(ANSWER_S)
        self.listener.close()
        self.directory.cleanup()
