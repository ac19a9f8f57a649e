# SPDX-License-Identifier: Apache-2.0
"""What must be there after each call, by circuitfs(5) and nothing else.

One Model is one thing that may be the case. Where more than one is allowed (a
killed process that nobody knew was killed, what the manual leaves open), a
step has more than one outcome, the wanted one first; outcomes() tells all of
them, each as a model of its own, and what is seen later says which one it was.

A reply is a result of 0 or more, or -errno; DONE is any result but an error,
and ANY one that is not checked.
"""
import pickle

import records
from closing import Closing
from contents import Contents
from naming import Naming
from state import (ANY, DONE, KILLED, PUBLISHED, Impossible, Outcome, Process,
                   Reply, either)

__all__ = ("ANY", "DONE", "KILLED", "PUBLISHED", "Impossible", "Model",
           "Process")


class Model(Contents, Naming, Closing):
    def outcomes(self, step, now):
        """An Outcome for each thing that may come of a step."""
        saved, out, vectors = pickle.dumps(self), [], [[]]
        while vectors:
            vector = vectors.pop(0)
            model = pickle.loads(saved)
            model.begin(vector, now)
            result = model.run(step)
            for at in range(len(vector), len(model.choices)):
                done = [0] * (at - len(vector))
                vectors += [vector + done + [other] for other in
                            range(1, model.choices[at])]
            out.append(Outcome([Reply(result, model.data)], model.line,
                               model.why, model.marks, model))
        return out

    def outcomes_of_both(self, one, other, now):
        """Of two at once: they are done in this order or that."""
        out = []
        for first, second in ((one, other), (other, one)):
            for before in self.outcomes(first, now):
                for after in before.model.outcomes(second, now):
                    replies = before.replies + after.replies
                    if first is other:
                        replies.reverse()
                    out.append(Outcome(
                        replies, either(before.line, after.line),
                        before.why + after.why, before.marks + after.marks,
                        after.model))
        return out

    def is_one_moment(self, step):
        """What adds at the end of a text asks first where that is."""
        process = self.processes.get(step.actor)
        if process is None:
            raise Impossible(step.actor)
        if step.op not in ("write", "pwrite") or \
                step.args[0] not in process.slots:
            return True
        file = self.file(process, step.args[0])
        return file.appends or file.mode != "append" or bool(file.scratch)

    def run(self, step):
        """Return: the reply."""
        process = self.processes.get(step.actor)
        if process is None:
            raise Impossible(step.actor)
        act = getattr(self, f"do_{step.op}")
        try:
            return act(process, step.actor, step.thread, *step.args)
        except records.Unclear as unclear:
            raise Impossible from unclear

    def have_descriptor(self, step, fd):
        """What open or dup has returned: files are closed in that order."""
        slots = self.processes[step.actor].slots
        slot = step.args[0 if step.op == "open" else 1]
        slots[slot] = fd, *slots[slot][1:]

    def resolved(self, step):
        """With the numbers of its words for sizes and offsets."""
        at = {"pwrite": 1, "ftruncate": 1, "lseek": 1, "truncate": 1}
        process = self.processes.get(step.actor)
        if step.op not in at or process is None:
            return step
        args = list(step.args)
        if step.op == "truncate":
            number = self.size_of(self.path(args[0]), args[1])
        else:
            number = self.offset(self.file(process, args[0]), args[1])
        args[at[step.op]] = str(number)
        return step._replace(args=tuple(args))
