# SPDX-License-Identifier: Apache-2.0
"""keys/: a file for each key of TSIG, which only its owner may read."""
import base64
import errno
import os
import re
import stat

import dns.message
import dns.query
import dns.tsig
import dns.tsigkeyring
import pytest

from harness import (NOBODY, append, fails, needs_root, refused, replace, run,
                     split_address)

FORM = re.compile(r'key "(?P<name>[^"]+)" \{\n'
                  r'\s*algorithm (?P<algorithm>[-a-z0-9]+);\n'
                  r'\s*secret "(?P<secret>[A-Za-z0-9+/=]+)";\n\};\n')
SECRET = base64.b64encode(bytes(range(32))).decode()


def read(path):
    found = FORM.fullmatch(path.read_text())
    assert found, "not as tsig-keygen prints it"
    return (found["name"], found["algorithm"],
            base64.b64decode(found["secret"]))


def keys(ns):
    return sorted(os.listdir(ns / "keys"))


@pytest.mark.parametrize("script", [
    "touch keys/xfr", "touch keys/XFR.", "python3 -c \"open('keys/xfr', 'a')\"",
    "install -m 600 /dev/null keys/xfr"])
def test_touch_makes_one(ns, script):
    done = ns.sh(script)
    assert done.returncode == 0, done
    assert keys(ns) == ["xfr."]
    name, algorithm, secret = read(ns / "keys" / "xfr")
    assert (name, algorithm, len(secret)) == ("xfr.", "hmac-sha256", 32)
    assert len(set(secret)) > 8


def test_a_second_touch_leaves_it(ns):
    ns.sh("touch keys/xfr")
    before = read(ns / "keys" / "xfr")
    ns.sh("touch keys/xfr; : >> keys/xfr; : > keys/xfr; true < keys/xfr")
    os.truncate(ns / "keys" / "xfr", 0)
    assert read(ns / "keys" / "xfr") == before


def test_who_has_removed_one_makes_another(ns):
    path, seen = ns / "keys" / "k", set()
    for _ in range(3):
        path.touch()
        seen.add(path.read_text())
        path.unlink()
    assert len(seen) == 3


def test_two_keys_differ(ns):
    ns.sh("touch keys/a keys/b")
    assert read(ns / "keys" / "a")[2] != read(ns / "keys" / "b")[2]


@pytest.mark.parametrize("algorithm, octets", [
    ("hmac-sha1", 20), ("hmac-sha224", 28), ("hmac-sha256", 32),
    ("hmac-sha384", 48), ("hmac-sha512", 64), ("HMAC-SHA512", 64)])
def test_one_of_that_kind(ns, algorithm, octets):
    assert ns.sh(f"echo {algorithm} > keys/x").returncode == 0
    name, got, secret = read(ns / "keys" / "x")
    assert (name, got, len(secret)) == ("x.", algorithm.lower(), octets)


TEXTS = [f'key "xfr." {{\n\talgorithm hmac-sha384;\n\tsecret "{SECRET}";\n}};\n',
         f'key xfr {{ algorithm HMAC-SHA384; secret "{SECRET}"; }};\n',
         f"hmac-sha384:xfr:{SECRET}\n", f"hmac-sha384:XFR.:{SECRET}"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("way", ["cp {} keys/xfr", "cat {} > keys/xfr",
                                 "cp {} s; mv s keys/xfr.",
                                 "rsync {} keys/xfr.", "cat {} >> keys/xfr",
                                 "mv {} keys/xfr.",
                                 "touch keys/xfr; cp {} keys/xfr"])
def test_the_others_key_is_taken(ns, tmp_path, text, way):
    (tmp_path / "key").write_text(text)
    done = ns.sh(way.format(tmp_path / "key"))
    assert done.returncode == 0, done
    assert read(ns / "keys" / "xfr.") == ("xfr.", "hmac-sha384",
                                          bytes(range(32)))
    assert keys(ns) == ["xfr."]


def test_without_an_algorithm_it_is_the_usual_one(ns):
    (ns / "keys" / "xfr").write_text(f"xfr:{SECRET}\n")
    assert read(ns / "keys" / "xfr")[1] == "hmac-sha256"


def test_a_text_in_pieces_is_one_text(ns):
    replace_new(ns / "keys" / "xfr", *TEXTS[0].splitlines(keepends=True))
    assert read(ns / "keys" / "xfr")[1] == "hmac-sha384"


def replace_new(path, *pieces):
    path.touch()
    replace(path, *pieces)


@pytest.mark.parametrize("text", [
    f"hmac-sha256:other:{SECRET}\n", f"hmac-md5:xfr:{SECRET}\n", "hmac-md5\n",
    "hmac-sha256:xfr:no_base64!\n", "hmac-sha256:xfr:\n", "nonsense\n",
    f'key "other." {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n',
    f'key "xfr." {{ secret "{SECRET}"; \n', "hmac-sha256:xfr:AAAA\n"])
def test_what_is_no_key_of_that_name_is_einval(ns, text):
    (ns / "keys" / "xfr").touch()
    before = read(ns / "keys" / "xfr")
    with refused(ns, errno.EINVAL, saying="keys/xfr."):
        replace(ns / "keys" / "xfr", text)
    assert read(ns / "keys" / "xfr") == before
    assert SECRET not in ns.error.read_text()


def test_a_new_one_that_is_refused_is_not_there(ns, tmp_path):
    (tmp_path / "key").write_text(f"hmac-md5:xfr:{SECRET}\n")
    assert run("cp", tmp_path / "key", ns / "keys" / "xfr").returncode != 0
    assert keys(ns) == []
    with refused(ns, errno.EINVAL):
        (ns / "keys" / ("x" * 64)).touch()


def test_its_mode_is_its_owners(ns):
    (ns / "keys" / "xfr").touch()
    for mode in (0o755, 0o777, 0o700, 0o550):
        ns.path.chmod(mode)
        assert stat.S_IMODE((ns / "keys").stat().st_mode) == mode & 0o700
        assert stat.S_IMODE((ns / "keys" / "xfr").stat().st_mode) == mode & 0o600
    ns.path.chmod(0o755)


@needs_root
def test_another_user_sees_nothing_of_it(open_circuit):
    ns = open_circuit.make()
    (ns / "keys" / "xfr").touch()
    ns.path.chmod(0o777)
    for script in ("ls keys", "cat keys/xfr", "touch keys/new", "rm keys/xfr."):
        done = run("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
                   "--clear-groups", "sh", "-c", script, cwd=ns.path)
        assert done.returncode != 0 and "denied" in done.stderr, done
    assert keys(ns) == ["xfr."]


def test_sizes_are_true(ns):
    (ns / "keys" / "xfr").touch()
    path = ns / "keys" / "xfr"
    assert path.stat().st_size == len(path.read_bytes())


def test_a_key_goes_unless_it_is_in_use(ns):
    (ns / "zones" / "example.org.").mkdir()
    for name in ("a", "b", "c"):
        (ns / "keys" / name).touch()
    append(ns / "transfer" / "secondaries", "192.0.2.1 a\n")
    append(ns / "zones" / "example.org." / "updates", "b @\n")
    for name, stays in (("a", True), ("b", True), ("c", False)):
        (ns / "keys" / name).unlink()
        assert (f"{name}." in keys(ns)) == stays
        assert (f"keys/{name}." in ns.error.read_text()) == stays
    (ns / "transfer" / "secondaries").unlink()
    (ns / "keys" / "a").unlink()
    assert keys(ns) == ["b."]


def test_the_directory_stays_and_says_so_and_rm_r_goes_on(ns):
    for name in ("keys", "transfer", "names", "zones"):
        (ns / name).rmdir()
    assert ns.last_error() == ""
    (ns / "keys" / "used").touch()
    append(ns / "transfer" / "secondaries", "192.0.2.1 used\n")
    (ns / "keys").rmdir()
    assert "stay" in ns.last_error()
    assert keys(ns) == ["used."]
    run("rm", "-r", ns.path)
    assert not ns.path.exists()


def test_a_key_does_not_move(shared, ns):
    (ns / "keys" / "xfr").touch()
    with refused(ns, errno.EPERM, saying="name"):
        os.rename(ns / "keys" / "xfr.", ns / "keys" / "new")
    other = shared.make()
    with fails(errno.EXDEV):
        os.rename(ns / "keys" / "xfr.", other / "keys" / "xfr")
    before = read(ns / "keys" / "xfr")
    run("mv", ns / "keys" / "xfr.", other / "keys" / "xfr.", check=0)
    assert keys(ns) == [] and read(other / "keys" / "xfr") == before


def test_a_secret_is_in_no_other_file(shared, ns):
    (ns / "keys" / "xfr").write_text(f"xfr:{SECRET}\n")
    append(ns / "transfer" / "secondaries", "192.0.2.1 xfr\n")
    for directory, _, files in os.walk(ns.path):
        for file in files:
            if directory.endswith("keys"):
                continue
            with open(os.path.join(directory, file)) as text:
                assert SECRET not in text.read()
    assert SECRET not in shared.said()


def test_an_editor_writes_beside_it(ns):
    (ns / "keys" / "xfr").touch()
    run("sed", "-i", "s/hmac-sha256/hmac-sha512/", ns / "keys" / "xfr.",
        check=0)
    assert read(ns / "keys" / "xfr.")[1] == "hmac-sha512"
    assert keys(ns) == ["xfr."]


def test_there_is_a_limit(ns):
    for i in range(1024):
        (ns / "keys" / f"k{i}").touch()
    assert len(keys(ns)) == 1024
    with refused(ns, errno.EDQUOT, saying="1024"):
        (ns / "keys" / "more").write_text("hmac-sha256\n")
    (ns / "keys" / "k7").write_text("hmac-sha512\n")


def test_they_are_there_after_a_crash(circuit):
    ns = circuit.make()
    (ns / "keys" / "xfr").touch()
    before = read(ns / "keys" / "xfr")
    circuit.crash_and_restart()
    assert read(ns / "keys" / "xfr") == before


@pytest.mark.parametrize("directory", [".", "names", "zones", "zones/example.",
                                       "keys", "transfer"])
def test_an_open_directory_is_listed_once_more(ns, directory):
    append(ns.records, "example. SOA ns.example. host.example. 1 2 3 4 5\n"
           "example. NS ns.example.\nns.example. A 192.0.2.1\n")
    ns.sh("touch keys/xfr")
    fd = os.open(ns.path / directory, os.O_RDONLY | os.O_DIRECTORY)
    first = os.listdir(fd)
    assert first
    for _ in range(3):
        assert os.listdir(fd) == first
    os.close(fd)
