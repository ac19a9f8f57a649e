# SPDX-License-Identifier: Apache-2.0
"""What must be there after each call, by circuitfs(5) and nothing else.

One Model is one thing that may be the case. Where more than one is allowed (a
killed process that nobody knew was killed, what the manual leaves open), a
step has more than one outcome, the wanted one first; outcomes() tells all of
them, each as a model of its own, and what is seen later says which one it was.

A reply is a result of 0 or more, or -errno; DONE is any result but an error,
and ANY one that is not checked.
"""
import errno
import pickle
import re
from typing import NamedTuple

import records

HIDDEN_S = 1      # for how long an unlinked file is remembered
CLEAN_UP_S = 5    # ... and a refused write
NO, MAYBE, YES = range(3)
DONE, ANY = "done", "any"
KILLED = "killed before it closed"
PUBLISHED = "published after a kill"


class Impossible(Exception):
    """Nobody can do that now, or nobody can say what it would do."""


class Reply(NamedTuple):
    result: object  # a number, DONE or ANY
    data: object    # those that may be read, or None for any


class Outcome(NamedTuple):
    replies: list   # one for each step
    line: object    # does `error` get one? None: it may
    why: list       # what was not the wanted choice
    marks: list     # what is counted
    model: object


def either(one, other):
    """Does `error` get a line from one step or the other?"""
    if one or other:
        return True
    return None if None in (one, other) else False


class Scratch:
    def __init__(self, mode):
        self.text, self.mode = "", mode


class OpenFile:
    """What open(2) makes: what dup(2) and fork(2) share."""

    def __init__(self, path, flags, opener, scratch=None):
        self.path, self.opener, self.scratch = path, opener, scratch
        self.reads = "O_WRONLY" not in flags
        self.writes = "O_WRONLY" in flags or "O_RDWR" in flags
        self.appends = "O_APPEND" in flags
        self.position = 0      # None: the kernel's affair
        self.writers = set()   # processes
        self.shown = None      # the text at the last read from its start
        self.seen = None       # when that was, in edits
        self.at_its_end = False
        self.kept = None       # the text when it was unlinked
        self.made = False      # the name, by opening it
        self.unlinked = self.vague = False
        self.calls = 0         # write()s, refused ones too
        self.tail = ""         # of a line
        self.tail_refused = self.failed = False
        self.left_a_hole = False
        self.has_outlived = False  # one of its writers
        self.last_end = None   # where the last accepted write ended
        self.former = None     # what to put back
        self.killed = False
        self.mode = "append"
        self.off = 0
        if "O_TRUNC" in flags:
            self.replace()

    def replace(self):
        self.mode = "replace"
        self.staged, self.staged_len, self.staged_calls = {}, 0, 0
        self.calls, self.tail, self.off = 0, "", 0
        self.tail_refused = self.failed = False
        self.published = NO    # by somebody, since
        self.refusers = set()  # processes whose ftruncate was refused
        self.writers = set()

    def owner(self):
        return self.path[1]

    def origin(self):
        return self.path[1] or "."


class Process:
    def __init__(self):
        self.slots = {}      # slot: (fd, number of an OpenFile, O_CLOEXEC)
        self.unlinked = {}   # owner: (when, types it had, is it the last)
        self.replaced = {}   # path: when
        self.refused = {}    # owner: (when, is it certain)
        self.hidden = None   # when it unlinked records
        self.seen = False    # somebody looked at records since


class Model:
    def __init__(self, mode):
        self.mode = mode     # of control files
        self.store = {}
        self.edits = 0       # so many changes
        self.scratch = {}    # by name
        self.processes = {}
        self.files = {}
        self.last_file = 0
        self.begin([], 0.0)

    # Choices.

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

    def begin(self, vector, now):
        self.now, self.line, self.data = now, False, None
        self.vector, self.choices = vector, []
        self.why, self.marks = [], []

    def pick(self, why, *options):
        if len(options) == 1:
            return options[0]
        at = len(self.choices)
        self.choices.append(len(options))
        which = self.vector[at] if at < len(self.vector) else 0
        if which:
            self.why.append(why)
        return options[which]

    def state(self):
        """Equal for equal models."""
        files = {number: vars(file) for number, file in self.files.items()}
        return repr((self.store, files, sorted(self.scratch),
                     {name: vars(process) for name, process in
                      self.processes.items()}))

    def within(self, since, seconds, why):
        passed = self.now - since
        if passed > 1.3 * seconds:
            return False
        return True if passed < 0.7 * seconds else \
            self.pick(why, True, False)

    # What there is.

    def path(self, text):
        """(kind, owner or name): looked up in any spelling."""
        if text == "records":
            return "records", None
        if text.startswith("names/"):
            return "name", text[6:].lower().rstrip(".") + "."
        return "scratch", text

    def text(self, path):
        kind, name = path
        if kind == "records":
            return records.text(self.store)
        if kind == "name":
            return records.text_of(self.store.get(name, {}), name)
        return self.scratch[name].text if name in self.scratch else ""

    def is_made(self, path):
        """A name without records is there while it is open."""
        opened = [file for file in self.files.values() if file.path == path]
        if any(file.made and not file.unlinked for file in opened):
            return True
        if not opened:
            return False
        there = any(not file.unlinked for file in opened)
        return self.pick("a name whose records went while it was open",
                         there, not there)

    def exists(self, path):
        kind, name = path
        if kind == "records":
            return True
        if kind == "scratch":
            return name in self.scratch
        return name in self.store or self.is_made(path)

    def file(self, process, slot):
        if slot not in process.slots:
            raise Impossible(slot)
        return self.files[process.slots[slot][1]]

    def replacing(self, path):
        return [file for file in self.files.values()
                if file.path == path and file.mode != "append"]

    def sizes(self, path, name, thread):
        """What stat(2) may say: who replaces is told what it has staged."""
        own = [file for file in self.replacing(path)
               if name in file.writers | {file.opener}]
        sizes = {len(self.text(path))}
        if not own:
            return sizes
        staged = {file.staged_len if file.mode == "replace"
                  else len(file.buffer) for file in own}
        certain = not thread and len(self.replacing(path)) == 1 and \
            own[0].mode == "replace" and not own[0].off
        return staged if certain else sizes | staged | {0}

    def hides(self):
        return any(process.hidden is not None
                   for process in self.processes.values())

    def look_at_records(self):
        for process in self.processes.values():
            process.seen = True

    def names_records(self, process, thread):
        """Does a path lead to records? Not for who has just unlinked it."""
        if process.hidden is None:
            self.look_at_records()
            return True
        hidden = self.within(process.hidden, HIDDEN_S, "unlinked a moment ago")
        if hidden and (process.seen or thread):
            hidden = self.pick("somebody had looked at records since", True,
                               False)
        if not hidden:
            self.look_at_records()
        return not hidden

    # What changes.

    def changed(self, path, how):
        """Who replaces and has written nothing may have to leave it."""
        self.edits += 1
        for file in self.files.values():
            if file.mode != "replace":
                continue
            if file.path[0] == "records" or file.path == path:
                file.published = max(file.published, how)
            elif file.path[0] == "name" and path[0] == "records":
                file.published = max(file.published, MAYBE)

    def put(self, path, store, how=YES):
        """Replace what path stands for by what the store has of it."""
        self.changed(path, how)
        if path[0] == "records":
            self.store = dict(store)
            return
        self.store = dict(self.store)
        self.store.pop(path[1], None)
        if store.get(path[1]):
            self.store[path[1]] = store[path[1]]

    def refuse(self, file=None, name=None, off=True, line=True):
        if line:
            self.line = True
        elif self.line is False:
            self.line = None
        if file is not None and off and file.mode != "append":
            file.off = errno.EINVAL
        if file is not None and file.former:
            self.put_back(file)
        if file is not None and file.path[0] == "name" and name is not None:
            self.forget_refused(self.processes[name])
            self.processes[name].refused[file.owner()] = self.now, True
        return -errno.EINVAL

    def forget_refused(self, process):
        """It is no more what was done last."""
        for owner, (when, _) in process.refused.items():
            process.refused[owner] = when, False

    def put_back(self, file):
        """Unless somebody else has made it anew meanwhile."""
        if file.owner() not in self.store:
            self.store = {**self.store, file.owner(): file.former}
            self.changed(file.path, MAYBE)
        file.former = None

    def well_done(self, file, name):
        """What was refused before is not what was done last."""
        process = self.processes[name]
        if file.mode == "append" and not file.appends:
            process.replaced[file.path] = self.now
        if file.path[0] == "name" and file.owner() in process.refused:
            when, _ = process.refused[file.owner()]
            process.refused[file.owner()] = when, False

    # Steps.

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

    def do_open(self, process, name, thread, slot, path, flags, mode="0644"):
        if slot in process.slots:
            raise Impossible(slot)
        flags, where = set(flags.split("|")), self.path(path)
        creates = "O_CREAT" in flags
        former = None
        there = self.exists(where)
        if where[0] == "records":
            there = self.names_records(process, thread)
        if there and creates and "O_EXCL" in flags:
            return -errno.EEXIST
        if not there and not creates:
            return -errno.ENOENT
        if not there and where[0] == "records":
            flags.add("O_TRUNC")
            process.hidden = None
        made = not there
        if made or "O_TRUNC" in flags:
            process.replaced[where] = self.now
        if made and where[0] != "name":
            self.forget_unlinked(process)
        if made and where[0] == "name":
            if thread and where[1] in process.unlinked:
                raise Impossible("which thread had unlinked it?")
            former = self.remade(process, where, flags)
        if not there and where[0] == "scratch":
            self.scratch[where[1]] = Scratch(int(mode, 8))
        scratch = self.scratch.get(where[1]) if where[0] == "scratch" else None
        file = OpenFile(where, flags, name, scratch)
        file.made = made
        if scratch:
            file.mode = "append"
            if "O_TRUNC" in flags:
                scratch.text = ""
        if file.mode == "replace":
            file.former = former
        self.last_file += 1
        self.files[self.last_file] = file
        process.slots[slot] = 0, self.last_file, "O_CLOEXEC" in flags
        return DONE

    def have_descriptor(self, step, fd):
        """What open or dup has returned: files are closed in that order."""
        slots = self.processes[step.actor].slots
        slot = step.args[0 if step.op == "open" else 1]
        slots[slot] = fd, *slots[slot][1:]

    def remade(self, process, path, flags):
        """Who removes a name and makes it anew replaces it."""
        when, former, last = process.unlinked.pop(path[1], (None,) * 3)
        self.forget_unlinked(process)
        if when is None or "O_RDWR" not in flags | \
                {"O_RDWR" if "O_WRONLY" in flags else ""}:
            return None
        if not self.within(when, HIDDEN_S, "unlinked a moment ago"):
            return None
        if "O_TRUNC" not in flags and not self.pick(
                "made anew after its unlink, it does not replace",
                True, False):
            return None
        flags.add("O_TRUNC")
        return former if last or self.pick(
            "something else was made or removed since", True, False) else None

    def forget_unlinked(self, process):
        """Of one unlink at a time it is known what it has removed."""
        for owner, (when, former, _) in process.unlinked.items():
            process.unlinked[owner] = when, former, False

    def do_dup(self, process, name, thread, slot, new):
        self.file(process, slot)
        if new in process.slots:
            raise Impossible(new)
        process.slots[new] = 0, process.slots[slot][1], False
        return DONE

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

    # Reading.

    def read(self, file, offset, size):
        if not file.reads:
            return -errno.EBADF
        if file.scratch:
            text = file.scratch.text
            self.data = {text[offset:offset + size]}
            return len(text[offset:offset + size])
        if file.mode != "append" or file.vague:
            raise Impossible("nobody says what is read then")
        now = self.text(file.path)
        if file.unlinked and file.path[0] == "name":
            now = self.pick("its content is gone with its name",
                            file.kept, now)
        if offset == 0 or file.shown is None:
            file.shown, file.at_its_end = now, False
            file.seen = self.edits
        elif file.at_its_end and now != file.shown:
            file.shown = self.pick("read anew after its end", file.shown, now)
            file.at_its_end = False
        found = file.shown[offset:offset + size]
        if not found:
            file.at_its_end = True
        self.data = {found}
        return len(found)

    def do_pread(self, process, name, thread, slot, offset, size):
        return self.read(self.file(process, slot), int(offset), int(size))

    def do_read(self, process, name, thread, slot, size):
        file = self.file(process, slot)
        if file.position is None:
            raise Impossible("where is it?")
        got = self.read(file, file.position, int(size))
        if got > 0:
            file.position += got
        return got

    def do_lseek(self, process, name, thread, slot, offset):
        file = self.file(process, slot)
        file.position = self.offset(file, offset)
        return file.position

    def offset(self, file, word):
        """The number of a word of steps.py."""
        if word.lstrip("-").isdigit():
            return int(word)
        text = self.shown(file)
        if word == "staged":
            return file.staged_len if file.mode == "replace" else len(text)
        return {"end": len(text), "mid": text.find("\n") + 1,
                "in": len(text) // 2, "beyond": len(text) + 7}[word]

    def shown(self, file):
        """The text that a writer changes."""
        if file.scratch:
            return file.scratch.text
        if file.mode == "overwrite":
            return file.buffer
        return self.shown_before(file)

    def shown_before(self, file):
        return self.text(file.path) if file.shown is None else file.shown

    def size_reply(self, sizes, mode):
        self.data = {f"{size} {mode:o}" for size in sizes}
        return 0

    def do_stat(self, process, name, thread, path):
        where = self.path(path)
        there = self.names_records(process, thread) \
            if where[0] == "records" else self.exists(where)
        if not there:
            return -errno.ENOENT
        if where[0] == "scratch":
            scratch = self.scratch[where[1]]
            return self.size_reply({len(scratch.text)}, scratch.mode)
        return self.size_reply(self.sizes(where, name, thread), self.mode)

    def do_fstat(self, process, name, thread, slot):
        file = self.file(process, slot)
        if file.scratch:
            return self.size_reply({len(file.scratch.text)},
                                   file.scratch.mode)
        if file.unlinked or file.vague:
            return ANY
        return self.size_reply(self.sizes(file.path, name, thread), self.mode)

    # Writing.

    def do_write(self, process, name, thread, slot, text):
        file = self.file(process, slot)
        if not file.writes:
            return -errno.EBADF
        if file.position is None and not file.appends:
            raise Impossible("where is it?")
        got = self.write(file, name, file.position, text)
        if got > 0:
            file.position = None if file.appends else file.position + got
        return got

    def do_pwrite(self, process, name, thread, slot, offset, text):
        file = self.file(process, slot)
        if not file.writes:
            return -errno.EBADF
        offset = self.offset(file, offset)
        return self.write(file, name, offset, text)

    def write(self, file, name, offset, text):
        if file.scratch:
            return self.write_scratch(file.scratch, file.appends, offset, text)
        if file.vague:
            raise Impossible("renamed meanwhile")
        file.writers.add(name)
        if file.mode == "replace":
            got = self.write_staged(file, name, offset, text)
        elif file.mode == "overwrite":
            got = self.write_over(file, name, offset, text)
        else:
            got = self.write_more(file, name, offset, text)
        if got > 0:
            file.last_end = None if file.appends else offset + got
            self.well_done(file, name)
        return got

    def write_scratch(self, scratch, appends, offset, text):
        had = scratch.text
        offset = len(had) if appends else offset
        had = had.ljust(offset, "\0")
        scratch.text = had[:offset] + text + had[offset + len(text):]
        return len(text)

    def lines(self, file, text):
        """The whole lines by now, and what waits."""
        *lines, tail = (file.tail + text).split("\n")
        return lines, tail

    def write_staged(self, file, name, offset, text):
        if file.off:
            self.refuse(file, name, off=False, line=False)
            return -file.off
        file.calls += 1
        if not file.appends and offset != file.staged_len:
            return self.refuse(file, name)
        lines, tail = self.lines(file, text)
        try:
            file.staged = records.applied(
                file.staged,
                records.parse(lines, file.origin(), file.owner()), True)
        except records.Refused:
            return self.refuse(file, name)
        file.tail = tail
        file.staged_len += len(text)
        file.staged_calls += 1
        return len(text)

    def write_more(self, file, name, offset, text):
        if not file.appends and self.shown(file) != self.text(file.path):
            if not self.pick("the text that it has read is no more",
                             True, False):
                file.shown = None
        size = len(self.shown(file))
        if not file.appends and offset not in (size, file.last_end):
            if file.tail or file.unlinked:
                raise Impossible("half a line waits elsewhere")
            if file.last_end is not None and size >= offset:
                raise Impossible("which text was it?")
            if offset > size:
                file.calls += 1
                file.failed = file.left_a_hole = True
                return self.refuse(file, name)
            self.begin_over(file, self.shown(file))
            return self.write_over(file, name, offset, text)
        if file.tail_refused or file.left_a_hole:
            raise Impossible("does half a line wait?")
        if file.unlinked:
            raise Impossible("its name was removed")
        file.calls += 1
        lines, tail = self.lines(file, text)
        try:
            found = records.parse(lines, file.origin(), file.owner())
            store = records.applied(self.store, found)
        except records.Refused:
            file.failed = True
            return self.refuse(file, name)
        file.tail, file.failed = tail, False
        if found:
            self.store = store
            self.changed(file.path, MAYBE)
        return len(text)

    def begin_over(self, file, text):
        file.mode, file.off, file.buffer = "overwrite", 0, text
        file.read_at = self.edits if file.seen is None else file.seen
        file.base = self.shown_before(file)

    def write_over(self, file, name, offset, text):
        if file.off:
            raise Impossible("it was refused")
        had = file.buffer
        if offset > len(had):
            raise Impossible("a hole in what is being changed")
        file.calls += 1
        file.buffer = had[:offset] + text + had[offset + len(text):]
        return len(text)

    # Sizes.

    def do_ftruncate(self, process, name, thread, slot, size):
        file = self.file(process, slot)
        size = self.offset(file, size)
        if not file.writes or size < 0:
            return -errno.EINVAL
        if file.scratch:
            file.scratch.text = file.scratch.text[:size].ljust(size, "\0")
            return 0
        if file.vague or file.unlinked:
            raise Impossible("nobody says what it is")
        if file.mode == "replace" and size == file.staged_len and size:
            if file.off:
                raise Impossible("nobody says what that is")
            return 0
        if size == 0:
            file.replace()
            return 0
        if file.mode == "replace":
            file.refusers.add(name)
            return self.refuse(file, name)
        return self.cut(file, name, size)

    def cut(self, file, name, size):
        text = self.shown(file)
        if file.off or file.tail or (
                file.shown is not None and
                file.shown != self.text(file.path)):
            raise Impossible("nobody says what that is")
        if size == len(text):
            return 0
        if size > len(text):
            if file.mode == "overwrite":
                raise Impossible("nobody says what that is")
            return self.refuse(file, name)
        if file.appends:
            raise Impossible("nobody says what that is")
        self.begin_over(file, text[:size])
        file.writers.add(name)
        return 0

    def do_truncate(self, process, name, thread, path, size):
        where = self.path(path)
        if where[0] == "scratch":
            if where[1] not in self.scratch:
                return -errno.ENOENT
            size = int(size)
            scratch = self.scratch[where[1]]
            scratch.text = scratch.text[:size].ljust(size, "\0")
            return 0
        self.must_see(process, where)
        if not self.exists(where):
            return -errno.ENOENT
        size = self.size_of(where, size)
        if size == 0:
            self.put(where, {})
            return 0
        if size == len(self.text(where)):
            return 0
        if size in self.sizes(where, name, True):
            raise Impossible("which size is meant?")
        return self.refuse()

    def size_of(self, path, word):
        length = len(self.text(path))
        return int(word) if word.isdigit() else \
            {"end": length, "beyond": length + 7}.get(word, length // 2)

    def must_see(self, process, path):
        if path[0] != "records":
            return
        if process.hidden is not None:
            raise Impossible("records is not there for it")
        self.look_at_records()

    # Rights and times.

    def set_mode(self, path, mode, process):
        mode = int(mode, 8)
        if path[0] == "scratch":
            self.scratch[path[1]].mode = mode
            return 0
        if mode == self.mode:
            return 0
        return self.set_rights(path, process)

    def set_rights(self, path, process, wanted=0):
        replacing = [file for file in self.replacing(path)
                     if file.mode == "replace"]
        if any(not file.off for file in replacing):
            return wanted
        opened = [file for file in self.files.values() if file.path == path]
        is_made = path[0] == "name" and any(file.made for file in opened)
        when = process.replaced.get(path)
        is_made |= when is not None and self.within(
            when, CLEAN_UP_S, "replaced a while ago")
        allowed = wanted if replacing or is_made else -errno.EPERM
        if is_made or self.replacing(path) or (path[0] == "name" and opened):
            allowed = self.pick("rights of what is being made", allowed,
                                -errno.EPERM if allowed == 0 else 0)
        if allowed:
            self.line = True
        return allowed

    def do_chmod(self, process, name, thread, path, mode):
        where = self.path(path)
        self.must_see(process, where)
        if not self.exists(where):
            return -errno.ENOENT
        return self.set_mode(where, mode, process)

    def do_fchmod(self, process, name, thread, slot, mode):
        file = self.file(process, slot)
        if file.scratch:
            file.scratch.mode = int(mode, 8)
            return 0
        if file.unlinked or file.vague:
            raise Impossible("nobody says what it is")
        return self.set_mode(file.path, mode, process)

    def do_fchown(self, process, name, thread, slot, uid, gid):
        file = self.file(process, slot)
        if file.scratch or (uid, gid) == ("-1", "-1"):
            return 0
        if file.unlinked or file.vague:
            raise Impossible("nobody says what it is")
        allowed = self.set_rights(file.path, process)
        if allowed == 0 and self.pick("an owner is refused", False, True):
            self.line = True
            for other in self.replacing(file.path):
                other.off = other.off or errno.EPERM
            return -errno.EPERM
        return allowed

    def do_utimens(self, process, name, thread, path):
        where = self.path(path)
        self.must_see(process, where)
        return 0 if self.exists(where) else -errno.ENOENT

    def do_fsync(self, process, name, thread, slot):
        self.file(process, slot)
        return 0

    # Names.

    def do_unlink(self, process, name, thread, path):
        kind, owner = where = self.path(path)
        if kind == "records":
            self.must_see(process, where)
            process.hidden, process.seen = self.now, False
            return 0
        if not self.exists(where):
            if kind == "name" and owner in process.refused:
                return self.pick("what is not there is removed",
                                 -errno.ENOENT, 0)
            return -errno.ENOENT
        if kind == "scratch":
            del self.scratch[owner]
            self.detach(where, None)
            self.forget_unlinked(process)
            return 0
        if self.cleans_up(process, owner, thread):
            return 0
        self.forget_unlinked(process)
        process.unlinked[owner] = self.now, self.store.get(owner), True
        self.detach(where, self.text(where))
        self.put(where, {}, MAYBE)
        return 0

    def cleans_up(self, process, owner, thread):
        """Who was refused removes what it takes for the half of a file."""
        when, certain = process.refused.pop(owner, (None, False))
        if when is None or not self.within(when, CLEAN_UP_S,
                                           "refused a while ago"):
            return False
        if owner not in self.store:
            return self.pick("a clean-up of a name without records", False,
                             True)
        return (certain and not thread) or \
            self.pick("a clean-up or not", True, False)

    def detach(self, path, kept):
        for file in self.files.values():
            if file.path == path and not file.unlinked:
                file.unlinked, file.kept = True, kept

    def do_rename(self, process, name, thread, old, new):
        source, target = self.path(old), self.path(new)
        self.must_see(process, source)
        self.must_see(process, target)
        if source[0] == "records":
            # rename(2) to itself does nothing, and nobody is asked.
            return 0 if target == source else self.refuse_rename()
        if not self.exists(source):
            return -errno.ENOENT
        self.forget_refused(process)
        if source[0] == "scratch":
            return self.rename_scratch(source, target)
        if target[0] == "records":
            return self.refuse_rename()
        if target[0] == "scratch":
            return -errno.EXDEV
        if source == target:
            return 0
        return self.rename_name(source, target)

    def refuse_rename(self):
        """A control file stays, and a name is no whole."""
        self.line = True
        return -errno.EPERM

    def rename_scratch(self, source, target):
        scratch = self.scratch[source[1]]
        if source == target:
            return 0
        if target[0] == "scratch":
            self.detach(target, None)
            self.scratch[target[1]] = self.scratch.pop(source[1])
            for file in self.files.values():
                if file.path == source and not file.unlinked:
                    file.path = target
            return 0
        origin = target[1] or "."
        lines = scratch.text.split("\n")
        if "\0" in scratch.text:
            return self.refuse()
        try:
            found = records.parse(lines, origin, target[1])
            store = records.applied({}, found)
        except records.Refused:
            return self.refuse()
        if scratch.text and not found:
            return self.refuse()
        self.put(target, store)
        del self.scratch[source[1]]
        self.detach(source, None)
        return 0

    def rename_name(self, source, target):
        if source[1] not in self.store:
            raise Impossible("nobody says what that is")
        if any(file.path == source and file.writes
               for file in self.files.values()):
            raise Impossible("whose records does it write then?")
        for file in self.files.values():
            if file.path in (source, target):
                file.vague = True
        moved = self.store[source[1]]
        self.put(source, {}, MAYBE)
        self.put(target, {target[1]: moved}, MAYBE)
        return 0

    # Closing.

    def do_close(self, process, name, thread, slot):
        file = self.file(process, slot)
        del process.slots[slot]
        got = self.flush(file, name)
        self.release([file])
        return got

    def is_held(self, file):
        return any(self.files[number] is file
                   for process in self.processes.values()
                   for _, number, _ in process.slots.values())

    def flush(self, file, name):
        """What close(2) says."""
        if file.scratch or not file.writes:
            return 0
        if name not in file.writers:
            if file.mode == "replace" and name in file.refusers:
                self.refuse(line=False)
                return self.pick("what was refused is not told again", 0,
                                 -file.off)
            # The kernel gives the number of a dead process's table of files
            # to a new one.
            if file.has_outlived and file.mode == "replace" and (
                    file.off or (file.staged_calls and not file.staged)):
                self.refuse(line=False)
                return self.pick("taken for a writer that is dead", 0,
                                 -errno.EINVAL)
            return 0
        if file.mode == "overwrite":
            return self.flush_over(file, name)
        if file.mode == "replace" and file.off:
            self.refuse(file, name, off=False, line=False)
            return -file.off
        if file.tail_refused or file.left_a_hole:
            self.refuse(line=False)
            return self.pick("what was refused is refused again",
                             0, -errno.EINVAL, -errno.ESTALE)
        if file.tail and not file.failed:
            got = self.flush_tail(file, name)
            if got < 0:
                return got
        elif file.tail:
            self.refuse(line=False)
            return self.pick("half a line before what was refused",
                             -errno.EINVAL, 0)
        if file.mode == "replace" and file.staged_calls:
            return self.publish(file, name)
        return 0

    def flush_tail(self, file, name):
        tail, is_only = file.tail, file.calls == 1
        says_something = re.sub(r";.*", "", tail).strip()
        if not says_something:
            is_only = self.pick("a comment without its end", is_only,
                                not is_only)
        file.tail = ""
        if not is_only:
            file.tail_refused = file.mode == "append"
            return self.refuse(file, name)
        if file.unlinked and file.mode == "append" and self.pick(
                "half a line for a removed name is judged", False, True):
            return 0
        store = file.staged if file.mode == "replace" else self.store
        try:
            if tail.count('"') % 2:
                raise records.Refused("an open quote")
            found = records.parse([tail], file.origin(), file.owner())
            store = records.applied(store, found, file.mode == "replace")
        except records.Refused:
            file.tail_refused = file.mode == "append"
            return self.refuse(file, name)
        if file.mode == "replace":
            file.staged = store
        elif found:
            self.store = store
            self.changed(file.path, MAYBE)
        return 0

    def publish(self, file, name):
        if not file.staged:
            return self.refuse(file, name, off=False)
        self.take(file, file.staged)
        self.well_done(file, name)
        return 0

    def take(self, file, store):
        if not file.unlinked or self.pick(
                "what is written to a removed name is dropped", True, False):
            self.put(file.path, store)
        file.mode, file.former = "append", None
        file.killed = False

    def flush_over(self, file, name):
        if file.off:
            self.refuse(line=False)
            return self.pick("an overwrite is refused again",
                             -errno.EINVAL, -errno.ESTALE, 0)
        *lines, tail = file.buffer.split("\n")
        is_whole = not tail or self.pick("a last line without its end",
                                         True, False)
        try:
            if not is_whole:
                raise records.Refused("half a line")
            found = records.parse(lines + [tail], file.origin(), file.owner())
            store = records.applied({}, found)
        except records.Refused:
            self.refuse(file, name)
            return self.pick("changed since it was read, and refused",
                             -errno.EINVAL, -errno.ESTALE)
        if self.is_stale(file):
            self.refuse(file, name)
            return -errno.ESTALE
        if not found:
            return self.refuse(file, name, off=False)
        self.take(file, store)
        self.well_done(file, name)
        return 0

    def is_stale(self, file):
        """A part of what is no more would come back."""
        if file.read_at == self.edits:
            return False
        differs = self.text(file.path) != file.base
        return self.pick("changed since it was read", differs, not differs)

    def release(self, files):
        """The last close: a replacement that wrote nothing clears."""
        ended = [file for file in files if not self.is_held(file)]
        clearing = [file for file in ended if file.mode == "replace" and
                    not file.calls and not file.off and not file.killed]
        if len(clearing) > 1 and not self.pick(
                "in the other order", True, False):
            clearing.reverse()
        for file in clearing:
            self.clear(file)
        for number, file in list(self.files.items()):
            if any(file is one for one in ended):
                del self.files[number]

    def clear(self, file):
        clears = file.published == NO
        if file.published == MAYBE or file.unlinked:
            clears = self.pick("changed since it was opened", clears,
                               not clears)
        if clears:
            self.put(file.path, {}, MAYBE)
        else:
            self.edits += 1

    # Processes.

    def do_fork(self, process, name, thread, child):
        if child in self.processes:
            raise Impossible(child)
        self.processes[child] = Process()
        self.processes[child].slots = dict(process.slots)
        return DONE

    def do_spawn(self, process, name, thread, how):
        return 0

    def do_exec(self, process, name, thread):
        self.close_all(process, name, [
            slot for slot, (_, _, cloexec) in process.slots.items()
            if cloexec])
        return 0

    def do_exit(self, process, name, thread, status):
        self.close_all(process, name, list(process.slots))
        del self.processes[name]
        return DONE

    def do_kill(self, process, name, thread):
        for file in {number: self.files[number] for _, number, _ in
                     process.slots.values()}.values():
            self.kill_writer(file, name)
        self.close_all(process, name, list(process.slots))
        del self.processes[name]
        return DONE

    def kill_writer(self, file, name):
        if file.scratch or not file.writes:
            return
        pending = not file.off and (
            (file.tail and not file.failed) or file.mode == "overwrite" or
            (file.mode == "replace" and file.staged_calls))
        if name not in file.writers or not pending:
            file.killed = True
            if file.former and self.pick(
                    "put back after a kill", True, False):
                self.refuse(file)
            return
        self.marks.append(KILLED)
        if not self.pick(PUBLISHED, True, False):
            return
        file.killed = True
        file.tail = ""
        if file.mode == "append":
            self.refuse(line=True)
        else:
            self.refuse(file)

    def close_all(self, process, name, slots):
        files = []
        for slot in sorted(slots, key=lambda one: process.slots[one][0]):
            file = self.file(process, slot)
            del process.slots[slot]
            self.flush(file, name)
            file.has_outlived |= name in file.writers
            if not any(file is one for one in files):
                files.append(file)
        self.release(files)
