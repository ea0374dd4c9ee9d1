# SPDX-License-Identifier: MIT
"""How the table looks, for one who has never seen it."""
import os
import platform

FAMILIES = {
    "servers": "Servers: requests per second of their CPU time, as a part of what the bare program\n"
               "  does; and the microseconds that a request costs more",
    "starts": "Start and end of a program: CPU time in ms, on top of the bare program's",
    "calls": "Calls: CPU time of each in ns, on top of the bare program's",
    "memory": "Memory: bytes, on top of the bare program's",
    "recording": "What is left on disk: KiB. It must not grow with the number of lives",
    "command": "The command: CPU time, time that passed, most memory",
}
DIGITS = {"of bare": 3, "ms more": 2, "s of CPU": 2}
BARE = {"of bare": "requests/s", "ms more": "ms", "ns more": "ns", "bytes more": "bytes"}


def processor():
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":")[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def head(o):
    return f"""\
{processor()}, {os.cpu_count()} processors, Linux {platform.release()}, load {os.getloadavg()[0]:.1f}
In {o.rounds} rounds, all in turn. The median, and in brackets between what it lies by 95 %.
  bare      the program as it is
  shim      with libsocklint.so
  naive     with a library that walks each stack by libunwind, behind a lock (naive.c)
  valgrind  under valgrind --tool=none --track-fds=yes; with a fifth of the calls
  strace    under strace -f -k; with a 100th. Its own time is counted, too
Peers take part in the first rounds alone. "more" means on top of the bare program."""


def extras(v):
    names = (key for key in v if key not in ("median", "low", "high"))
    return "".join(f", {key.replace('_', ' ')} {v[key]:,}" for key in names)


def show(name, row, is_first):
    lines = ["", FAMILIES[row["family"]], ""] if is_first else []
    lines.append(f"{name:18}{row['title']}")
    if "missing" in row:
        return "\n".join([*lines, f"{'':4}not measured: {row['missing']}"])
    unit = row["unit"]
    digits = DIGITS.get(unit, 0)
    if "bare" in row:
        bare = f"{row['bare']:,.{digits if unit != 'of bare' else 0}f}"
        lines.append(f"{'':4}{'bare':13}{bare:>14} {BARE[unit]}")
    for kind, v in row["kinds"].items():
        lines.append(f"{'':4}{kind:13}{v['median']:14,.{digits}f} {unit:10} "
                     f"[{v['low']:,.{digits}f} .. {v['high']:,.{digits}f}]{extras(v)}")
    lines += [f"{'':4}{kind:13}{'-':>14} {why}"
              for kind, why in row.get("missing_kinds", {}).items()]
    return "\n".join(lines)
