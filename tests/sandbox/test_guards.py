"""What a program in the sandbox cannot do, by raw system calls, and that it could if the guard were missing."""

import ctypes
import os
import resource
import socket
import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from autopeft.errors import AutopeftError
from autopeft.sandbox import Ended, Limits, checking, run
from autopeft.sandbox.attacks import attacks
from autopeft.sandbox.calls import ALLOWED, number_of
from autopeft.sandbox.checking import check_sandbox
from autopeft.sandbox.guards import GUARDS
from tests.marks import mostly_slow, sandboxed

pytestmark = sandboxed

BRIEF = replace(Limits(), seconds=1)
ATTACKS = attacks(BRIEF)


@pytest.fixture(autouse=True)
def fresh():
    """Let what was found of the sandbox be forgotten."""
    check_sandbox.cache_clear()
    yield
    check_sandbox.cache_clear()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.aim)
def test_an_attack_is_refused_and_goes_through_without_its_guard(attack):
    refused = run([attack.program], BRIEF)
    assert refused.unguarded is None
    assert not refused.passed
    assert run([attack.program], BRIEF, set(GUARDS) - {attack.guard}).passed


@pytest.mark.parametrize("guard", list(GUARDS))
def test_every_guard_is_attacked(guard):
    assert any(attack.guard == guard for attack in ATTACKS)


@pytest.mark.slow
@pytest.mark.parametrize("attack", attacks(Limits()), ids=lambda attack: attack.aim)
def test_an_attack_is_refused_under_the_limits_that_answers_run_under(attack):
    assert not run([attack.program]).passed


RAW = ATTACKS[0].program.rpartition("\n\n")[0] + "\n"

#: More ways out; numbers of x86_64.
WAYS = {
    "a socket between processes of the machine": "call(41, 1, 1, 0)",
    "a pair of sockets": "call(53, 1, 1, 0, (ctypes.c_int * 2)())",
    "fork": "call(57) or os._exit(0)",
    "vfork": "call(58) or os._exit(0)",
    "clone3": "call(435, (ctypes.c_uint64 * 11)(0, 0, 0, 0, 17), 88) or os._exit(0)",
    "a thread": "import threading\nthreading.Thread(target=print).start()",
    "another program": "os.execv('/bin/true', ['true'])",
    "another program from a file of memory": "call(319, b'x', 0)",
    "tracing its parent": "call(101, 0x4206, os.getppid(), 0, 0)",
    "reading the memory of its parent": "call(310, os.getppid(), 0, 0, 0, 0, 0)",
    "a signal to its parent": "call(62, os.getppid(), 0)",
    "a signal to its parent's thread": "call(234, os.getppid(), os.getppid(), 0)",
    "a signal to its parent when a pipe is full": "call(72, os.pipe()[0], 8, os.getppid())",
    "limits of its parent": "call(302, os.getppid(), 7, 0, (ctypes.c_uint64 * 2)())",
    "limits of its own": "call(160, 0, (ctypes.c_int64 * 2)(-1, -1))",
    "opening by the older call": "call(2, b'/etc/passwd', 0)",
    "opening by the newer call": "call(437, -100, b'/etc/passwd', (ctypes.c_uint64 * 3)(), 24)",
    "opening past checks by io_uring": "call(425, 1, (ctypes.c_uint8 * 120)())",
    "calls of the 32-bit pointer variant": "call(0x40000000 + 39)",
    "a namespace of its own": "call(272, 0x10000000)",
    "mounting": "call(165, b'x', b'/tmp', b'tmpfs', 0, 0)",
    "its own memory by a file": "open('/proc/self/mem', 'r+b')",
    "names of other processes": "os.listdir('/proc')",
    "devices": "open('/dev/zero', 'rb')",
    "shared memory": "open('/dev/shm/x', 'wb')",
    "a folder": "os.mkdir('x')",
    "a file that nobody sees": "os.open('.', os.O_TMPFILE | os.O_RDWR)",
    "a file that is removed while it is held": "open('x', 'wb')\nos.unlink('x')",
    "a file in place of one that is held": "open('x', 'wb')\nopen('y', 'wb')\nos.rename('y', 'x')",
    "locks on files of the machine": "import fcntl\nfcntl.flock(open(os.__file__), fcntl.LOCK_EX)",
    # 100 would break memory where a root lets it; 12 is as far from the list.
    "memory that is dealt with otherwise": "import mmap\nmap = mmap.mmap(-1, 4096)\n"
    "call(28, ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(map))), 4096, 12)",
    "a link to elsewhere, followed": "os.symlink('/etc/passwd', 'x')\nopen('x').read()",
}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
@pytest.mark.parametrize("way", WAYS)
def test_no_other_way_leads_out(way):
    ended = run([RAW + WAYS[way]], BRIEF)
    assert ended.failed == ("RuntimeError" if "threading" in WAYS[way] else "PermissionError")


def test_all_calls_that_are_not_of_the_list_are_refused():
    # Some kernels let the returns of their own probes (335 and 336 of x86-64) past every filter; a program that calls
    # them is ended.
    known = {335, 336, *map(number_of, ALLOWED)}
    others = [number for number in (*range(600), *range(0x40000000, 0x40000000 + 600)) if number not in known]
    refused = f"""
for number in {others}:
    try:
        call(number, 0, 0, 0, 0, 0, 0)
    except PermissionError:
        continue
    raise LookupError
"""
    assert run([RAW + refused], BRIEF).passed


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="code of x86-64")
def test_calls_of_the_32_bit_kernel_end_the_program():
    # mov eax, 20 (getpid there); int 0x80; ret
    made = "import mmap\nheld = mmap.mmap(-1, 4096, prot=7)\nheld.write(bytes.fromhex('b814000000cd80c3'))\n"
    call = "ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(held)))()"
    assert run([RAW + made + call], BRIEF).failed == "ended with -31"
    assert run([RAW + made + call], BRIEF, set(GUARDS) - {"seccomp"}).passed


def test_limits_that_are_stricter_already_stay(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", partial(subprocess.Popen, preexec_fn=_limit_files))
    write = "with open('own', 'wb') as file:\n    file.write(bytes(5000))"
    assert run([write], BRIEF).failed == "OSError"
    monkeypatch.undo()
    assert run([write], BRIEF).passed


def _limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def test_files_of_others_keep_text_mode_and_times(tmp_path):
    there = tmp_path / "there"
    there.write_text("whole")
    there.chmod(0o600)
    os.utime(there, (1, 1))
    for way in ("os.chmod({0!r}, 0o777)", "os.utime({0!r})", "os.truncate({0!r}, 0)", "os.unlink({0!r})"):
        assert run([f"import os\n{way.format(str(there))}"], BRIEF).failed == "PermissionError"
    # Python's own may be read, but not be emptied on the way.
    assert run([f"open({os.__file__!r}).read()"], BRIEF).passed
    assert run([f"import os\nos.open({os.__file__!r}, os.O_RDONLY | os.O_TRUNC)"], BRIEF).failed == "PermissionError"
    assert there.read_text() == "whole"
    assert (there.stat().st_mode & 0o777, there.stat().st_mtime) == (0o600, 1)
    assert os.stat(os.__file__).st_size


def test_no_server_of_this_machine_is_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connect = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)"
        assert run([connect], BRIEF).failed == "PermissionError"
        assert run([connect], BRIEF, set(GUARDS) - {"seccomp"}).passed


@pytest.mark.parametrize("guard", mostly_slow(reversed(GUARDS)))
def test_a_guard_that_does_not_hold_is_found(guard, monkeypatch):
    kept = set(GUARDS) - {guard}
    monkeypatch.setattr(checking, "run", lambda parts, limits: run(parts, limits, kept))
    with pytest.raises(AutopeftError, match="cannot be run here: a program was able to") as caught:
        check_sandbox()
    assert all((attack.aim in str(caught.value)) == (attack.guard == guard) for attack in ATTACKS)


def test_here_all_of_them_hold():
    check_sandbox()


def test_a_machine_without_landlock_is_told_so(monkeypatch):
    # As a kernel answers that does not have it, or a container that keeps it back.
    monkeypatch.setattr(checking, "run", lambda *_: Ended(unguarded="landlock: Function not implemented"))
    with pytest.raises(AutopeftError, match=r"landlock: Function not implemented.*expected Linux 5\.13"):
        check_sandbox()


HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.parametrize("place", range(2), ids=[*HEADERS])
def test_numbers_are_those_of_the_headers(place):
    header = [*HEADERS.values()][place]
    if not header.is_file():
        pytest.skip(f"{header} is not installed")
    known = {}
    for line in header.read_text().splitlines():
        match line.split():
            case ["#define", name, number, *_] if name.startswith("__NR") and number.isdecimal():
                known[name.removeprefix("__NR_").removeprefix("__NR3264_")] = int(number)
    known.setdefault("newfstatat", known.get("fstatat"))
    for name, numbers in ALLOWED.items():
        assert numbers[place] in (known.get(name), None), name
    assert number_of("getpid") is not None
    assert ctypes.CDLL(None).syscall(number_of("getpid")) == os.getpid()
