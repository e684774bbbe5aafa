"""A stored run trained again: what changed since, a new run linked to the old one, and whether it is the same."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cnnexp.analysis.circumstances import changes, circumstances, circumstances_of
from cnnexp.analysis.differences import Difference
from cnnexp.analysis.verification import Verification, verify
from cnnexp.config.compose import Composed
from cnnexp.config.identity import NOT_THE_VARIANT, difference
from cnnexp.config.overrides import standing
from cnnexp.config.schema import ExperimentConfig
from cnnexp.config.stored import changed
from cnnexp.data import Digits
from cnnexp.errors import ConfigError, DataError, RunError, TrainingError, show
from cnnexp.experiment import Listener, create_run, describe, prepare, refuse_other_threads, shortened, train_and_record
from cnnexp.nn.seeding import resolve_threads
from cnnexp.runs.environment import code_patch, environment
from cnnexp.runs.find import SHOWN, all_runs, runs_folder
from cnnexp.runs.record import RunRecord
from cnnexp.runs.seeds import OtherSeed

LINK = "rerun_of"
"""How a new run's header calls the run that it repeats."""

OPEN_IN_A_RERUN = NOT_THE_VARIANT | {"training": NOT_THE_VARIANT["training"] - {"epochs"}}
"""Keys of data and training that may differ where the same is to come out."""


@dataclass(frozen=True)
class Rerun:
    """A run that can be trained again: everything was checked, nothing was written.

    changed: what differs in code, packages, machine and data between then and now. verify: a diverging loss is no
    error, for the first run may have diverged too.
    """

    first: RunRecord
    composed: Composed
    digits: Digits
    overrides: tuple[str, ...]
    changed: Mapping[str, tuple[Difference, ...]]
    verify: bool

    @property
    def config(self) -> ExperimentConfig:
        return self.composed.config


def plan_rerun(first: RunRecord, overrides: Sequence[str] = (), *, verify: bool = False) -> Rerun:
    """What training a stored run again would do, with as many threads as it had unless an override says another number.

    Raises ConfigError, DataError or RunError: for overrides that cannot be, digits that are not those that it was
    trained with, and, to verify, for a run without epochs and overrides that make another experiment.
    """
    config = _at_recorded_threads(first, changed(first.config, overrides))
    others = _what_makes_it_another(first.config, config)
    if verify:
        _refuse_what_cannot_be_verified(first, others)
    digits = prepare(config)
    if not any(key.startswith("data.") for key in others):
        _refuse_changed_data(first, digits)
    now = circumstances(environment(resolve_threads(config.training.threads)), code_patch(Path.cwd()), describe(digits))
    composed = Composed(config, standing((*first.overrides, *overrides)), (), {})
    return Rerun(first, composed, digits, tuple(overrides), changes(circumstances_of(first), now), verify)


def _at_recorded_threads(first: RunRecord, config: ExperimentConfig) -> ExperimentConfig:
    """Bits depend on the number of threads, and `auto` is another number on another machine."""
    threads = config.training.threads
    if threads != first.config.training.threads or resolve_threads(threads) == first.threads:
        return config
    return config.model_copy(update={"training": config.training.model_copy(update={"threads": first.threads})})


def _what_makes_it_another(stored: ExperimentConfig, config: ExperimentConfig) -> dict[str, tuple[Any, Any]]:
    """The keys that differ and decide what is learned, with both values."""
    return {key: values for key, values in difference(stored, config).items() if _decides(key)}


def _decides(key: str) -> bool:
    group, _, rest = key.partition(".")
    if group in OPEN_IN_A_RERUN:
        return rest.split(".")[0] not in OPEN_IN_A_RERUN[group]
    return group in ("seed", "model")


def _refuse_what_cannot_be_verified(first: RunRecord, others: Mapping[str, tuple[Any, Any]]) -> None:
    for key, (had, asked) in others.items():
        hint = "Without --verify it is trained with that; cnnexp compare then tells what came of it."
        raise ConfigError(key, show(asked), f"{show(had)}, as the run had", hint)
    if first.epochs_done == 0:
        got = f"{first.status} without an epoch that it finished"
        raise RunError(first.id, got, "epochs to verify a rerun against", "Without --verify it is trained anew.")


def _refuse_changed_data(first: RunRecord, digits: Digits) -> None:
    recorded = str(first.data["digest"])
    if digits.digest != recorded:
        hint = "The digits are others than then, so it would be another experiment: start it with cnnexp train."
        raise DataError(digits.source, f"digest {digits.digest}", f"{recorded}, as run {first.id} recorded", hint)


def carry_out(plan: Rerun, listener: Listener) -> RunRecord:
    """Train it, as a new run that is linked to the first.

    Raises RunError before anything is written, and TrainingError when the loss is not finite (not to verify).
    """
    refuse_other_threads(plan.config)
    command = shlex.join(["cnnexp", "rerun", plan.first.id, *plan.overrides])
    run = create_run(plan.composed, plan.digits, {LINK: plan.first.id}, name=_name(plan), command=command)
    try:
        return train_and_record(run, plan.config, plan.digits, listener)
    except TrainingError as error:
        if not plan.verify:
            raise
        listener.say(f"note: {error}")
        return run.read()
    finally:
        run.close()


def _name(plan: Rerun) -> str:
    """The first run's name and what is overridden now, in place of what that replaces, unless it is given a name."""
    given = plan.config.tracking.run_name
    if given and given != plan.first.config.tracking.run_name:
        return given
    now = standing(plan.overrides)
    left = plan.composed.overrides[: len(plan.composed.overrides) - len(now)]
    name = f" {plan.first.name} "
    for word in plan.first.overrides:
        if word not in left and (short := shortened(word)):
            name = name.replace(f" {short} ", " ", 1)
    return " ".join([*filter(None, [name.strip()]), *filter(None, map(shortened, now))])


def repeated_by(record: RunRecord) -> str:
    """The id of the run that a rerun repeats. Raises RunError for a run that repeats none."""
    if LINK not in record.header["links"]:
        raise RunError(record.id, "a run that repeats no other", "a rerun", "Name the run to hold it against.")
    return str(record.header["links"][LINK])


def verify_rerun(first: RunRecord, again: RunRecord, elsewhere: Sequence[OtherSeed] = ()) -> Verification:
    """Whether a run is the same as the one that it repeats; the spread comes from the other seeds in runs/.

    elsewhere: further ones. Raises RunError for runs that are not of one recipe.
    """
    others = [*_what_makes_it_another(first.config, again.config)]
    if first.data["digest"] != again.data["digest"]:
        others = [*others, "the digits"]
    if others:
        hint = f"cnnexp diff {first.id} {again.id} tells what differs."
        raise RunError(again.id, f"another experiment: {', '.join(others[:SHOWN])}", f"one as run {first.id}", hint)
    return verify(first, again, all_runs(runs_folder()), elsewhere)
