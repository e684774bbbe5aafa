"""Print the tab completion of verbs, keys, choices and runs for bash or zsh.

Add it to the shell once:  eval "$(cnnexp completion bash)"
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import get_origin

from cnnexp.errors import ConfigError

EXAMPLE = """  eval "$(cnnexp completion bash)"
  cnnexp train model.kern<TAB>"""
HYDRA_VERBS = ("train", "shapes", "inspect", "explain", "resume", "rerun")
RUN_VERBS = ("show", "evaluate", "inspect", "ui", "sync", "compare", "diff", "predict", "explain", "resume", "rerun")
DATA_VERBS = ("evaluate",)
"""What takes other digits behind its RUN, as `data…` words."""
SWEEP_VERBS = ("show", "ui", "sync", "compare", "resume")
BASH = """\
_cnnexp() {
    local IFS=$'\\n' line=${COMP_LINE:0:COMP_POINT} cur=${COMP_WORDS[COMP_CWORD]}
    local last=${line##* }
    [[ $cur == [=:] ]] && cur=
    local head=${last%"$cur"}  # bash completes only what stands after the last = of a word
    COMPREPLY=($(cnnexp __complete "$line" 2>/dev/null))
    COMPREPLY=("${COMPREPLY[@]#"$head"}")
}
complete -o nospace -o default -F _cnnexp cnnexp
"""
ZSH = """\
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_cnnexp() {
    local -a found
    found=(${(f)"$(cnnexp __complete "${BUFFER[1,CURSOR]}" 2>/dev/null)"})
    (( $#found )) && compadd -Q -S '' -a found
}
compdef _cnnexp cnnexp
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=sorted(SCRIPTS), help="the shell to complete in")


def main(args: argparse.Namespace) -> int:
    print(SCRIPTS[args.shell], end="")
    return 0


def complete(lines: Sequence[str]) -> int:
    """Print what may follow in the command line typed so far, one word a line (called by the shell)."""
    words = (lines[0] if lines else "").split(" ")
    print("\n".join(matches(words[1:] or [""])))
    return 0


def matches(words: Sequence[str]) -> list[str]:
    """Completions of the last of `words` (the words after `cnnexp`)."""
    from cnnexp.cli import VERBS

    *before, last = words
    if not before:
        return [f"{verb} " for verb in VERBS if verb.startswith(last)]
    if before[0] == "completion":
        return [shell for shell in SCRIPTS if shell.startswith(last)]
    return _of_verb(before[0], before[1:], last) if before[0] in VERBS else []


def _of_verb(verb: str, before: Sequence[str], last: str) -> list[str]:
    """Options, the values of the option before it, runs, and keys with their values."""
    options = _options(verb)
    if last.startswith("-"):
        return sorted(f"{name} " for name in options if name.startswith(last))
    option = options.get(before[-1]) if before else None
    found = [f"{choice} " for choice in (option.choices or () if option else ()) if choice.startswith(last)]
    if option and option.nargs not in (0, "?"):
        return found
    has_run = any(not word.startswith("-") for word in before)
    if verb in RUN_VERBS and not (verb in DATA_VERBS and has_run):
        found += _runs(verb, last)
    if verb in HYDRA_VERBS:
        found += _keys(last, before)
    if verb in DATA_VERBS and has_run:
        found += [match for match in _keys(last, before) if match.startswith("data")]
    return found


def _options(verb: str) -> dict[str, argparse.Action]:
    from cnnexp.cli import parser_of

    parser = parser_of(verb, import_module(f"cnnexp.verbs.{verb}"))
    return {name: action for action in parser._actions for name in action.option_strings}


def _runs(verb: str, last: str) -> list[str]:
    """Ids of runs and, where a verb takes one, of sweeps."""
    from cnnexp.runs.find import all_runs, runs_folder
    from cnnexp.runs.sweep_record import all_sweeps

    ids = [record.id for record in all_runs(runs_folder())]
    if verb in SWEEP_VERBS:
        ids += [sweep.id for sweep in all_sweeps(runs_folder())]
    return [f"{name} " for name in [*ids, "latest"] if name.startswith(last)]


def _keys(last: str, before: Sequence[str]) -> list[str]:
    """Keys of the schema, groups and names of one's own from Hydra's completion, and what may be given to them."""
    mark = last[: len(last) - len(last.lstrip("+~"))]
    key, sign, start = last[len(mark) :].partition("=")
    if sign and (allowed := _values(key)):
        return [f"{mark}{key}={value} " for value in allowed if value.startswith(start)]
    if not sign and _is_leaf(key.rpartition(".")[0]):
        return []
    composed = _query([word for word in before if "=" in word and not word.startswith("-")], last[len(mark) :])
    if mark == "~":
        return sorted(f"~{match.rstrip('.=')} " for match in composed)
    return sorted(f"{mark}{match}" for match in {*composed, *([] if sign else _known(key))})


def _values(key: str) -> list[str]:
    """The words that may be given to a key; none for numbers, text and groups, whose files Hydra knows."""
    from cnnexp.config.keys import levels_at, members, words_of
    from cnnexp.config.sources import shipped

    if key == "hydra/launcher":
        return sorted(file.stem for file in (shipped("conf") / key).glob("*.yaml"))
    annotations = [annotation for annotation, _ in levels_at(key.split("."))]
    truth = ["true", "false"] if any(bool in members(annotation) for annotation in annotations) else []
    return [*truth, *dict.fromkeys(word for annotation in annotations for word in words_of(annotation))]


def _known(key: str) -> list[str]:
    """The schema's keys that begin so: with `=` where a value stands, with `.` where more keys do."""
    from cnnexp.config.keys import is_choice, keys_below

    *parents, start = key.split(".")
    paths = [[*parents, name] for name in keys_below(parents) if name.startswith(start)]
    leaves = [f"{'.'.join(path)}=" for path in paths if is_choice(path) or not _has_keys(path)]
    return leaves + [f"{'.'.join(path)}." for path in paths if _has_keys(path)]


def _is_leaf(key: str) -> bool:
    """Whether the schema knows a key, and none below it."""
    from cnnexp.config.keys import levels_at

    return bool(key and levels_at(key.split("."))) and not _has_keys(key.split("."))


def _has_keys(path: Sequence[str]) -> bool:
    from cnnexp.config.keys import keys_below, levels_at, members

    named = any(get_origin(member) is dict for annotation, _ in levels_at(path) for member in members(annotation))
    return named or bool(keys_below(path))


def _query(before: Sequence[str], last: str) -> list[str]:
    """What Hydra's own completion offers; words before it that cannot be are no reason to offer nothing."""
    for words in ([*before, last], [last]):
        with suppress(ConfigError):
            return _hydra_offers(words)
    return []


def _hydra_offers(words: Sequence[str]) -> list[str]:
    from hydra._internal.core_plugins.bash_completion import BashCompletion
    from hydra.core.global_hydra import GlobalHydra

    from cnnexp.config.compose import CONFIG_NAME, hydra_session, told_as_config_errors

    with hydra_session(None), told_as_config_errors():
        plugin = BashCompletion(GlobalHydra.instance().config_loader())
        found = plugin._query(config_name=CONFIG_NAME, line=" ".join(words))
    return [match for match in found if not match.startswith("hydra")]
