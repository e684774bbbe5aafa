"""Print the tab completion of verbs, keys, choices and runs for bash or zsh.

Add it to the shell once:  eval "$(cnnexp completion bash)"
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cnnexp.errors import ConfigError

EXAMPLE = """  eval "$(cnnexp completion bash)"
  cnnexp train model.kern<TAB>"""
HYDRA_VERBS = ("train", "shapes", "inspect", "explain", "resume", "rerun")
RUN_VERBS = ("show", "evaluate", "inspect", "ui", "sync", "compare", "diff", "predict", "explain", "resume", "rerun")
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
    found = _runs(before[0], last) if before[0] in RUN_VERBS else []
    return found + (_keys(last, before[1:]) if before[0] in HYDRA_VERBS else [])


def _runs(verb: str, last: str) -> list[str]:
    """Ids of runs and, where a verb takes one, of sweeps."""
    from cnnexp.runs.find import all_runs, runs_folder
    from cnnexp.runs.sweep_record import all_sweeps

    ids = [record.id for record in all_runs(runs_folder())]
    if verb in SWEEP_VERBS:
        ids += [sweep.id for sweep in all_sweeps(runs_folder())]
    return [f"{name} " for name in [*ids, "latest"] if name.startswith(last)]


def _keys(last: str, before: Sequence[str]) -> list[str]:
    """Keys, groups and group choices from Hydra's own completion, and the words that a key's choice allows."""
    from cnnexp.config.keys import find_field, words_of

    key, sign, word = last.partition("=")
    field = find_field(key.lstrip("+").split(".")) if sign else None
    if field is not None and (allowed := words_of(field.annotation)):
        return [f"{key}={choice} " for choice in allowed if choice.startswith(word)]
    chosen = [word for word in before if "=" in word and not word.startswith("-")]
    try:
        return _query([*chosen, last])
    except ConfigError:  # a word before it cannot be; that is no reason to offer nothing
        return _query([last])


def _query(words: Sequence[str]) -> list[str]:
    from hydra._internal.core_plugins.bash_completion import BashCompletion
    from hydra.core.global_hydra import GlobalHydra

    from cnnexp.config.compose import CONFIG_NAME, hydra_session, told_as_config_errors

    with hydra_session(None), told_as_config_errors():
        plugin = BashCompletion(GlobalHydra.instance().config_loader())
        found = plugin._query(config_name=CONFIG_NAME, line=" ".join(words))
    return [match for match in found if not match.startswith("hydra")]
