# SPDX-License-Identifier: Apache-2.0
"""The program is built with all of what Debian's hardening=+all has."""
import json
import platform
import re
from pathlib import Path

from harness import BINARY, run, sanitized

FLAGS = ["-fstack-protector-strong", "-fstack-clash-protection",
         "-Werror=format-security"]
# What there is of it depends on the machine: where a call and a return may go.
FLAGS += {"x86_64": ["-fcf-protection"],
          "aarch64": ["-mbranch-protection=standard"]}.get(
              platform.machine(), [])


def shown(binary, *options):
    return run("readelf", "--wide", *options, binary, check=0).stdout


def lacks(binary):
    """What readelf(1) does not find of it in a program; nothing, if all is."""
    dynamic = shown(binary, "--dynamic")
    segments = shown(binary, "--segments")
    symbols = shown(binary, "--dyn-syms")
    found = {
        "PIE": re.search(r"\bFLAGS_1\b.*\bPIE\b", dynamic)
        and re.search(r"Type: +DYN", shown(binary, "--file-header")),
        "RELRO": "GNU_RELRO" in segments,
        "BIND_NOW": re.search(r"\bFLAGS_1\b.*\bNOW\b", dynamic),
        "a stack without code": re.search(r"GNU_STACK.* RW +0x", segments),
        "the stack protector": "__stack_chk_fail" in symbols,
        # Sanitizers know more than it.
        "FORTIFY": re.search(r"__\w+_chk\b", symbols.replace(
            "__stack_chk", "")) or sanitized("asan", "tsan", "ubsan"),
    }
    return [name for name, there in found.items() if not there]


def test_the_program_is_hardened():
    assert lacks(BINARY) == []


def test_every_file_of_it_is_compiled_so():
    """What leaves no trace that readelf could show."""
    commands = json.loads((Path(BINARY).parent / "compile_commands.json")
                          .read_text())
    assert commands
    for command in commands:
        for flag in FLAGS:
            assert flag in command["command"].split(), command["file"]
