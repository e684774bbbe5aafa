"""The commands in the docs run, and print what the docs say they print."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from cnnexp.cli import main, parser_of
from cnnexp.config.compose import compose_config

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
QUICK = ["data=mnist_5k", "data.limit=200", "training.epochs=1", "model.blocks.conv_1.filters=4"]
QUIET = ["tracking=off", "figures=off"]


def blocks(page: Path) -> list[tuple[list[str], str]]:
    """Each `$ cnnexp …` command of a page with the text that follows it in its block."""
    text = page.read_text(encoding="utf-8")
    found = []
    for block in re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            if command.startswith("cnnexp "):
                found.append((shlex.split(command)[1:], output.strip("\n")))
    return found


def of_article(verb: str) -> list[tuple[list[str], str]]:
    return [(words, output) for words, output in blocks(ROOT / "docs" / "article.md") if words[0] == verb]


def needs_mnist(words: list[str]) -> bool:
    return "data=mnist" in words or any(word in words for word in ("experiments=seed", "experiments=article_repaired"))


@pytest.mark.parametrize("words", [words for words, _ in of_article("shapes")], ids=" ".join)
def test_shapes_prints_what_the_article_shows(words, capsys):
    expected = dict((" ".join(w), output) for w, output in of_article("shapes"))[" ".join(words)]
    assert main(words) == 0
    assert capsys.readouterr().out.strip() == expected


@pytest.mark.slow
@pytest.mark.parametrize("words", [w for w, _ in of_article("inspect") if not needs_mnist(w)], ids=" ".join)
def test_inspect_prints_what_the_article_shows(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = dict((" ".join(w), output) for w, output in of_article("inspect"))[" ".join(words)]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith(expected)


@pytest.mark.full
@pytest.mark.parametrize("words", [w for w, _ in of_article("inspect") if needs_mnist(w)], ids=" ".join)
def test_inspect_of_mnist_runs(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 0
    assert "class 7" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("words", [words for words, _ in of_article("train")], ids=" ".join)
def test_the_trainings_of_the_article_run(words, tmp_path, monkeypatch, capsys):
    """Short, and on the embedded digits: that the commands and their configs hold, not what they measure."""
    monkeypatch.chdir(tmp_path)
    assert main([*words, *QUICK, *QUIET]) == 0
    assert (tmp_path / "runs" / capsys.readouterr().out.strip() / "weights.npz").is_file()


def test_both_languages_show_the_same_commands():
    english, korean = (blocks(ROOT / "docs" / name) for name in ("article.md", "article.ko.md"))
    assert [words for words, _ in english] == [words for words, _ in korean]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_of_a_page_leads_somewhere(page):
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_test_that_the_guarantees_name_is_there():
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "docs" / "guarantees.md").read_text("utf-8"))
    assert len(named) > 30
    sources = {path: (ROOT / path).read_text("utf-8") if (ROOT / path).is_file() else "" for path, _ in named}
    assert [f"{path}::{test}" for path, test in named if f"def {test or 'test_'}" not in sources[path]] == []


@pytest.mark.slow
@pytest.mark.parametrize("words", [words for page in PAGES for words, _ in blocks(page)], ids=" ".join)
def test_every_command_of_every_page_is_one(words):
    """Its verb exists, its options are known, its overrides compose to an experiment that passes the schema."""
    module = import_module(f"cnnexp.verbs.{words[0]}")
    args = parser_of(words[0], module).parse_intermixed_args(words[1:])
    if words[0] in ("train", "shapes", "inspect") and not getattr(args, "multirun", False):
        compose_config([word for word in args.overrides if "=" in word or word.startswith("~")])
