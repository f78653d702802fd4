"""The report of a fit: one file with all numbers, that loads nothing, and repeats itself."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from fit_stub import StubBackend, recording, run, squid

import pyhodgkin as ph
from pyhodgkin import FitResult, Stage
from pyhodgkin.errors import DocumentError, InputError
from pyhodgkin.results.active_bounds import ActiveBound
from pyhodgkin.storage import called

QUICK = Stage("clamped", "lbfgs", 6)
UNPLEASANT = "cell <b>1</b> & \"x\" 'y' <script>alert(1)</script>"
EMPTY = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Tags that are open and closed, addresses, ids and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.tags, self.sources, self.ids, self.links = [], [], [], [], []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.sources += [found[n] for n in ("src", "srcset", "data") if n in found]
        self.links += [found["href"]] if "href" in found else []
        self.ids += [found["id"]] if "id" in found else []
        if tag == "img":
            assert found["alt"]
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read(path) -> Page:
    page = Page(path.read_text("utf-8"))
    assert not page.open and len(set(page.ids)) == len(page.ids)
    return page


@pytest.fixture(scope="module")
def starts():
    """Two starts of a network, with something held out and names of markup."""
    names = [recording(0, UNPLEASANT), recording(1, "b")]
    return run(recordings=names, heldout=recording(3, "held"), seeds=2, schedule=QUICK)


@pytest.fixture(scope="module")
def numbers():
    """Five numbers, of which one reaches its bound."""
    found = run(
        squid().with_parameters(k__g=30.0), trainable=["conductances", "reversals"],
        bounds={"k.g": (29.9, 30.1)}, schedule=QUICK, recordings=[recording(0), recording(1)],
    )  # fmt: skip
    text = "k.g = 30.1 mS/cm² at its upper bound 30.1 mS/cm²"
    return replace(found, active_bounds=(ActiveBound("k.g", 30.1, 30.1, "mS/cm²", "bound", text),))


@pytest.fixture(scope="module")
def pages(starts, numbers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    return (
        starts.report(folder / "starts.html", published=squid()),
        numbers.report(folder / "numbers.html"),
    )


def test_the_page_is_well_formed_and_loads_nothing(pages):
    for path in pages:
        page = read(path)
        assert page.tags[:2] == ["html", "head"] and {"style", "table", "img"} <= set(page.tags)
        assert page.sources and all(s.startswith("data:image/") for s in page.sources)
        assert page.links and all(link.startswith("#") for link in page.links)
        assert {link[1:] for link in page.links} <= set(page.ids)
        style = re.search(r"<style>(.*?)</style>", path.read_text("utf-8"), re.DOTALL)[1]
        assert "url(" not in style and "@import" not in style
        assert "@media print" in style and "prefers-color-scheme: dark" in style
        for source in page.sources:
            kind, _, data = source.partition(";base64,")
            head = {"data:image/svg+xml": b"<?xml", "data:image/png": b"\x89PNG"}[kind]
            assert base64.b64decode(data, validate=True).startswith(head)


def test_all_numbers_are_in_it(pages, starts, numbers):
    for path, result in zip(pages, (starts, numbers), strict=True):
        text = read(path).text
        for errors in filter(None, (result.train_error, result.heldout_error)):
            for row in errors.rows(result.best):
                assert all(f"{row[n]:.4g}" in text for n in ("mae", "rmse", "mae_all", "rmse_all"))
        assert all(f"{score:.4g}" in text for score in result.scores)
        for residual in result.goodness.residuals:
            assert f"{residual.rms:.4g}" in text and f"{residual.noise:.4g}" in text
        assert all(line in text for line in result.log)
        for entry in result.neuron.layout:
            if entry.group != "networks":
                assert entry.name in text and f"{result.neuron.theta[entry.start]:.6g}" in text
        for row in result.settings["provenance"]["data"]:
            assert row["sha256"] in text
        for name in ("pyhodgkin", "numpy", "Python", "platform"):
            assert result.settings["provenance"]["versions"][name] in text
        for stage in result.settings["stages"]:
            assert stage in text
        assert "i_k = g_k" in text  # the equations


def test_standard_errors_limits_and_correlations_are_in_it(pages, numbers):
    text = read(pages[1]).text
    assert numbers.active_bounds and all(x.text in text for x in numbers.active_bounds)
    assert numbers.identifiability.summary()[1:] in text
    for row in numbers.identifiability.rows():
        if row["standard_error"] is not None and np.isfinite(row["standard_error"]):
            assert f"{row['standard_error']:.5g}" in text
    assert "Correlations of the estimates" in text and "Correlations" not in read(pages[0]).text


def test_text_is_escaped(pages):
    html = pages[0].read_text("utf-8")
    assert "<b>" not in html and "<script>" not in html
    assert UNPLEASANT in read(pages[0]).text
    found = re.search(r'<script type="application/json" id="result">(.*?)</script>', html)
    summary = json.loads(found[1])
    assert summary["predictions"][0][0] == UNPLEASANT and summary["neuron"] == "squid_axon"


def test_a_folder_reports_the_same(pages, starts, numbers, tmp_path):
    for path, result, published in zip(pages, (starts, numbers), (squid(), None), strict=True):
        result.save(tmp_path / path.stem)
        back = FitResult.load(tmp_path / path.stem)
        np.testing.assert_array_equal(back.start, result.start)
        again = back.report(tmp_path / "again.html", published=published)
        assert again.read_bytes() == path.read_bytes()


def test_where_the_fit_began_is_kept(numbers):
    assert numbers.neuron.with_theta(numbers.start).channel("k").g == 30.0


def test_a_fit_that_failed_has_a_report(tmp_path):
    failed = run(backend=StubBackend(fails=lambda theta: True), schedule=QUICK)
    page = read(failed.report(tmp_path / "failed.html"))
    assert "no start has a finite loss" in page.text.lower()


def test_a_fit_of_an_older_version_has_a_report(numbers, tmp_path):
    settings = {n: x for n, x in numbers.settings.items() if n != "provenance"}
    page = read(replace(numbers, settings=settings, start=None).report(tmp_path / "old.html"))
    assert page.text.count("Not recorded") == 3


def test_written_whole_or_not_at_all(numbers, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("before")
    with monkeypatch.context() as patched:
        patched.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            numbers.report(path)
    assert path.read_text() == "before" and [p.name for p in tmp_path.iterdir()] == ["report.html"]
    assert numbers.report(path) == path and path.read_text("utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("name", "published", "part"),
    [
        ("report.pdf", None, "ends in .html"),
        ("", None, "is a folder"),
        ("report.html", "squid_axon", "give a Neuron"),
        ("report.html", ph.library.get("herg_beattie"), "has no gate n"),
    ],
)
def test_what_cannot_be_used_is_told(starts, tmp_path, name, published, part):
    with pytest.raises(InputError, match=part):
        starts.report(tmp_path / name, published=published)
    assert not list(tmp_path.iterdir())


def test_a_folder_without_a_fit_is_refused(tmp_path):
    with pytest.raises(DocumentError, match="holds no fit"):
        FitResult.load(tmp_path)


# -- what repeats it -----------------------------------------------------------------------


def test_the_call_is_recorded(numbers, pages):
    call = numbers.settings["provenance"]["call"]
    assert call == (
        "fit(neuron, recordings, trainable=['conductances', 'reversals'], "
        "schedule=Stage(mode='clamped', optimizer='lbfgs', steps=6), "
        "bounds={'k.g': [29.9, 30.1]}, backend=backend)"
    )
    text = read(pages[1]).text
    assert f"result = ph.{call}" in text and "from pyhodgkin import Stage" in text


def test_the_command_is_quoted_and_without_resume():
    assert called.command() == ""
    with called.commanded(["fit", "a b.csv", "--resume", "--mask-steps", 5]):
        assert called.command() == "pyhodgkin fit 'a b.csv' --mask-steps 5"
    assert called.command() == ""


def test_files_have_digests(tmp_path):
    path = tmp_path / "cell.csv"
    path.write_text("t,v\n0,1\n")
    found = run(recordings=replace(recording(0), source=str(path)), schedule=QUICK)
    (row,) = found.settings["provenance"]["data"]
    assert row["file_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert row["file"] == str(path) and row["sha256"] != row["file_sha256"]
    assert row["file_sha256"] in read(found.report(tmp_path / "r.html")).text
