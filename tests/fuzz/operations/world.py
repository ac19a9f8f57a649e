# SPDX-License-Identifier: Apache-2.0
"""A sequence on a real mount, compared with the model after each step."""
import contextlib
import errno
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import NamedTuple

import actors
import maker
import model as models
import records
import steps

sys.path.insert(1, str(Path(__file__).resolve().parents[2] / "system"))
import harness  # noqa: E402

CANDIDATES_MAX = 48
PROPOSALS_MAX = 60
CONNECTIONS = Path("/sys/fs/fuse/connections")
NOTHING = "(nothing)\n"
FIRST = ("A", "B")
PATHS = {"open": (1,), "truncate": (0,), "stat": (0,), "chmod": (0,),
         "utimens": (0,), "unlink": (0,), "rename": (0, 1)}
TEXTS = {"write": 1, "pwrite": 2}


class Finding(NamedTuple):
    kind: str   # equal for what is probably the same
    what: str   # in words
    script: list

    def text(self):
        return "\n".join([*self.script, self.what])


class Broken(Exception):
    """The model has no such outcome."""

    def __init__(self, kind, what):
        super().__init__(what)
        self.kind, self.what = kind, what


def shown(value):
    if isinstance(value, int) and value < 0:
        return f"-{errno.errorcode.get(-value, -value)}"
    return repr(value)


class World:
    """A daemon, and all actors."""

    def __init__(self, program):
        self.program = program
        self.circuit = self.stage = None
        self.start()

    def start(self):
        self.circuit = harness.Circuit()
        self.circuit.start()
        self.connection = os.minor(os.stat(self.circuit.mount).st_dev)
        self.stage = actors.Stage(self.program)
        # That stage keeps nothing of ours open.

    def abort(self):
        """A mount that hangs: let go of all who wait in it."""
        with contextlib.suppress(OSError):
            (CONNECTIONS / str(self.connection) / "abort").write_text("1")
        if self.circuit.alive():
            self.circuit.daemon.kill()
            self.circuit.daemon.wait(harness.DEADLINE_S)
        self.stage.close()
        self.circuit.daemon = None
        said = self.circuit.said()
        self.circuit.discard()
        return said

    def again(self):
        said = self.abort()
        self.start()
        return said

    def stop(self):
        """End well; what a sanitizer has found is raised here."""
        self.stage.close()
        self.stage = None
        try:
            self.circuit.stop()
        finally:
            self.circuit.discard()

    def discard(self):
        if self.stage is not None:
            self.abort()


class Run:
    """One sequence in an anchor of its own."""

    def __init__(self, world, rng, tally):
        self.world, self.rng, self.tally = world, rng, tally
        self.stage = world.stage
        self.observer = self.stage.observer
        self.ns = world.circuit.make()
        self.address = self.ns.address
        mode = self.see_stat("records").split()[1]
        first = models.Model(int(mode, 8))
        for name in FIRST:
            self.stage.new(name)
            first.processes[name] = models.Process()
        self.candidates = [first]
        self.steps, self.script = [], []

    def path(self, name):
        return self.ns.path / name

    # What the observer sees.

    def see_stat(self, name):
        return self.observer.tell("stat", self.path(name)).data

    def slurp(self, name):
        answer = self.observer.tell("slurp", self.path(name))
        if answer.result < 0:
            raise Broken(f"observer {name}", f"{name} cannot be read: "
                         f"{shown(-answer.error)}")
        size, _, text = answer.data.partition("\n")
        if int(size) != len(text):
            raise Broken("size", f"{name}: st_size {size}, but it reads as "
                         f"{len(text)} octets")
        return text

    def take_errors(self):
        text = self.slurp("error")
        if text:
            tell = self.observer.tell
            tell("open", 0, self.path("error"), os.O_WRONLY, 0)
            tell("write", 0, actors.hexed("x"))
            tell("close", 0)
        return text

    def look(self):
        """(records or None, {name: text}, error)"""
        error = self.take_errors()
        text = None
        if not self.candidates[0].hides():
            text = self.slurp("records")
        listed = self.observer.tell("list", self.path("names"))
        names = {name: self.slurp(f"names/{name}")
                 for name in listed.data.split()}
        return text, names, error

    # Steps.

    def possible(self, step):
        """The step with its numbers, and its outcomes; None if there are not
        any."""
        try:
            step = self.candidates[0].resolved(step)
            now = time.monotonic()
            return step, [outcome for candidate in self.candidates
                          for outcome in candidate.outcomes(step, now)]
        except models.Impossible:
            return None

    def perform(self, step):
        actor = self.stage.actors[step.actor]
        words = list(step.args)
        for at in PATHS.get(step.op, ()):
            words[at] = self.path(words[at])
        if step.op in TEXTS:
            words[TEXTS[step.op]] = actors.hexed(words[TEXTS[step.op]])
        words = [word[1:] if isinstance(word, str) and word[:1] == "s" and
                 word[1:].isdigit() else word for word in words]
        if step.op == "open":
            words[2] = steps.flags_of(words[2])
            words[3:] = [int(words[3], 8) if words[3:] else 0o644]
        elif step.op in ("chmod", "fchmod"):
            words[1] = int(words[1], 8)
        if step.op == "kill":
            actor.kill()
        elif step.op == "exit":
            actor.begin("exit", *words)
            actor.gone()
        elif step.op == "fork":
            return self.fork(actor, words[0])
        else:
            return actor.tell(step.op, *words, thread=step.thread)
        self.stage.forget(step.actor)
        return actors.Answer(0, 0, "")

    def fork(self, actor, name):
        child = self.stage.fork(actor, name)
        return actors.Answer(child.pid, 0, "")

    def do(self, step, found):
        """Perform it, and leave the models that agree."""
        concrete, outcomes = found
        self.steps.append(step)
        self.script.append(str(concrete))
        answer = self.perform(concrete)
        result = -answer.error if answer.result < 0 else answer.result
        self.script[-1] += f"  # {shown(result)}"
        if answer.data:
            self.script[-1] += f" {answer.data!r}"
        if step.op in ("open", "dup"):
            for reply, model in outcomes:
                if reply == models.DONE and result >= 0:
                    model.have_descriptor(step, result)
        seen = self.look()
        if seen[2]:
            self.script[-1] += f"\n    # error: {seen[2].strip()}"
        agreed, complaints = [], []
        for reply, model in outcomes:
            complaint = self.compare(step.op, reply, model, result,
                                     answer.data, seen)
            if complaint is None:
                agreed.append(model)
            else:
                complaints.append(complaint)
        if not agreed:
            raise Broken(*min(complaints)[1:])
        self.choose(agreed, seen)

    def compare(self, op, reply, model, result, data, seen):
        """None, or how far it is from agreeing, a kind, and words."""
        text, names, error = seen
        if reply != models.ANY and reply != result and \
                not (reply == models.DONE and result >= 0):
            return (3, f"{op}: {shown(result) if result < 0 else 'success'}, "
                    f"not {shown(reply)}" if isinstance(reply, int) and
                    reply <= 0 or result < 0 else f"{op}: another number",
                    f"{op} gave {shown(result)}, and should give "
                    f"{shown(reply)}")
        if model.data is not None and result >= 0 and \
                data not in model.data:
            return (2, f"{op}: data", f"{op} gave {data!r}, and should give "
                    f"{' or '.join(map(repr, sorted(model.data)))}")
        wanted = records.text(model.store)
        listed = {owner: records.text_of(types, owner)
                  for owner, types in model.store.items()}
        if text is not None and text != wanted:
            return (1, f"{op}: records", f"records has\n{text or NOTHING}"
                    f"and should have\n{wanted or NOTHING}")
        if names != listed:
            return (1, f"{op}: names", f"names/ has {names}, and should have "
                    f"{listed}")
        if model.line is not None and bool(error) != model.line:
            return (0, f"{op}: error " + ("has" if error else "lacks") +
                    " a line",
                    f"error has {error!r}" if error else
                    "error has no line for what was refused")
        return None

    def choose(self, agreed, seen):
        if all(model.why for model in agreed):
            for why in min((model.why for model in agreed), key=len):
                self.tally.allowed(why)
        different = {}
        for model in agreed:
            different.setdefault(model.state(), model)
        self.candidates = list(different.values())[:CANDIDATES_MAX]
        if seen[0] is not None:
            for model in self.candidates:
                model.look_at_records()

    def ask(self):
        """What is served is what the file says."""
        store = self.candidates[0].store
        owner = self.rng.choice(maker.OWNERS)
        types = store.get(owner, {})
        for rdtype in ("A", "CNAME", "TXT"):
            got = self.world_answer(owner, rdtype)
            if owner not in store:
                wanted = "REFUSED"
            elif "CNAME" in types and rdtype != "CNAME":
                continue
            else:
                wanted = sorted(types.get(rdtype, (0, ()))[1])
            if got != wanted:
                raise Broken("served", f"{owner} {rdtype}: {got} is served, "
                             f"and should be {wanted}")

    def world_answer(self, owner, rdtype):
        response = harness.ask(self.address, owner, rdtype)
        rcode = harness.dns.rcode.to_text(response.rcode())
        if rcode != "NOERROR":
            return rcode
        return sorted(item.to_text() for rrset in response.answer
                      for item in rrset)

    def look_at_stat(self):
        store = self.candidates[0].store
        wanted = {owner: records.text_of(types, owner).splitlines()
                  for owner, types in store.items()}
        got = json.loads(self.slurp("stat"))["Records"]
        if got != wanted:
            raise Broken("stat", f"stat has {got}, and should have {wanted}")

    # Sequences.

    def make(self, made):
        """Steps at random."""
        for _ in range(self.rng.randint(*maker.LENGTH)):
            for _ in range(PROPOSALS_MAX):
                if not self.candidates[0].processes:
                    return
                step = made.proposal(self.candidates[0])
                found = self.possible(step)
                if found:
                    break
            else:
                return
            self.do(step, found)
            if self.rng.random() < 0.1:
                self.ask()
            if self.rng.random() < 0.1 or self.candidates[0].hides():
                self.look_at_stat()

    def replay(self, sequence):
        for step in sequence:
            found = self.possible(step)
            if found:
                self.do(step, found)
                self.look_at_stat()

    def end(self):
        """All exit: nothing is lost by that."""
        for name in sorted(self.candidates[0].processes):
            step = steps.Step(name, "exit", ("0",))
            found = self.possible(step)
            if found:
                self.do(step, found)
        self.ask()
        self.look_at_stat()
        self.stage.clear()
        answer = self.observer.tell("rmdir", self.ns.path)
        if answer.result:
            raise Broken("rmdir", f"rmdir: {shown(-answer.error)}")


def run(world, rng, tally, sequence=None):
    """A sequence at random, or that one: (steps, Finding or None)."""
    one = Run(world, rng, tally)
    try:
        if sequence is None:
            one.make(maker.Maker(rng))
        else:
            one.replay(sequence)
        one.end()
        tally.sequences += 1
        tally.steps += len(one.steps)
        return one.steps, None
    except Broken as broken:
        finding = Finding(broken.kind, broken.what, one.script)
        world.stage.clear()
        with contextlib.suppress(OSError):
            one.observer.tell("rmdir", one.ns.path)
    except actors.Hang as hang:
        finding = Finding(f"hang at {one.steps[-1].op}", f"a hang: {hang}",
                          one.script)
        world.again()
    if not world.circuit.alive():
        said = world.again()
        finding = Finding(f"the daemon died at {one.steps[-1].op}",
                          f"the daemon died:\n{said}", one.script)
    return one.steps, finding


class Tally:
    def __init__(self):
        self.sequences = self.steps = 0
        self.allowances = {}

    def allowed(self, why):
        self.allowances[why] = self.allowances.get(why, 0) + 1


def rng_of(seed, number):
    return random.Random(f"{seed}/{number}")
