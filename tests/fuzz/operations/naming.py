# SPDX-License-Identifier: Apache-2.0
"""Rights and times, unlink(2) and rename(2)."""
import errno

import records
from state import CLEAN_UP_S, HIDDEN_S, MAYBE, Impossible, State


class Naming(State):
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
            when, HIDDEN_S, "replaced a while ago")
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
            # It is hidden from the thread that has unlinked it.
            process.hidden, process.seen = self.now, thread
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
        if thread:
            process.unlinked_by_threads.add(owner)
        else:
            process.unlinked_by_threads.discard(owner)
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
