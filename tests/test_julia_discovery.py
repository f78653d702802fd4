"""Whether the Julia engine could start, and if not why; nothing here needs Julia or starts one."""

from __future__ import annotations

import json
import os
import sys
import types
from pathlib import Path

import julia_fakes
import pytest

from pyhodgkin.backends.julia import discover, environment, packages, start
from pyhodgkin.backends.julia.requirements import numbers, requirements
from pyhodgkin.errors import BackendUnavailableError

posix = pytest.mark.skipif(os.name == "nt", reason="the fake Julia is a shell script")


def named(bare, tmp_path, version="1.10.9", **packages):
    """Julia and its project named by the two variables of juliacall."""
    exe = julia_fakes.program(tmp_path / "julia-dir", version)
    folder = julia_fakes.project(tmp_path / "env", **packages)
    bare.setenv("PYTHON_JULIACALL_EXE", str(exe))
    bare.setenv("PYTHON_JULIACALL_PROJECT", str(folder))
    return exe, folder


@posix
def test_a_julia_named_with_its_project_is_ready(bare, tmp_path):
    exe, folder = named(bare, tmp_path)
    found = discover.look()
    assert found.ready and found.reason == "" and found.version == "1.10.9"
    assert (found.executable, found.project) == (str(exe), str(folder))


@posix
def test_the_answer_follows_the_environment(bare, tmp_path):
    assert not discover.look().ready
    named(bare, tmp_path)
    assert discover.look().ready
    bare.delenv("PYTHON_JULIACALL_PROJECT")
    assert "PYTHON_JULIACALL_PROJECT is not" in discover.look().reason


def reason_of(package="HodgkinNeurons") -> str:
    """Reason and fix of an engine that cannot start; the error says the same, in one line."""
    discover.forget()
    found = discover.look(package)
    assert not found.ready and found.reason and found.fix
    message = str(discover.JuliaUnavailableError(found.reason, found.fix))
    assert "\n" not in message and message.endswith(f"{found.reason}; {found.fix}")
    return f"{found.reason}; {found.fix}"


@pytest.mark.parametrize(("given", "other"), [("EXE", "PROJECT"), ("PROJECT", "EXE")])
def test_one_variable_without_the_other(bare, tmp_path, given, other):
    bare.setenv(f"PYTHON_JULIACALL_{given}", str(tmp_path))
    assert f"PYTHON_JULIACALL_{other} is not; set both" in reason_of()


@posix
def test_what_can_be_wrong_with_a_named_julia(bare, tmp_path):
    exe, _ = named(bare, tmp_path)
    julia_fakes.program(exe.parent, "1.9.4")
    assert "is 1.9.4; 1.10.3 or later is needed" in reason_of()
    julia_fakes.program(exe.parent, says="command not found")
    assert "does not answer --version" in reason_of()
    exe.unlink()
    assert "not an executable file" in reason_of()
    julia_fakes.program(exe.parent)
    bare.setenv("PYTHON_JULIACALL_PROJECT", str(tmp_path / "nowhere"))
    assert "nowhere does not exist" in reason_of()


@posix
def test_what_can_be_wrong_with_a_project(bare, tmp_path):
    _, folder = named(bare, tmp_path)
    julia_fakes.project(folder, HodgkinNeurons="")
    assert "has no HodgkinNeurons" in reason_of()
    julia_fakes.project(folder, PythonCall="")
    assert "has no PythonCall" in reason_of()
    julia_fakes.project(folder, PythonCall="0.9.20")
    assert "PythonCall 0.9.20, but juliacall is" in reason_of()
    julia_fakes.project(folder, HodgkinNeurons="0.0.9")
    assert "HodgkinNeurons is 0.0.9, but this pyhodgkin goes with" in reason_of()
    julia_fakes.project(folder)
    needs = folder.parent / "package" / "Project.toml"
    needs.write_text('name = "HodgkinNeurons"\n[deps]\nDates = "0"\nJSON = "0"\n')
    assert "is older than HodgkinNeurons" in reason_of() and "Pkg.resolve()" in reason_of()
    needs.unlink()
    (folder / "Manifest.toml").unlink()
    assert "never installed" in reason_of()
    (folder / "Manifest.toml").write_text("[[deps.A\nversion")
    assert "the Julia project is broken" in reason_of()
    (folder / "Project.toml").unlink()
    assert "holds no Project.toml" in reason_of()
    julia_fakes.project(folder)
    (folder.parent / "package").rmdir()
    assert "HodgkinNeurons is said to be in" in reason_of()


@posix
def test_packages_of_the_shared_project_count(bare, tmp_path):
    named(bare, tmp_path, PythonCall="")
    assert "has no PythonCall" in reason_of()
    julia_fakes.project(tmp_path / "depot" / "environments" / "v1.10", HodgkinNeurons="")
    discover.forget()
    assert discover.look().ready


def test_nothing_installed_can_be_installed(bare):
    found = discover.look()
    assert not found.ready and found.installable
    assert "no Julia was found" in found.reason and "doctor --install" in found.fix


def test_offline_without_julia_cannot_be_installed(bare):
    bare.setenv("PYTHON_JULIAPKG_OFFLINE", "yes")
    assert "forbids to download" in reason_of()
    assert not discover.look().installable
    with pytest.raises(BackendUnavailableError, match="PYTHON_JULIAPKG_EXE"):
        start.session()


@posix
def test_offline_with_a_project_of_ones_own(bare, tmp_path):
    bare.setenv("PYTHON_JULIAPKG_OFFLINE", "yes")
    bare.setenv("PYTHON_JULIAPKG_EXE", str(julia_fakes.program(tmp_path / "a", "1.11.2")))
    assert "holds no Project.toml" in reason_of()
    bare.setenv("PYTHON_JULIAPKG_PROJECT", str(julia_fakes.project(tmp_path / "b" / "env")))
    found = discover.look()
    assert found.ready and found.version == "1.11.2" and found.source == "PYTHON_JULIAPKG_EXE"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("PROJECT", "here", "must be an absolute path"), ("OFFLINE", "1", "must be one of: yes, no")],
)
def test_variables_of_juliapkg_that_it_would_refuse(bare, name, value, words):
    bare.setenv(f"PYTHON_JULIAPKG_{name}", value)
    assert words in reason_of()


@posix
def test_julia_on_the_path_still_lacks_its_packages(bare, tmp_path):
    julia_fakes.program(tmp_path / "bin")
    found = discover.look()
    assert not found.ready and found.installable and found.version == "1.10.9"
    assert found.reason == "the Julia packages are not installed yet"


@posix
def test_what_juliapkg_has_resolved_is_ready(bare, tmp_path):
    from juliapkg import deps

    exe = julia_fakes.program(tmp_path / "julia-dir")
    folder = julia_fakes.project(tmp_path / "resolved")
    with packages.one_copy():
        files = {
            file: {"timestamp": os.path.getmtime(file), "hash_sha256": deps._get_hash(file)}
            for file in deps.deps_files()
        }
    meta = {
        "meta_version": deps.META_VERSION, "dev": deps.STATE["dev"], "version": "1.10.9",
        "executable": str(exe), "libjulia": "", "bindir": "", "deps_files": files, "pkgs": [],
        "offline": False, "override_executable": None,
    }  # fmt: skip
    (folder / "pyjuliapkg").mkdir()
    (folder / "pyjuliapkg" / "meta.json").write_text(json.dumps(meta))
    found = discover.look()
    assert found.ready and found.source == "juliapkg" and found.project == str(folder)
    julia_fakes.project(folder, PythonCall="0.9.20")
    assert "PythonCall 0.9.20" in reason_of()
    julia_fakes.program(exe.parent, "1.10.10")  # Julia was replaced: juliapkg resolves again
    discover.forget()
    assert not discover.look().ready and discover.look().installable


def test_juliacall_missing_or_too_old(bare):
    bare.setattr(discover, "juliacall_version", lambda: "0.9.20")
    assert "juliacall is 0.9.20" in reason_of() and "upgrade" in reason_of()
    bare.setattr(discover.importlib.util, "find_spec", lambda name: None)
    assert "juliacall is not installed; run: pip install juliacall" in reason_of()


def test_a_julia_that_runs_already_is_the_one(bare, tmp_path):
    exe = julia_fakes.program(tmp_path / "julia-dir")
    config = {"inited": True, "exepath": str(exe), "project": str(tmp_path / "env")}
    bare.setitem(sys.modules, "juliacall", types.SimpleNamespace(CONFIG=config, Base=None))
    assert "holds no Project.toml" in reason_of()
    julia_fakes.project(tmp_path / "env")
    discover.forget()
    assert discover.look().ready and discover.look().source == "running"
    config.clear()  # Julia that runs Python, by PythonCall
    discover.forget()
    assert discover.look().ready


def test_options_of_juliacall_are_spelt_as_it_reads_them():
    import importlib.util

    spec = importlib.util.find_spec("juliacall")
    assert spec is not None and spec.origin is not None
    with open(spec.origin, encoding="utf-8") as file:
        source = file.read()
    for name in (*environment.DEFAULTS, "EXE", "PROJECT", "CHECK_BOUNDS"):
        assert f"option('{name.lower()}'" in source or f"choice('{name.lower()}'" in source, name
    assert "'PYTHON_JULIACALL_'" in source and "envkey='PYTHON_JULIACALL_BINDIR'" in source
    assert 'message="torch was imported before juliacall"' and "torch was imported before" in source


def test_defaults_give_way_to_what_the_user_set(bare):
    bare.setenv("PYTHON_JULIACALL_THREADS", "3")
    bare.setitem(sys._xoptions, "juliacall-handle-signals", "no")
    bare.setenv("PYTHON_JULIACALL_AUTOLOAD_IPYTHON_EXTENSION", "")
    environment.prepare()
    assert os.environ["PYTHON_JULIACALL_THREADS"] == "3"
    assert "PYTHON_JULIACALL_HANDLE_SIGNALS" not in os.environ
    assert os.environ["PYTHON_JULIACALL_AUTOLOAD_IPYTHON_EXTENSION"] == ""


def test_julias_own_number_of_threads_is_respected(bare):
    bare.setenv("JULIA_NUM_THREADS", "5")
    environment.prepare()
    assert "PYTHON_JULIACALL_THREADS" not in os.environ
    bare.delenv("JULIA_NUM_THREADS")
    environment.prepare()
    assert os.environ["PYTHON_JULIACALL_THREADS"] == "auto"
    assert os.environ.pop("PYTHON_JULIACALL_HANDLE_SIGNALS") == "yes"
    del os.environ["PYTHON_JULIACALL_THREADS"]
    del os.environ["PYTHON_JULIACALL_AUTOLOAD_IPYTHON_EXTENSION"]


def test_a_juliacall_started_by_others_is_warned_of(bare):
    bare.delenv("PYHODGKIN_QUIET", raising=False)
    with pytest.warns(RuntimeWarning, match="2 threads without PYTHON_JULIACALL_HANDLE_SIGNALS"):
        environment.warn_of_running({"opt_handle_signals": None}, 2)
    environment.warn_of_running({"opt_handle_signals": "yes"}, 2)


def test_versions_are_compared_by_their_numbers():
    assert numbers("1.10.0") >= (1, 10) > numbers("1.9.4")
    assert numbers("1.13.0-DEV.12+abc") == (1, 13, 0)


def test_another_clone_in_the_current_folder_is_left_alone(bare, tmp_path, monkeypatch):
    from juliapkg import deps

    other = tmp_path / "clone" / "juliapkg.json"
    other.parent.mkdir()
    other.write_bytes(requirements().file.read_bytes())
    theirs = tmp_path / "theirs" / "juliapkg.json"
    theirs.parent.mkdir()
    theirs.write_text('{"packages": {}}')
    monkeypatch.syspath_prepend(tmp_path)
    assert {str(other), str(theirs)} <= set(deps.deps_files())
    with pytest.raises(Exception, match="not unique"):
        deps.find_requirements()
    with packages.one_copy():
        files = deps.deps_files()
        deps.find_requirements()
    assert str(theirs) in files and str(other) not in files


def test_a_clone_inside_the_checkout_is_left_alone_too(bare, tmp_path, monkeypatch):
    from juliapkg import deps

    ours = tmp_path / "outer" / "juliapkg.json"
    inner = tmp_path / "outer" / "worktree" / "juliapkg.json"
    inner.parent.mkdir(parents=True)
    for file in (ours, inner):
        file.write_bytes(requirements().file.read_bytes())
    bare.setattr(packages, "requirements", lambda: types.SimpleNamespace(file=ours))
    monkeypatch.setattr(sys, "path", [str(ours.parent), *sys.path])
    before = list(sys.path)
    with packages.one_copy():
        files = deps.deps_files()
    assert str(ours) in files and str(inner) not in files and sys.path == before


def test_nothing_private_of_juliapkg_is_used():
    folder = Path(discover.__file__).parent
    text = "".join(file.read_text("utf-8") for file in folder.glob("*.py"))
    assert "juliapkg.deps" not in text and "from juliapkg import deps" not in text
    assert "juliapkg._" not in text and 'import_module("juliapkg' not in text
