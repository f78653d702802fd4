"""The kernels for GPUs: the answers of those of the CPU, by Triton's interpreter; and their PTX.

No GPU is needed. What needs one is `benchmarks/gpu_population.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pyhodgkin.backends import compiled, gpu
from pyhodgkin.backends.torch.steps import METHODS
from pyhodgkin.status import Status

NO_KERNELS = gpu.why_not()
needs_triton = pytest.mark.skipif(bool(NO_KERNELS), reason=NO_KERNELS)
interpreted_only = pytest.mark.skipif(
    bool(NO_KERNELS or compiled.why_not()),
    reason=NO_KERNELS or f"no kernel to compare with: {compiled.why_not()}",
)
FORMS = (
    *(f"{name} {solver}" for name in ("learned", "black_box") for solver in ("tsit5", "rodas5p")),
    *("free", "blind", "boundless", "nested", "nested rodas4p", "prior", "warm"),
    *("smooth", "kinks"),
)
CLAMPS = (
    *("squid chirp tsit5", "squid voltage tsit5"),
    *("squid voltage rodas5p", "squid ramp rodas5p"),
)


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """All cases, solved by Triton's interpreter in a process of its own."""
    path = tmp_path_factory.mktemp("gpu") / "results.npz"
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONWARNINGS": "ignore"}
    script = Path(__file__).with_name("gpu_interpreted.py")
    command = [sys.executable, str(script), str(path)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(np.load(path))


def both(solved, case, what=""):
    """What the kernels for GPUs and those of the CPU found."""
    tail = f"_{what}" if what else ""
    return solved[f"{case}/found{tail}"], solved[f"{case}/expected{tail}"]


@interpreted_only
@pytest.mark.parametrize("case", [*FORMS, *CLAMPS, "squid tight"])
def test_trajectories_and_steps_are_those_of_the_cpu(case, solved):
    found, expected = both(solved, case)
    size = np.nanmax(np.abs(expected), axis=(0, 1))
    assert np.isfinite(expected).all()
    assert np.abs((found - expected) / size).max() < 1e-9
    np.testing.assert_array_equal(*both(solved, case, "results"))


@interpreted_only
def test_single_precision_is_right_to_its_rounding(solved):
    found, expected = both(solved, "squid single")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@interpreted_only
@pytest.mark.parametrize("solver", ["tsit5", "rodas5p"])
def test_the_tape_is_that_of_the_cpu(solver, solved):
    np.testing.assert_allclose(*both(solved, f"tape {solver}", "tape"), rtol=1e-9)
    np.testing.assert_array_equal(*both(solved, f"tape {solver}", "pieces"))


@interpreted_only
def test_the_steps_in_which_v_rises_are_kept(solved):
    found, expected = both(solved, "spike", "rising")
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)
    assert (expected[:, 2] < 0.0).any() and (expected[:, 2] > 0.0).any()


@interpreted_only
def test_an_element_that_fails_spoils_nobody(solved):
    found, expected = both(solved, "fails")
    status = solved["fails/found_results"][:, 0]
    assert status.tolist() == [Status.SUCCESS, Status.NONFINITE, Status.SUCCESS]
    np.testing.assert_allclose(found[[0, 2]], expected[[0, 2]], rtol=1e-10)
    assert np.isnan(found[1, 1:]).all()
    np.testing.assert_array_equal(*both(solved, "fails", "results"))


@interpreted_only
def test_every_element_has_its_own_limit_and_its_own_end(solved):
    found, expected = both(solved, "limit")
    np.testing.assert_array_equal(*both(solved, "limit", "results"))
    assert Status.MAX_STEPS in solved["limit/found_results"][:, 0]
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))


@interpreted_only
def test_the_engine_gives_the_answers_of_the_cpu(solved):
    np.testing.assert_allclose(*both(solved, "engine", "y"), rtol=1e-9)
    np.testing.assert_allclose(*both(solved, "engine", "spikes"), atol=1e-9)
    assert len(solved["engine/expected_spikes"]) > 0


@interpreted_only
@pytest.mark.parametrize(
    "case", ["squid_axon tsit5", "learned tsit5", "nested tsit5", "squid_axon rodas4p"]
)
def test_gradients_are_those_of_the_eager_adjoint(case, solved):
    np.testing.assert_allclose(*both(solved, case, "value"), rtol=1e-9)
    found, expected = both(solved, case, "gradient")
    assert np.abs(expected).max() > 0.0
    np.testing.assert_allclose(found, expected, atol=1e-9 * np.abs(expected).max())


# -- compiled, without a GPU ------------------------------------------------------------------


def arguments_of(dtype, arguments):
    """The types of the arguments of a kernel, and the constants."""
    import triton.language as tl

    short = {"float64": "fp64", "float32": "fp32"}[dtype]
    whole = {"sizes": "*i64", "set_of": "*i64", "protocol_of": "*i64", "results": "*i32"}
    whole |= {"tape_pieces": "*i32", "rising_count": "*i32"}
    whole |= {"counts": "*i32"}
    own = ("rows", "samples", "tape_states", "cotangent", "gradients", "start_gradient")
    whole |= dict.fromkeys(own, f"*{short}")
    constants = {"F": getattr(tl, dtype), "BLOCK": 32, "PTX": True}
    constants |= {"GIVEN": True, "KEEP": True, "WATCH": True, "CROSSING": False}
    names = [argument.split(":")[0] for argument in arguments]
    types = {n: "constexpr" if n in constants else whole.get(n, "*fp64") for n in names}
    return types, constants


QUICK = [("squid_axon", "tsit5", "float32", False), ("learned", "rodas5p", "float64", True)]
EVERY = [
    (name, solver, dtype, sines)
    for name in ("squid_axon", "learned", "black_box", "connor_stevens", "nested", "free")
    for solver in ("tsit5", "rodas5p")
    for dtype in ("float32", "float64")
    for sines in (False, True)
]


@needs_triton
@pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="Triton interprets")
@pytest.mark.parametrize(
    ("name", "solver", "dtype", "sines"),
    [
        *QUICK,
        *(pytest.param(*x, marks=pytest.mark.slow) for x in EVERY if x not in QUICK),
    ],
)
def test_kernels_compile_for_a_gpu(name, solver, dtype, sines):
    import triton
    from test_lowering import CASES
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource, make_backend
    from triton.runtime.jit import create_function_from_signature

    from pyhodgkin.backends.gpu import templates
    from pyhodgkin.backends.gpu.modules import adjoint_kernel, kernel
    from pyhodgkin.backends.gpu.variant import Variant

    variant = Variant(False, sines, sines, dtype)
    tables, tableau = CASES[name].tables, METHODS[solver].tableau
    kernels = [(kernel(tables, tableau, variant).solve, templates.ARGUMENTS)]
    if solver == "tsit5":
        back = adjoint_kernel(tables, tableau, variant).adjoint
        kernels.append((back, templates.ADJOINT_ARGUMENTS))
    target = GPUTarget("cuda", 90, 32)
    for function, arguments in kernels:
        types, constants = arguments_of(dtype, arguments)
        constants = {key: x for key, x in constants.items() if key in types}
        # What a launch makes of the arguments: no name of theirs may be one of Triton's own.
        create_function_from_signature(function.signature, function.params, make_backend(target))
        source = ASTSource(function, types, constexprs=constants)
        found = triton.compile(source, target=target, options={"num_warps": 1})
        assert "st.global" in found.asm["ptx"] and ".entry" in found.asm["ptx"]


# -- without Triton ---------------------------------------------------------------------------


def test_the_switch_of_the_compiled_integrators_holds_for_gpus(monkeypatch):
    monkeypatch.setenv(compiled.SWITCH, "0")
    assert gpu.why_not() == f"{compiled.SWITCH}=0"


def test_code_is_kept_once_and_read_again(monkeypatch, tmp_path):
    from pyhodgkin.backends.gpu import modules

    monkeypatch.setenv(modules.FOLDER, str(tmp_path))
    assert modules.load("answer = 41 + 1\n").answer == 42
    (path,) = tmp_path.rglob("kernel_*.py")
    path.write_text("answer = 0\n")  # what is not what its name says is written again
    modules.load.cache_clear()
    assert modules.load("answer = 41 + 1\n").answer == 42
    assert [p.name for p in tmp_path.rglob("*") if p.suffix == ".part"] == []


def test_derivatives_of_a_graph():
    from pyhodgkin.backends.gpu import graph as g
    from pyhodgkin.backends.gpu.derivatives import adjoints, tangents
    from pyhodgkin.backends.gpu.printing import lines

    graph = g.Graph()
    x, y = graph.name("x"), graph.name("y")
    z = g.exponential(x * y) / (1.0 + y * y) - x
    text, names = lines(
        graph, [*tangents(graph, {x.index: 1.0}, [z]), *adjoints(graph, [z], [1.0], [x, y])], str
    )
    scope = {
        "x": 0.3,
        "y": 0.7,
        "exponential": np.exp,
        "below": lambda a, b, c: c if a < b else 0.0,
    }
    exec("\n".join(text), scope)
    by_x, again, by_y = (eval(name, scope) for name in names)
    e = np.exp(0.21)
    assert by_x == again == pytest.approx(0.7 * e / 1.49 - 1.0)
    assert by_y == pytest.approx(0.3 * e / 1.49 - e * 1.4 / 1.49**2)


def test_a_variant_reads_rows_at_fixed_distances():
    from pyhodgkin.backends.gpu.variant import Variant

    many = Variant(False, False, False)
    assert "[$1+768]" in many.read_row(3)
    assert "[$1+12]" in replace(many, width=1, dtype="float32").read_row(3)
    assert replace(many, ptx=False).read_row(3) == "tl.load(weights + 96)"


@pytest.mark.parametrize(
    ("version", "said"), [("3.3.1", "older than 3.4"), ("3.4.0", ""), ("3.10.0+git1", "")]
)
def test_versions_of_triton_that_do_not_compile_the_kernels(monkeypatch, version, said):
    monkeypatch.setattr(gpu.importlib.util, "find_spec", lambda _: object())
    monkeypatch.setitem(sys.modules, "triton", SimpleNamespace(__version__=version))
    gpu._wrong_triton.cache_clear()
    try:
        assert said in gpu._wrong_triton() and bool(said) == bool(gpu._wrong_triton())
    finally:
        gpu._wrong_triton.cache_clear()
