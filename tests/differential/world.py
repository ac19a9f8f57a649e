# SPDX-License-Identifier: Apache-2.0
"""circuitfs, NSD and Knot with the same zones, and all questions to them."""
import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import compare
import exchange
import names
import odd
import queries
import wire

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "peers"), str(TESTS / "system")]
import harness  # noqa: E402
import peers  # noqa: E402

OURS, NSD, KNOT = "circuitfs", "NSD", "Knot"


class Difference(NamedTuple):
    number: int  # of the case
    query: wire.Query
    why: str
    responses: compare.Responses


class Loaded:
    """The zones of some cases, served by all three."""

    def __init__(self, circuit, cases):
        self.cases = cases
        self.stack = contextlib.ExitStack()
        try:
            self.start(circuit)
        except BaseException:
            self.stack.close()
            raise

    def start(self, circuit):
        directory = Path(tempfile.mkdtemp(prefix="differential-"))
        self.stack.callback(shutil.rmtree, directory)
        files = []
        for case in self.cases:
            for apex in case.apexes:
                path = directory / f"zone{len(files)}"
                path.write_text(case.zone_text(apex))
                files.append((names.text(apex), path))

        ours = circuit.make()
        self.stack.callback(os.rmdir, ours.path)
        ours.records.write_text("".join(case.text() for case in self.cases))
        ip = harness.own_loopback()
        nsd = self.stack.enter_context(
            peers.Nsd(ip, directory / "nsd", files))
        knot = self.stack.enter_context(
            peers.Knot(ip, directory / "knot", files))
        self.processes = [nsd.process, knot.process]
        self.servers = []
        for name, address in ((OURS, harness.split_address(ours.address)),
                              (NSD, nsd.address), (KNOT, knot.address)):
            server = exchange.Server(name, address)
            self.stack.callback(server.close)
            self.servers.append(server)
        self.check_loaded()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stack.close()

    def check_loaded(self):
        """A zone that a peer did not take would be compared with SERVFAIL."""
        for case in self.cases:
            asked = [wire.Query(names.wire(apex), wire.SOA)
                     for apex in case.apexes]
            has_nsd = not case.has_zone_below_dname()
            for name, found in exchange.ask(self.servers, asked).items():
                for message in found:
                    response = wire.parse(message)
                    if response.answer or (name == NSD and not has_nsd):
                        continue
                    raise RuntimeError(
                        f"{name} does not serve case {case.number}:\n"
                        f"{case.text()}\n" + "\n".join(
                            process.said() for process in self.processes))

    def ask(self, asked):
        found = exchange.ask(self.servers, asked)
        return list(zip(*(found[server.name] for server in self.servers)))


class Tally:
    def __init__(self):
        self.zones = self.questions = 0
        self.policies = {}
        self.differences = []

    def decided(self, policy, count=1):
        self.policies[policy] = self.policies.get(policy, 0) + count

    def add(self, other):
        self.zones += other.zones
        self.questions += other.questions
        self.differences += other.differences
        for policy, count in other.policies.items():
            self.decided(policy, count)


class Examination:
    """All questions of one case, and what came of them."""

    def __init__(self, loaded, case, tally):
        self.loaded, self.case, self.tally = loaded, case, tally
        self.judge = compare.Judge(case)

    def run(self, asked=None):
        asked = queries.of(self.case) if asked is None else asked
        self.tally.zones += len(self.case.apexes)
        self.tally.questions += len(asked)
        short = []
        for query, messages in zip(asked, self.loaded.ask(asked)):
            # Most of the time all three send the same octets.
            if messages[0] == messages[1] == messages[2]:
                continue
            responses = self.judged(query, messages)
            if responses is None:
                continue
            if compare.is_short(query, responses):
                short.append((query, responses))
            else:
                self.note(query, responses,
                          *self.judge.full(query, responses))
        if short:
            self.run_short(short)

    def run_short(self, short):
        """Those again over TCP, where nothing is short."""
        again = [query._replace(tcp=True) for query, _ in short]
        for (query, responses), whole, messages in zip(
                short, again, self.loaded.ask(again)):
            unlimited = self.judged(whole, messages)
            if unlimited is None:
                continue
            why, policy = self.judge.full(whole, unlimited)
            if why is not None:
                self.note(whole, unlimited, why, policy)
                continue
            self.note(query, responses, *self.judge.short(
                query, responses, unlimited.ours))

    def judged(self, query, messages):
        """The responses, unless one of ours is bad by itself."""
        try:
            responses = self.judge.responses(query, messages)
        except wire.Malformed as why:
            self.note(query, None, f"malformed: {why}", None)
            return None
        why = compare.unsound(query, responses.ours)
        if why is not None:
            self.note(query, responses, why, None)
            return None
        return responses

    def note(self, query, responses, why, policy):
        if why is not None:
            self.tally.differences.append(
                Difference(self.case.number, query, why, responses))
        elif policy is not None:
            self.tally.decided(policy)


def examine(circuit, cases):
    """Load some cases and ask all their questions."""
    tally = Tally()
    # The root zone holds every name: nothing can be loaded beside it.
    together = [case for case in cases if case.base != ()]
    groups = [[case] for case in cases if case.base == ()]
    for group in [together] * bool(together) + groups:
        with Loaded(circuit, group) as loaded:
            for case in group:
                Examination(loaded, case, tally).run()
    return tally


class OddCase:
    """What odd.py asks about."""

    apexes = [(b"odd", b"test")]
    number = -1

    @staticmethod
    def has_zone_below_dname():
        return False

    @staticmethod
    def text():
        return odd.ZONE

    @staticmethod
    def zone_text(_):
        return odd.ZONE


def examine_odd(circuit):
    """Return: how many, how many that NSD and Knot differ in, complaints."""
    rows = list(odd.rows())
    differ, complaints = 0, []
    with Loaded(circuit, [OddCase]) as loaded:
        answers = zip(*(odd.ask(server.address, rows)
                        for server in loaded.servers))
        for row, messages in zip(rows, answers):
            why, peers_differ = odd.compare(row, messages)
            differ += peers_differ
            if why is not None:
                shown = "\n".join(
                    f"    {server.name}: {odd.seen(message)}"
                    for server, message in zip(loaded.servers, messages))
                complaints.append(f"{row.title}: {why}\n{shown}")
    return len(rows), differ, complaints


@contextlib.contextmanager
def running_circuit():
    circuit = harness.Circuit()
    try:
        yield circuit.start()
        circuit.stop()
    finally:
        circuit.discard()
