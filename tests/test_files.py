"""Files and folders appear whole: a process is killed before each of its steps on the way."""

import errno
import os
import pathlib
import signal
import subprocess
import sys
import threading

import keras
import pytest

from zoo import files

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="has nothing to do with the backend")

# The module alone, for importing the package takes seconds.
WRITER = """
import importlib.util, os, pathlib, signal, sys
spec = importlib.util.spec_from_file_location("files", sys.argv[1])
files = importlib.util.module_from_spec(spec)
spec.loader.exec_module(files)
path, kind, steps = pathlib.Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])

def dying(function):
    def call(*arguments, **options):
        global steps
        steps -= 1
        if not steps:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

for owner, name in [(os, "fsync"), (pathlib.Path, "rename"), (files, "remove")]:
    setattr(owner, name, dying(getattr(owner, name)))
with files.atomic(path) as temporary:
    if kind == "folder":
        temporary.mkdir()
        (temporary / "a").write_text("new")
        temporary /= "b"
    temporary.write_text("new")
"""


def write(path, kind, steps):
    """Writes in a process of its own that is killed before that step; returns whether it was."""
    done = subprocess.run([sys.executable, "-c", WRITER, files.__file__, str(path), kind, str(steps)])
    assert done.returncode in (0, -signal.SIGKILL)
    return done.returncode != 0


def content(path):
    """What is there: the text of a file, or of all files of a folder, or None."""
    if path.is_dir():
        return {file.name: file.read_text() for file in path.iterdir()}
    return path.read_text() if path.exists() else None


OLD = {"file": "old", "folder": {"a": "old", "c": "old"}}
NEW = {"file": "new", "folder": {"a": "new", "b": "new"}}


def make_old(path, kind):
    if kind == "file":
        path.write_text("old")
    else:
        path.mkdir()
        for name in ("a", "c"):
            (path / name).write_text("old")


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_killed_at_every_step_it_is_old_or_new_and_the_next_writer_cleans_up(kind, tmp_path):
    seen, steps, killed = [], 0, True
    while killed:
        steps += 1
        path = tmp_path / str(steps) / "it"
        path.parent.mkdir()
        make_old(path, kind)
        killed = write(path, kind, steps)
        seen.append(content(path))
        # Between the two renames of a folder it lies aside, and any writer's start brings it back.
        assert seen[-1] in (OLD[kind], NEW[kind]) or (kind == "folder" and seen[-1] is None and killed)
        with pytest.raises(KeyboardInterrupt), files.atomic(path):
            raise KeyboardInterrupt
        assert content(path) in (OLD[kind], NEW[kind])
        assert [each.name for each in path.parent.iterdir()] == ["it"]
    assert len(seen) >= 5 and OLD[kind] in seen and seen[-1] == NEW[kind]


def test_writers_that_still_run_are_left_alone(tmp_path):
    with files.atomic(tmp_path / "it") as first:
        first.write_text("first")
        other = first.with_name(first.name.replace(str(os.getpid()), str(os.getppid())))
        other.write_text("half")
        files.write_atomic(tmp_path / "else", "text")
    assert other.exists() and content(tmp_path / "it") == "first"


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_threads_and_processes_that_write_the_same_path(kind, tmp_path):
    path, errors = tmp_path / "it", []
    make_old(path, kind)

    def write_often():
        try:
            for _ in range(20):
                with files.atomic(path) as temporary:
                    if kind == "folder":
                        temporary.mkdir()
                    for name, text in NEW["folder"].items():
                        (temporary / name if kind == "folder" else temporary).write_text(text)
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=write_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    killed = [write(path, kind, steps=100) for _ in range(3)]  # they end before
    for thread in threads:
        thread.join()
    assert errors == [] and not any(killed)
    assert content(path) == NEW[kind] and list(tmp_path.iterdir()) == [path]


def test_a_lock_is_held_by_one_at_a_time(tmp_path):
    order = []

    def second():
        with files.locked(tmp_path / "lock"):
            order.append("second")

    thread = threading.Thread(target=second)
    with files.locked(tmp_path / "lock"):
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_an_interrupted_writer_puts_the_earlier_folder_back(tmp_path, monkeypatch):
    path = tmp_path / "it"
    make_old(path, "folder")
    rename = pathlib.Path.rename

    def interrupted(source, target):
        if target == path and content(source) != OLD["folder"]:
            raise KeyboardInterrupt
        return rename(source, target)

    monkeypatch.setattr(pathlib.Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), files.atomic(path) as temporary:
        temporary.mkdir()
    assert content(path) == OLD["folder"] and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("step", ["rename", "write"])
def test_full_disk_leaves_the_earlier_one_as_it_was(kind, step, tmp_path, monkeypatch):
    path = tmp_path / "it"
    make_old(path, kind)
    rename = pathlib.Path.rename

    def full(source, target):
        if target == path and content(source) != OLD[kind]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(source, target)

    if step == "rename":
        monkeypatch.setattr(pathlib.Path, "rename", full)
    with pytest.raises(OSError, match="No space left"), files.atomic(path) as temporary:
        if kind == "folder":
            temporary.mkdir()
        else:
            temporary.write_text("half")
        if step == "write":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert content(path) == OLD[kind] and list(tmp_path.iterdir()) == [path]


def test_a_generated_file_replaces_its_own_earlier_version_alone(tmp_path):
    path = tmp_path / "README.md"
    for text in ("# Results\none\n", "# Results\ntwo\n"):
        files.write_generated(path, text)
        assert path.read_text() == text
    for other in ("# Project\n", ""):
        path.write_text(other)
        with pytest.raises(ValueError, match=f"its first line is '{other.strip()}', not '# Results'"):
            files.write_generated(path, "# Results\nthree\n")
        assert path.read_text() == other


@pytest.mark.parametrize("code", files.NO_LOCKS, ids=errno.errorcode.get)
def test_a_file_system_without_locks_is_used_without_them(code, tmp_path, monkeypatch):
    def refuse(descriptor, operation):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.flock", refuse)
    files.write_atomic(tmp_path / "it", "new")
    assert content(tmp_path / "it") == "new" and [path.name for path in tmp_path.iterdir()] == ["it"]


def test_another_error_of_a_lock_is_no_lack_of_locks(tmp_path, monkeypatch):
    opened = []

    def fail(descriptor, operation):
        opened.append(descriptor)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("fcntl.flock", fail)
    with pytest.raises(OSError, match="Input/output error"), files.locked(tmp_path / "lock"):
        pytest.fail("the block ran without the lock")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])


def test_files_of_a_process_that_belongs_to_another_user_are_left_alone(tmp_path, monkeypatch):
    def refuse(process, signal):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    with files.atomic(tmp_path / "it") as first:
        first.write_text("first")
    theirs, ours = (first.with_name(first.name.replace(f"-{os.getpid()}-", f"-{each}-")) for each in (1, os.getpid()))
    for left in (theirs, ours):  # our own number: an earlier process had the same one
        left.write_text("half")
    files.write_atomic(tmp_path / "it", "second")
    assert theirs.exists() and not ours.exists() and content(tmp_path / "it") == "second"
