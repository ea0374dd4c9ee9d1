# SPDX-License-Identifier: MIT
"""The processes that bench/run starts: each in a session of its own, so that ^C reaches bench/run
alone, and none is left behind whatever happens."""
import os
import signal
import subprocess

started = set()  # processes whose groups may live
starting = wanted_end = False


def interrupted(*_):
    """Of signals. Not while a process is started: nobody would know of it."""
    global wanted_end
    wanted_end = True
    if not starting:
        raise KeyboardInterrupt


def start(argv, **rest):
    global starting
    starting = True
    try:
        child = subprocess.Popen(argv, start_new_session=True, **rest)
        started.add(child)
    finally:
        starting = False
    if wanted_end:
        raise KeyboardInterrupt
    return child


def end(child, patience=20):
    """Asks it to end, and sees to it."""
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, None)):
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            pass
        try:
            child.wait(seconds)
            break
        except subprocess.TimeoutExpired:
            pass
    gone(child)


def gone(child):
    """It has been waited for: what it has started goes with it."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    for pipe in (child.stdin, child.stdout, child.stderr):
        try:
            if pipe:
                pipe.close()
        except BrokenPipeError:
            pass
    started.discard(child)


def run(argv, timeout=None, **rest):
    """As subprocess.run() with its output caught, which must succeed."""
    child = start(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                  text=True, **rest)
    try:
        out, err = child.communicate(timeout=timeout)
    finally:
        if child.poll() is None:
            end(child, 0)
        gone(child)
    done = subprocess.CompletedProcess(argv, child.returncode, out, err)
    done.check_returncode()
    return done


def usage(argv, **rest):
    """Runs it, and returns (exit status, what it used with all its children)."""
    child = start(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                  stderr=subprocess.DEVNULL, **rest)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    gone(child)
    return child.returncode, used


def end_all():
    for child in list(started):
        end(child, 1)
