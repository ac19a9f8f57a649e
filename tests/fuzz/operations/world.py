# SPDX-License-Identifier: Apache-2.0
"""A sequence on a real mount, compared with the model after each step."""
import contextlib
import errno
import json
import os
import random
import re
import sys
import tempfile
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
CRASHES = 0.02  # of the daemon, behind a sequence
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


def replied(wanted, result):
    return wanted == models.ANY or wanted == result or \
        (wanted == models.DONE and result >= 0)


def kind_of(result, wanted):
    """Equal for what is probably the same."""
    if isinstance(wanted, int) and wanted > 0 and result > 0:
        return "another number"
    return " not ".join("success" if not isinstance(one, int) or one >= 0
                        else shown(one) for one in (result, wanted))


class World:
    """A daemon, and all actors."""

    def __init__(self, program):
        self.program = program
        self.reports = tempfile.TemporaryDirectory(prefix="circuitfs-")
        os.environ.update(harness.reporting_to(Path(self.reports.name)))
        self.circuit = self.stage = None
        self.start()

    def start(self):
        self.circuit = harness.Circuit()
        self.circuit.start()
        self.connection = os.minor(os.stat(self.circuit.mount).st_dev)
        self.stage = actors.Stage(self.program)

    def crash(self):
        """As a power cut would; the actors live on."""
        self.circuit.crash_and_restart()
        self.connection = os.minor(os.stat(self.circuit.mount).st_dev)

    def abort(self):
        """A mount that hangs lets go of all who wait in it; what it said."""
        with contextlib.suppress(OSError):
            (CONNECTIONS / str(self.connection) / "abort").write_text("1")
        if self.circuit.alive():
            self.circuit.daemon.kill()
        self.circuit.daemon.wait(harness.DEADLINE_S)
        self.circuit.daemon = None
        self.stage.close()
        self.stage = None
        said = self.circuit.said()
        self.circuit.discard()
        return said

    def again(self):
        said = self.abort()
        self.start()
        return said

    def check_reports(self):
        """What a sanitizer has found fails here."""
        harness.check_reports(Path(self.reports.name))

    def stop(self):
        """End well."""
        self.stage.close()
        self.stage = None
        self.circuit.stop()
        self.check_reports()

    def discard(self):
        """Whatever happened, leave nothing behind."""
        if self.stage is not None:
            self.abort()
        elif self.circuit.base.exists():
            self.circuit.discard()
        self.reports.cleanup()


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

    def last_op(self):
        return self.steps[-1].op if self.steps else "the start"

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

    def possible(self, step, beside=None):
        """The step, or both, with their numbers, and what may come of it; None
        if nobody can do that."""
        first, now = self.candidates[0], time.monotonic()
        try:
            together = [first.resolved(one) for one in (step, beside) if one]
            if beside is None:
                outcomes = [one.outcomes(*together, now)
                            for one in self.candidates]
            elif first.hides() or not all(map(first.is_one_moment, together)):
                return None
            else:
                outcomes = [one.outcomes_of_both(*together, now)
                            for one in self.candidates]
        except models.Impossible:
            return None
        return together, sum(outcomes, [])

    def words(self, step):
        """What the actor is told."""
        words = list(step.args)
        for at in PATHS.get(step.op, ()):
            words[at] = self.path(words[at])
        if step.op in TEXTS:
            words[TEXTS[step.op]] = actors.hexed(words[TEXTS[step.op]])
        words = [word[1:] if isinstance(word, str) and
                 re.fullmatch(r"s\d+", word) else word for word in words]
        if step.op == "open":
            words[2] = steps.flags_of(words[2])
            words[3:] = [int(words[3], 8) if words[3:] else 0o644]
        elif step.op in ("chmod", "fchmod"):
            words[1] = int(words[1], 8)
        return [step.op, *words]

    def perform(self, step):
        actor, words = self.stage.actors[step.actor], self.words(step)
        if step.op == "fork":
            child = self.stage.fork(actor, *step.args)
            return actors.Answer(child.pid, 0, "")
        if step.op == "kill":
            actor.kill()
        elif step.op == "exit":
            actor.begin(*words)
            actor.gone()
        else:
            return actor.tell(*words, thread=step.thread)
        self.stage.forget(step.actor)
        return actors.Answer(0, 0, "")

    def perform_all(self, together):
        if len(together) == 1:
            return [self.perform(*together)]
        told = [(self.stage.actors[step.actor], step) for step in together]
        for actor, step in told:
            actor.begin(*self.words(step), thread=step.thread)
        return [actor.end(step) for actor, step in told]

    def do(self, sequence, found):
        """Perform a step or two at once, and leave the models that agree."""
        together, outcomes = found
        self.steps += sequence
        self.script += map(str, together)
        answers = self.perform_all(together)
        results = []
        for at, (step, answer) in enumerate(zip(together, answers)):
            result = -answer.error if answer.result < 0 else answer.result
            results.append((step.op, result, answer.data))
            self.script[at - len(together)] += f"  # {shown(result)}" + \
                (f" {answer.data!r}" if answer.data else "")
            if step.op in ("open", "dup") and result >= 0:
                for outcome in outcomes:
                    if outcome.replies[at].result == models.DONE:
                        outcome.model.have_descriptor(step, result)
        seen = self.look()
        if seen[2]:
            self.script[-1] += f"\n    # error: {seen[2].strip()}"
        agreed, complaints = [], []
        for outcome in outcomes:
            complaint = self.compare(outcome, results, seen)
            if complaint is None:
                agreed.append(outcome)
            else:
                complaints.append(complaint)
        if not agreed:
            raise Broken(*min(complaints)[1:])
        self.choose(agreed, seen)

    def compare(self, outcome, results, seen):
        """None, or how far it is from agreeing, a kind, and words."""
        for (op, result, data), reply in zip(results, outcome.replies):
            if not replied(reply.result, result):
                return 3, f"{op}: {kind_of(result, reply.result)}", \
                    f"{op} gave {shown(result)}, and should give " \
                    f"{shown(reply.result)}"
            if reply.data is not None and data not in reply.data and \
                    result >= 0:
                wanted = " or ".join(map(repr, sorted(reply.data)))
                return 2, f"{op}: data", \
                    f"{op} gave {data!r}, and should give {wanted}"
        ops = " & ".join(op for op, _, _ in results)
        (text, names, error), store = seen, outcome.model.store
        wanted = records.text(store)
        if text is not None and text != wanted:
            return 1, f"{ops}: records", f"records has\n{text or NOTHING}" \
                f"and should have\n{wanted or NOTHING}"
        listed = {records.file_name(owner): records.text_of(types, owner)
                  for owner, types in store.items()}
        if names != listed:
            return 1, f"{ops}: names", \
                f"names/ has {names}, and should have {listed}"
        if outcome.line is not None and bool(error) != outcome.line:
            return 0, f"{ops}: error " + \
                ("has a line" if error else "lacks a line"), \
                f"error has {error!r}" if error else \
                "error has no line for what was refused"
        return None

    def choose(self, agreed, seen):
        if all(outcome.why for outcome in agreed):
            for why in min((outcome.why for outcome in agreed), key=len):
                self.tally.count(why)
        for mark in agreed[0].marks:
            self.tally.count(mark)
        different = {}
        for outcome in agreed:
            different.setdefault(outcome.model.state(), outcome.model)
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
                below = any(name.endswith(f".{owner}") for name in store)
                wanted = [] if below else "REFUSED"
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

    def attempt(self, step, beside=None):
        """Do it, if it is possible."""
        found = self.possible(step, beside)
        if found is None:
            return False
        self.do([step] if beside is None else [step, beside], found)
        return True

    def make(self, made):
        """Steps at random."""
        for _ in range(self.rng.randint(*maker.LENGTH)):
            if not self.make_one(made):
                return
            if self.rng.random() < 0.1:
                self.ask()
            if self.rng.random() < 0.1 or self.candidates[0].hides():
                self.look_at_stat()

    def make_one(self, made):
        for _ in range(PROPOSALS_MAX):
            model = self.candidates[0]
            if not model.processes:
                return False
            pair = self.rng.random() < 0.05 and made.pair(model)
            if self.attempt(*(pair or [made.proposal(model)])):
                return True
        return False

    def replay(self, sequence):
        left = list(sequence)
        while left:
            step = left.pop(0)
            if step.beside and left and \
                    maker.can_be_at_once(step, left[0]) and \
                    self.attempt(step, left[0]):
                left.pop(0)
            elif not self.attempt(step._replace(beside=False)):
                continue
            self.look_at_stat()

    def end(self):
        """All exit: nothing is lost by that, nor by the end of the daemon."""
        known = all([self.attempt(steps.Step(name, "exit", ("0",)))
                     for name in sorted(self.candidates[0].processes)])
        self.stage.clear()
        if self.rng.random() < CRASHES:
            self.world.crash()
            self.address = self.ns.address
        if known:
            self.ask()
            self.look_at_stat()
        answer = self.observer.tell("rmdir", self.ns.path)
        if answer.result:
            raise Broken("rmdir", f"rmdir: {shown(-answer.error)}")


def run(world, rng, tally, sequence=None):
    """A sequence at random, or that one: (steps, Finding or None)."""
    one = Run(world, rng, tally)
    finding = None
    try:
        if sequence is None:
            one.make(maker.Maker(rng))
        else:
            one.replay(sequence)
        one.end()
        tally.sequences += 1
        tally.steps += len(one.steps)
    except Broken as broken:
        finding = Finding(broken.kind, broken.what, one.script)
    except actors.Hang as hang:
        finding = Finding(f"a hang at {one.last_op()}", f"a hang: {hang}",
                          one.script)
        world.again()
        return one.steps, finding
    if not world.circuit.alive():
        finding = Finding(f"the daemon died at {one.last_op()}",
                          f"the daemon died:\n{world.again()}", one.script)
    elif finding:
        world.stage.clear()
        world.stage.observer.tell("rmdir", one.ns.path)
    return one.steps, finding


class Tally:
    def __init__(self):
        self.sequences = self.steps = 0
        self.counts = {}  # of what was not the wanted choice, and of marks

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1


def rng_of(seed, number):
    return random.Random(f"{seed}/{number}")
