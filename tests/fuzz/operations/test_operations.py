# SPDX-License-Identifier: Apache-2.0
"""The fuzz target finds what it is there to find."""
import errno
import os
import random
import signal

import pytest

import actors
import model as models
import operations
import records
import steps
import world

SEQUENCE = """\
A open s1 names/a.test. O_WRONLY|O_CREAT|O_APPEND
A write s1 "@ A 192.0.2.1\\n"
A fork P1
P1 write s1 "@ A 192.0.2.2\\n"
B stat records
P1 close s1
B& write s2 "nobody has that descriptor"
B+ open s3 records O_RDONLY
B& pread s3 0 4096
A close s1
"""


@pytest.fixture
def place():
    place = world.World(operations.ACTOR)
    yield place
    place.discard()


def run(place, text=SEQUENCE):
    return world.run(place, random.Random(0), world.Tally(),
                     steps.parse_all(text))


def test_a_step_reads_back_as_it_was_written():
    for text in SEQUENCE.splitlines():
        assert str(steps.parse(text)) == text
    assert steps.parse("  # nothing") is None
    assert steps.parse('A write s1 "a # b;\\n"  # 7') == \
        steps.Step("A", "write", ("s1", "a # b;\n"))


# What the model says by itself: steps, results, and the records at the end.
@pytest.mark.parametrize("text, results, wanted", [
    ('A open s1 records O_WRONLY|O_TRUNC\nA write s1 "a. A 192.0.2.1\\n"',
     [models.DONE, 15], ""),
    ('A open s1 records O_WRONLY|O_TRUNC\nA write s1 "a. A 192.0.2.1\\n"\n'
     "A close s1", [models.DONE, 15, 0], "a.\t3600\tIN\tA\t192.0.2.1\n"),
    ('A open s1 records O_WRONLY|O_APPEND\nA write s1 "a. A 192.0.2.1\\n"\n'
     'A write s1 "a. CNAME b.\\n"', [models.DONE, 15, -errno.EINVAL],
     "a.\t3600\tIN\tA\t192.0.2.1\n"),
    ('A open s1 records O_WRONLY|O_TRUNC\nA write s1 "a. A 192.0"\n'
     'A write s1 ".2.1"\nA close s1', [models.DONE, 10, 4, -errno.EINVAL], ""),
    ("A open s1 names/a. O_WRONLY", [-errno.ENOENT], ""),
    ("A unlink names/a.", [-errno.ENOENT], ""),
], ids=["open", "closed", "append", "half", "missing", "unlink"])
def test_the_model_says_what_the_manual_says(text, results, wanted):
    model = models.Model(0o644)
    model.processes["A"] = models.Process()
    for step, result in zip(steps.parse_all(text), results):
        outcome = model.outcomes(step, 0.0)[0]
        assert outcome.replies[0].result == result
        model = outcome.model
    assert records.text(model.store) == wanted


def test_a_sequence_that_is_right_is_no_finding(place):
    done, finding = run(place)
    assert finding is None, finding.text()
    assert len(done) == 12  # without the impossible one; and all exit


def test_what_is_wrong_is_found_and_made_smaller(place, monkeypatch):
    # As if the daemon kept what nobody has written.
    monkeypatch.setattr(models.Model, "write_more",
                        lambda *args: len(args[-1]))
    done, finding = run(place)
    assert finding.kind == "write: records"
    less, finding = operations.shrink(place, done, finding)
    assert [step.op for step in less] == ["open", "write"]
    assert "names/a.test." in finding.text()


def test_what_is_served_is_compared(place, monkeypatch):
    monkeypatch.setattr(world.Run, "world_answer", lambda *_: ["192.0.2.99"])
    _, finding = run(place)
    assert finding.kind == "served"


def test_a_call_without_an_answer_is_found_and_comes_free(place, monkeypatch):
    monkeypatch.setattr(actors, "ANSWER_S", 1)
    real, daemon = world.Run.perform_all, place.circuit.daemon

    def stopping(self, together):
        if together[0].op == "write":
            daemon.send_signal(signal.SIGSTOP)
        return real(self, together)

    monkeypatch.setattr(world.Run, "perform_all", stopping)
    _, finding = run(place)
    assert finding.kind == "a hang at write"
    # It has another daemon now, and nothing waits in the mount of the first.
    assert daemon.poll() is not None and place.circuit.alive()
    monkeypatch.undo()
    assert run(place)[1] is None


def test_a_daemon_that_dies_is_found(place, monkeypatch):
    real, daemon = world.Run.perform_all, place.circuit.daemon

    def killing(self, together):
        if together[0].op == "fork":
            daemon.kill()
            daemon.wait()
        return real(self, together)

    monkeypatch.setattr(world.Run, "perform_all", killing)
    _, finding = run(place)
    assert finding.kind.startswith("the daemon died")


def test_nothing_is_left_behind():
    place = world.World(operations.ACTOR)
    run(place)
    pids = [actor.pid for actor in place.stage.actors.values()]
    base = place.circuit.base
    place.discard()
    assert not base.exists()
    for pid in pids:
        assert not os.path.exists(f"/proc/{pid}")
