"""Reads what callgrind wrote: instructions by the object (program, library) that they lie in.

Only the cost of a function itself is summed, never that of what it calls: fibers change stacks, and callgrind
loses its way among their callers, but not which instruction was executed.
"""
import collections
import pathlib
import re

NAME = re.compile(r"c?ob=\((\d+)\)(?: (.*))?")  # a name is said once, where its number comes up first


def instructions(path):
    """Instructions by the short name of the object: letterhead, libcrypto, libc …"""
    names, counts = {}, collections.Counter()
    now, is_call = None, False
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith(("ob=", "cob=")):
                number, name = NAME.match(line).groups()
                if name:
                    names[number] = re.sub(r"[-.].*", "", pathlib.Path(name).name) or name
                if line.startswith("ob="):
                    now = names[number]
            elif line.startswith("calls="):
                is_call = True
            elif line[:1].isdigit() or line[:1] in "+-*":
                if not is_call:
                    counts[now] += int(line.split()[-1])
                is_call = False
    return counts
