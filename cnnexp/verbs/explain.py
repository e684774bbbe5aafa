"""Explain a key of the config: what it is, its value here and what set it, the layers it reaches, its formula.

Without a key it lists all of them; with a group (training, model.blocks.conv_1) those of the group. A RUN explains
the key as it was in that run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import textwrap
from typing import TYPE_CHECKING, Any

from cnnexp.errors import ConfigError

if TYPE_CHECKING:
    from cnnexp.config.provenance import Provenance, Setting
    from cnnexp.config.reference import Group
    from cnnexp.config.schema import ExperimentConfig
    from cnnexp.explaining import Explanation, Row

EXAMPLE = """  cnnexp explain model.kernel_size model.kernel_size=7 model.strides=2
  cnnexp explain training.learning_rate training.schedule=cosine
  cnnexp explain model.dropout latest
  cnnexp explain training"""
WIDEST, NARROWEST = 110, 60
LABEL = 10


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="*", metavar="KEY | RUN | KEY=VALUE",
                        help="the key or group to explain, a run to explain it in, overrides")  # fmt: skip
    parser.add_argument("-cd", "--config-dir", help="a further folder of config files")
    parser.add_argument("--markdown", action="store_true", help="print the whole config reference as Markdown")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    if args.markdown:
        from cnnexp.config.reference import markdown

        print(markdown(), end="")
        return 0
    key, run, overrides = _sorted_words(args.words)
    config, provenance = _composed(run, overrides, args.config_dir)
    from cnnexp.explaining import explain, facts_of, rows_of

    if found := rows_of(config, provenance, key):
        print(json.dumps([_group_json(*pair) for pair in found], ensure_ascii=False) if args.json else _tables(found))
        return 0
    explanation = explain(facts_of(config), provenance, key)
    print(json.dumps(_as_json(explanation), ensure_ascii=False) if args.json else "\n".join(_lines(explanation)))
    return 0


def _sorted_words(words: list[str]) -> tuple[str, str, list[str]]:
    """KEY, RUN (each empty where there is none) and overrides; the first word without `=` is the key."""
    plain = [word for word in words if "=" not in word and not word.startswith("~")]
    if len(plain) > 2:
        raise ConfigError("explain", f"`{' '.join(plain)}`", "one key and at most one run", "Overrides are KEY=VALUE.")
    key, run = [*plain, "", ""][:2]
    return key, run, [word for word in words if word not in plain]


def _composed(run: str, overrides: list[str], config_dir: str | None) -> tuple[ExperimentConfig, Provenance]:
    from cnnexp.config.provenance import trace

    if run:
        return _stored(run, overrides)
    from cnnexp.config.compose import compose_config

    return compose_config(overrides, config_dir).config, trace(overrides, config_dir)


def _stored(run: str, overrides: list[str]) -> tuple[ExperimentConfig, Provenance]:
    """A run's own config, changed by `key=value`."""
    from cnnexp.config.provenance import trace_stored
    from cnnexp.config.stored import changed
    from cnnexp.runs.find import runs_folder
    from cnnexp.verbs.lifecycle import find

    record = find(run, runs_folder())
    provenance = trace_stored(record.config, record.overrides, overrides, record.id)
    return changed(record.config, overrides), provenance


def _lines(e: Explanation) -> list[str]:
    width = min(max(shutil.get_terminal_size((WIDEST, 0)).columns, NARROWEST), WIDEST)
    rows = [
        ("here", [e.value]),
        ("set by", _set_by(e)),
        ("default", [e.default]),
        ("allowed", [e.allowed]),
        ("reaches", [", ".join(e.reach.layers)] if e.reach.layers else []),
        ("not", [f"{own.split('.')[2]}, which says its own: {own}={value}" for own, value in e.own]),
        ("formula", list(e.formula)),
        ("shown by", [line for study, how in e.studies for line in _study(study.title, study.command, how)]),
    ]
    lines = [*textwrap.wrap(f"{e.key}: {e.what}", width), ""]
    for label, texts in rows:
        lines += _labelled(label, texts, width)
    return lines


def _labelled(label: str, texts: list[str], width: int) -> list[str]:
    """The texts in a column behind their label; the indentation of a text is kept where it goes on."""
    lines = []
    for text in texts:
        indent = " " * (len(text) - len(text.lstrip()))
        lines += textwrap.wrap(text, width - LABEL, subsequent_indent=f"{indent}  ", drop_whitespace=True) or [""]
    return [f"{label if i == 0 else '':<{LABEL}}{line}" for i, line in enumerate(lines)]


def _study(title: str, command: str, how: str) -> list[str]:
    return [f"{command}   ({'varies it' if how == 'varies' else 'sets it'})", f"  {title}"]


def _set_by(e: Explanation) -> list[str]:
    """What is in force first, what it replaced behind; the schema's default where nothing was set."""
    now, before = [s for s in e.settings if s.in_force], [s for s in e.settings if not s.in_force]
    lines = _by_source(now, e) or ["the schema's default"]
    if e.decided_by != e.key:
        lines = [f"inherited from {e.decided_by}:", *lines]
    away = [s for s in before if s.removes and not any(s.source == other.source for other in now)]
    return [*lines, *(f"  instead of {text}" for text in _by_source([s for s in before if not s.removes], e)),
            *(f"  which override {s.source.where} took away" for s in away)]  # fmt: skip


def _by_source(settings: list[Setting], e: Explanation) -> list[str]:
    """One line a file or override; of a file what it gives, which an override says by itself."""
    lines = []
    for source in dict.fromkeys(setting.source for setting in settings):
        parts = ", ".join(_part(s, e) for s in settings if s.source == source)
        chosen = f", chosen by {source.chosen_by}" if source.chosen_by else ""
        override = source.kind == "override"
        lines.append(f"override {source.where}" if override else f"{source.where}{chosen}: {parts}")
    return lines


def _part(setting: Setting, e: Explanation) -> str:
    """The value that was set; with its name where it is a part of the key, or a whole that the key is a part of."""
    own = setting.key == e.decided_by
    return _value(setting) if own else f"{setting.key.removeprefix(f'{e.decided_by}.')} {_value(setting)}"


def _value(setting: Setting) -> str:
    from cnnexp.config.reference import as_yaml

    return as_yaml(setting.value)


def _tables(found: tuple[tuple[Group, tuple[Row, ...]], ...]) -> str:
    width = min(max(shutil.get_terminal_size((WIDEST, 0)).columns, NARROWEST), WIDEST)
    return "\n\n".join("\n".join(_table(group, rows, width)) for group, rows in found)


def _table(group: Group, rows: tuple[Row, ...], width: int) -> list[str]:
    """Key, value here, default and what it is; long descriptions go on below themselves."""
    here = any(row.value for row in rows)
    cells = [[row.key, *([row.value] if here else []), row.default] for row in rows]
    header = [
        "option (of type)" if any(key.choice for key in group.keys) else "key",
        *(["here"] if here else []),
        "default",
    ]
    most = [46, *([20] if here else []), 14]
    widths = [min(max(len(line[i]) for line in [header, *cells]), most[i]) for i in range(len(header))]
    lines = [*textwrap.wrap(f"{group.name}: {group.title}", width), ""]
    lines.append("  ".join(c.ljust(w) for c, w in zip([*header, "what it is"], [*widths, 0], strict=True)))
    rest = max(width - sum(widths) - 2 * len(widths), 24)
    for cell, row in zip(cells, rows, strict=True):
        start = "  ".join(_cut(c, w).ljust(w) for c, w in zip(cell, widths, strict=True))
        told = textwrap.wrap(row.what, rest)
        lines += [f"{start}  {told[0]}", *(f"{'':<{len(start)}}  {line}" for line in told[1:])]
    return [line.rstrip() for line in lines]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _group_json(group: Group, rows: tuple[Row, ...]) -> dict[str, Any]:
    keys = [{"key": row.key, "value": row.value, "default": row.default, "what": row.what} for row in rows]
    return {"group": group.name, "title": group.title, "keys": keys}


def _as_json(e: Explanation) -> dict[str, Any]:
    """settings: first to last; kind is file, override or run; `in_force` says which of them count."""
    settings = [
        {"key": s.key, "value": s.value, "kind": s.source.kind, "where": s.source.where,
         "chosen_by": s.source.chosen_by, "in_force": s.in_force, "removes": s.removes}
        for s in e.settings
    ]  # fmt: skip
    return {
        "key": e.key, "what": e.what, "allowed": e.allowed, "default": e.default, "value": e.plain,
        "decided_by": e.decided_by, "settings": settings, "layers": list(e.reach.layers), "own": dict(e.own),
        "formula": list(e.formula),
        "studies": [{"name": s.name, "title": s.title, "command": s.command, "how": how} for s, how in e.studies],
    }  # fmt: skip
