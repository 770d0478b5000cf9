#!/usr/bin/python3
"""embed_text.py SOURCE NAME HEADER FILE: writes the C file SOURCE, in which NAME is FILE's text."""
import pathlib
import sys


def main():
    source, name, header, text = sys.argv[1], sys.argv[2], sys.argv[3], pathlib.Path(sys.argv[4])
    lines = text.read_text().split("\n")
    literals = "\n".join('    "' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"' for line in lines)
    pathlib.Path(source).write_text(f'#include "{header}"\n\nconst char {name}[] =\n{literals};\n')


main()
