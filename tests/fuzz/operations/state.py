# SPDX-License-Identifier: Apache-2.0
"""What may be the case: records, files, who has them open, what is waiting."""
import errno
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

    def __repr__(self):
        return repr(vars(self))


class OpenFile:
    """What open(2) makes: what dup(2) and fork(2) share."""

    def __init__(self, path, flags, opener, scratch=None):
        self.path, self.opener, self.scratch = path, opener, scratch
        self.reads = "O_WRONLY" not in flags
        self.writes = "O_WRONLY" in flags or "O_RDWR" in flags
        self.appends = "O_APPEND" in flags
        self.position = 0      # None: the kernel's affair
        self.writers = set()   # processes
        self.truncater = None  # the last process that did
        self.was_read = False
        self.threads = False   # other ones than a process's first had it
        self.shown = None      # the text at the last read from its start
        self.seen = None       # when that was, in edits
        self.at_its_end = False
        self.was_put_back = False  # what was there before is there again
        self.was_empty = False  # a close was refused: no record is in it
        self.cutters = set()   # who has truncated it to what it was
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
        self.tail_refused = self.failed = self.killed = False
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
        self.unlinked_by_threads = set()  # of these: not by its first thread
        self.replaced = {}   # path: when
        self.refused = {}    # owner: (when, is it certain)
        self.hidden = None   # when it unlinked records
        self.seen = False    # somebody looked at records since


class State:
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
               if name in file.writers | {file.opener, file.truncater}]
        sizes = {len(self.text(path))}
        if not own:
            return sizes
        staged = {file.staged_len if file.mode == "replace"
                  else len(file.buffer) for file in own}
        # A thread that has ended cannot be told to be of a process.
        certain = not thread and not own[0].threads and len(self.replacing(path)) == 1 and \
            own[0].mode == "replace" and not own[0].off
        return staged if certain else sizes | staged | {0}

    def kept_sizes(self, path):
        """Who reads on in what was removed may be told of that by its name:
        the kernel does not say which of the two is meant."""
        return {len(file.kept) for file in self.files.values()
                if file.path == path and file.unlinked and
                file.kept is not None}

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
        file.was_put_back = True

    def well_done(self, file, name):
        """What was refused before is not what was done last."""
        process = self.processes[name]
        if file.mode == "append" and not file.appends:
            process.replaced[file.path] = self.now
        if file.path[0] == "name" and file.owner() in process.refused:
            when, _ = process.refused[file.owner()]
            process.refused[file.owner()] = when, False
