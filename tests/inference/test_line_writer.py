"""Whole lines, whatever happens at the place that writes."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from src.errors import UserError
from src.inference.line_writer import LineWriter, open_output


def test_lines_are_written_and_counted(tmp_path: Path) -> None:
    writer = open_output(tmp_path / "out", overwrite=False)
    writer.write([b"one\n", b"two\n"])
    assert (tmp_path / "out").read_bytes() == b"one\ntwo\n", "at once, not at the end"
    writer.close()
    assert writer.lines == 2


def test_a_file_is_not_written_over_unasked(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("precious, and longer\n")
    with pytest.raises(UserError, match="overwrite=true"):
        open_output(tmp_path / "out", overwrite=False)
    assert (tmp_path / "out").read_text() == "precious, and longer\n"
    writer = open_output(tmp_path / "out", overwrite=True)
    writer.write([b"new\n"])
    assert (tmp_path / "out").read_bytes() == b"new\n"
    writer.close()


def test_an_older_file_is_kept_until_there_is_a_line_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("precious\n")
    open_output(tmp_path / "out", overwrite=True).discard_if_empty()  # the first line to answer was none
    assert (tmp_path / "out").read_text() == "precious\n"
    open_output(tmp_path / "out", overwrite=True).close()  # there was no line to answer
    assert (tmp_path / "out").read_bytes() == b""


def test_no_space_left_cuts_back_to_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room, write = [10], os.write

    def full(descriptor: int, data: bytes) -> int:
        if room[0] == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(descriptor, data[: room[0]])
        room[0] -= written
        return written

    writer = open_output(tmp_path / "out", overwrite=False)
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(UserError, match=r"No space left on device.*Its 2 lines up to there are whole"):
        writer.write([b"one\n", b"two\n", b"three\n", b"four\n"])
    assert (tmp_path / "out").read_bytes() == b"one\ntwo\n"
    assert writer.lines == 2


FILLS = """
import sys
from pathlib import Path
from src.inference.line_writer import open_output
from src.errors import UserError
writer = open_output(Path(sys.argv[1]), overwrite=False)
try:
    for number in range(10_000):
        writer.write([f"{number} {'x' * 90}\\n".encode()])
except UserError as error:
    print(writer.lines, error)
"""


def test_a_full_file_system_leaves_whole_lines(tmp_path: Path) -> None:
    """A tmpfs of 64 KiB where one may be mounted, and everywhere a bound on the size of a file, which writes short."""
    bounded = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n{FILLS}"
    places = [(bounded, tmp_path / "bounded")]
    full = tmp_path / "full"
    full.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(full)], capture_output=True)
    if mounted.returncode == 0:
        places.append((FILLS, full / "out"))
    try:
        for code, path in places:
            done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
            assert "must be written, but cannot be" in done.stdout
            content = path.read_bytes()
            assert content.endswith(b"x\n")
            assert content.count(b"\n") == int(done.stdout.split()[0]) > 400
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", str(full)], check=True)


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must be a file that can be made, but .* cannot be \(No such file"):
        open_output(tmp_path / "nowhere" / "out", overwrite=False)
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o500)  # root writes there all the same
    fixed = subprocess.run(["chattr", "+i", str(locked)], capture_output=True).returncode == 0
    try:
        if fixed or os.geteuid() != 0:
            with pytest.raises(UserError, match=r"cannot be \((Operation not permitted|Permission denied)\)"):
                open_output(locked / "out", overwrite=False)
    finally:
        if fixed:
            subprocess.run(["chattr", "-i", str(locked)], check=True)


def test_a_refusal_of_the_system_to_open_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UserError, match="Read-only file system"):
        open_output(tmp_path / "out", overwrite=False)


def test_an_empty_file_does_not_stand_in_the_way(tmp_path: Path) -> None:
    open_output(tmp_path / "out", overwrite=False).discard_if_empty()
    assert not (tmp_path / "out").exists()
    writer = open_output(tmp_path / "out", overwrite=False)
    writer.write([b"one\n"])
    writer.discard_if_empty()
    assert (tmp_path / "out").exists()


def test_ctrl_c_waits_for_the_end_of_a_line() -> None:
    """The line is longer than a pipe holds; the signal comes while it is half written."""
    reading, writing = os.pipe()
    line = b"x" * 300_000 + b"\n"
    read: list[bytes] = []

    def interrupt_and_read() -> None:
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.2)
        with os.fdopen(reading, "rb") as file:
            read.append(file.read())

    reader = threading.Thread(target=interrupt_and_read)
    reader.start()
    writer = LineWriter(writing, name="pipe")
    with pytest.raises(KeyboardInterrupt):
        writer.write([line, line])
    os.close(writing)
    reader.join()
    assert read == [line], "one whole line, and not the next one"
    assert writer.lines == 1


def test_a_second_ctrl_c_does_not_wait_and_a_file_is_cut_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = open_output(tmp_path / "out", overwrite=False)
    writer.write([b"one\n"])
    write = os.write

    def interrupted(descriptor: int, data: bytes) -> int:
        written = write(descriptor, data[:2])
        signal.raise_signal(signal.SIGINT)
        return written

    monkeypatch.setattr(os, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        writer.write([b"two, never finished\n"])
    assert (tmp_path / "out").read_bytes() == b"one\n"


def test_nobody_reads_any_more() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        LineWriter(writing, name="pipe").write([b"one\n"])
    os.close(writing)
