"""The release build: it starts, says its version, and carries the hardening that it claims."""
import os
import pathlib
import re
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("LETTERHEAD_BIN", str(TOP / "build/src/app/letterhead"))


def output_of(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def test_version_is_the_build_s():
    version = re.search(r"version: '([^']+)'", (TOP / "meson.build").read_text())[1]
    assert version in output_of(BINARY, "--version")


def test_help_names_the_commands():
    text = output_of(BINARY, "--help")
    assert all(word in text for word in ("serve", "site", "identity", "credential", "queue", "check-config"))


def test_unknown_command_is_refused():
    result = subprocess.run([BINARY, "no-such-command"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert result.returncode == 2
    assert b"no-such-command" in result.stderr


def test_default_configuration_is_good():
    result = subprocess.run([BINARY, "check-config", "--config", str(TOP / "dist/letterhead.yaml")], check=False)
    assert result.returncode == 0


def test_position_independent():
    assert re.search(r"Type:\s+DYN", output_of("readelf", "-h", BINARY))


def test_relocations_are_read_only_and_bound_at_start():
    assert "GNU_RELRO" in output_of("readelf", "-lW", BINARY)
    assert re.search(r"FLAGS.*(BIND_NOW|NOW)", output_of("readelf", "-dW", BINARY))


def test_stack_is_not_executable():
    assert re.search(r"GNU_STACK\s.* RW ", output_of("readelf", "-lW", BINARY))


def test_stack_protector_and_fortify():
    symbols = output_of("readelf", "--dyn-syms", "-W", BINARY)
    assert "__stack_chk_fail" in symbols
    assert re.search(r"__\w+_chk@GLIBC", symbols)


def test_control_flow_enforcement():
    """Our code is marked; whether the whole program is depends on the system's own start files."""
    if os.uname().machine == "x86_64":
        assert "endbr64" in output_of("objdump", "-d", "--disassemble=main", BINARY)


def test_installs_what_a_system_needs(tmp_path):
    subprocess.run(["meson", "install", "-C", str(pathlib.Path(BINARY).parents[2]), "--no-rebuild", "--quiet",
                    f"--destdir={tmp_path}"], check=True)
    installed = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert {"letterhead", "letterhead.service", "letterhead.yaml"} <= installed
