#!/usr/bin/python3
"""embed.py HEADER SOURCE SQL_FILE…: puts SQL into the binary.

A file under a folder of migrations (NNNN_name.sql) becomes one entry of that folder's list. In any
other file each part that begins with `-- name: words_like_these` becomes a named statement: an
enumerator STORE_WORDS_LIKE_THESE in HEADER and its text in SOURCE. Parameters are written $1, $2 …
as in PostgreSQL; SQLite numbers them when they are ?1, ?2 …
"""
import pathlib
import re
import sys

NAME = re.compile(r"^-- name: ([a-z][a-z0-9_]*)$", re.M)
PARAMETER = re.compile(r"\$(\d+)")
MIGRATION = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")


def literal(text):
    """Text as a C string, a line each."""
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in text.strip().split("\n"))
    return "\n".join(f'    "{line}\\n"' for line in escaped)


def statements_of(path):
    """Yields (name, text); what stands before the first name is a comment on the file."""
    parts = NAME.split(path.read_text())
    if len(parts) < 3:
        sys.exit(f"{path}: no statement; each begins with a line `-- name: words_like_these`")
    for name, text in zip(parts[1::2], parts[2::2]):
        if text.strip().count(";") != 1 or not text.strip().endswith(";"):
            sys.exit(f"{path}: {name}: one statement, ended by its only semicolon")
        numbers = {int(number) for number in PARAMETER.findall(text)}
        if numbers != set(range(1, len(numbers) + 1)):
            sys.exit(f"{path}: {name}: parameters are numbered from $1 without a gap")
        yield name, PARAMETER.sub(r"?\1", text)


def migrations_of(paths):
    """Yields (number, name, text), in order and without a gap."""
    for wanted, path in enumerate(sorted(paths), 1):
        match = MIGRATION.match(path.name)
        if not match or int(match[1]) != wanted:
            sys.exit(f"{path}: migrations are named NNNN_words.sql; {wanted:04d} comes here")
        yield wanted, match[2], path.read_text()


def main():
    header, source = map(pathlib.Path, sys.argv[1:3])
    folders, statements = {}, []
    for path in map(pathlib.Path, sys.argv[3:]):
        if MIGRATION.match(path.name):
            folders.setdefault(path.parent.name, []).append(path)
        else:
            statements += statements_of(path)
    names = [name for name, _ in statements]
    if len(set(names)) != len(names):
        sys.exit("two statements have one name: " + ", ".join(n for n in names if names.count(n) > 1))

    header.write_text(
        "/* Made by store/embed.py from store/statements: the names of all statements. */\n"
        "#ifndef LETTERHEAD_STORE_STATEMENTS_H\n#define LETTERHEAD_STORE_STATEMENTS_H\n\n"
        "enum store_statement {\n" + "".join(f"    STORE_{name.upper()},\n" for name in names)
        + "    STORE_STATEMENTS,\n};\n\n#endif\n")
    out = ['#include "store/embedded.h"\n', "const struct store_text store_statement_texts[] = {"]
    out += [f'    {{"{name}",\n{literal(text)}}},' for name, text in statements]
    out += ["};\n"]
    for folder, paths in folders.items():
        out += [f"const struct store_text store_{folder}[] = {{"]
        out += [f'    {{"{name}",\n{literal(text)}}},' for _, name, text in migrations_of(paths)]
        out += ["    {NULL, NULL},", "};\n"]
    source.write_text("\n".join(out))


if __name__ == "__main__":
    main()
