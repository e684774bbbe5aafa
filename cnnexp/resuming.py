"""Going on with what was interrupted, in the same record, and with what is finished, in a new one."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from cnnexp.config.compose import Composed
from cnnexp.config.identity import HORIZON_BOUND, difference, identity
from cnnexp.config.schema import ExperimentConfig
from cnnexp.config.stored import changed
from cnnexp.data import Digits
from cnnexp.errors import ConfigError, DataError, RunError, show
from cnnexp.experiment import Listener, create_run, prepare, refuse_other_threads, train_and_record
from cnnexp.runs.environment import BITS_DEPEND_ON_VARIABLES, environment
from cnnexp.runs.files import write_text
from cnnexp.runs.journal import EVENTS_FILE, FINISHED
from cnnexp.runs.record import CHECKPOINT, RunRecord
from cnnexp.runs.writer import RunWriter

EPOCHS = "training.epochs"
BITS_DEPEND_ON = ("tensorflow", "keras", "numpy")


def what_is_left(record: RunRecord, overrides: Sequence[str]) -> ExperimentConfig | None:
    """The config that a run goes on with: its own, or with more epochs in a run of its own; None where nothing is left.

    Raises ConfigError for any other change than more epochs, and where its schedule is bound to their number; RunError
    for a run that would only end the same way again, or that is to have more epochs and kept no checkpoint.
    """
    config = _with_more_epochs(record, overrides)
    if config.training.epochs > record.config.training.epochs:
        _check_that_more_is_more(record, config.training.epochs)
    elif record.status == FINISHED:
        return None
    else:
        _check_that_it_can_go_on(record)
    return config


def go_on(record: RunRecord, config: ExperimentConfig, listener: Listener) -> RunRecord:
    """Train what is left: in the run's own record, or, where that is FINISHED, in a new one linked to it.

    Either way to the bits of a run never interrupted; where packages or code changed since it began, that is said
    before. Raises RunError for a run that still goes on, DataError where its digits are no longer the same.
    """
    digits = _same_digits(record, config)
    changes = changed_since(record, digits.digest)
    if changes:
        listener.say(f"note: since it began, {'; '.join(changes)} changed: bits may differ from here on")
    run = _successor(record, config, digits) if record.status == FINISHED else RunWriter.reopen(record.folder)
    try:
        return train_and_record(run, config, digits, listener, changes)
    finally:
        run.close()


def _with_more_epochs(record: RunRecord, overrides: Sequence[str]) -> ExperimentConfig:
    """The run's config with the threads that it had, on which bits depend, and as many epochs as are asked for."""
    asked = changed(record.config, overrides)
    for key, (has, other) in difference(record.config, asked).items():
        if key != EPOCHS:
            expected = f"{show(has)}, as the run has: only {EPOCHS} may be another"
            hint = f"For another experiment: {shlex.join(['cnnexp', 'rerun', record.id, *overrides])}"
            raise ConfigError(key, show(other), expected, hint)
    have, want = record.config.training.epochs, asked.training.epochs
    if want < have:
        hint = f"For a run with fewer: cnnexp rerun {record.id} {EPOCHS}={want}"
        raise ConfigError(EPOCHS, str(want), f"at least the {have} of the run", hint)
    training = asked.training.model_copy(update={"threads": _threads(record)})
    return asked.model_copy(update={"training": training})


def _threads(record: RunRecord) -> int:
    threads = record.environment.get("threads")
    if not isinstance(threads, int) or threads < 1:
        raise RunError(str(record.folder / "environment.json"), f"threads {show(threads)}", "how many the run had")
    return threads


def _check_that_it_can_go_on(record: RunRecord) -> None:
    RunWriter.reopen(record.folder).close()  # raises while its process lives
    if record.ending is not None and record.ending.outcome == "diverged":
        raise RunError(
            record.id, f"FAILED: {record.ending.message.partition(chr(10))[0]}",
            "a run that was interrupted: this one would end there again",
            f"Try another value: cnnexp rerun {record.id} training.learning_rate=VALUE",
        )  # fmt: skip


def _check_that_more_is_more(record: RunRecord, epochs: int) -> None:
    """Raise where training on would not give the bits of a run with so many epochs from the start."""
    anew = f"Train all of them: cnnexp rerun {record.id} {EPOCHS}={epochs}"
    schedule = record.config.training.schedule.type
    if record.status != FINISHED:
        raise RunError(record.id, record.status, "a FINISHED run to train on", f"First: cnnexp resume {record.id}")
    if record.ending is not None and record.ending.outcome == "early_stopped":
        got = f"stopped early after epoch {record.epochs_done}, where it would stop again"
        raise RunError(record.id, got, "a run that did all its epochs", f"{anew} training.early_stopping=none")
    if schedule in HORIZON_BOUND:
        got = f"{schedule}, whose every rate depends on the number of epochs"
        raise ConfigError("training.schedule", got, "constant or step to train on for more", anew)
    if not record.checkpoints:
        hint = f"{anew}\n    To keep them from now on: training.keep_checkpoints=true"
        raise RunError(
            record.id, "no checkpoints: a FINISHED run keeps none unless asked to", "some to go on from", hint
        )


def _same_digits(record: RunRecord, config: ExperimentConfig) -> Digits:
    """The digits that the run began with.

    Raises DataError for others, RunError where this process runs TensorFlow with other threads.
    """
    digits = prepare(config)
    if digits.digest != record.data["digest"]:
        hint = f"Bring those back, or train on these: {record.header['command']}"
        raise DataError(
            digits.source,
            f"digest {digits.digest}",
            f"{record.data['digest']}, the digits that the run began with",
            hint,
        )
    refuse_other_threads(config)
    return digits


def changed_since(record: RunRecord, digest: str) -> list[str]:
    """What a run's bits may depend on and is not as it was when the run began: packages, machine, code."""
    before, now = record.environment, environment(_threads(record))
    packages: Any = before.get("packages")
    had: Mapping[str, str] = packages if isinstance(packages, Mapping) else {}
    differing = [name for name in BITS_DEPEND_ON if had.get(name) != now["packages"][name]]
    found = [f"{name} ({had.get(name)} → {now['packages'][name]})" for name in differing]
    if before.get("cpu") != now["cpu"]:
        found.append(f"the processor ({before.get('cpu')} → {now['cpu']})")
    found += [
        f"{name} ({before.get(name, 'not set')} → {now.get(name, 'not set')})"
        for name in BITS_DEPEND_ON_VARIABLES if before.get(name) != now.get(name)
    ]  # fmt: skip
    same_code = identity(record.config, digest).run_key == record.header["identity"].get("run_key")
    if not same_code and not {"tensorflow", "keras"} & set(differing):
        found.append("cnnexp's own code")
    return found


def _successor(record: RunRecord, config: ExperimentConfig, digits: Digits) -> RunWriter:
    """A new record that begins where `record` ended: with its epochs, its maps and its checkpoints."""
    more = f"{EPOCHS}={config.training.epochs}"
    overrides = (*_without_epochs(record.overrides), more)
    command = shlex.join([*_without_epochs(_words(record)), more])
    run = create_run(Composed(config, overrides, overrides, {}), digits, {"continues": record.id}, command=command)
    if record.probed_epochs:
        shutil.copytree(record.folder / "probes", run.folder / "probes")
    lines = [json.dumps(event, ensure_ascii=False) + "\n" for event in record.epochs]
    write_text(run.folder / EVENTS_FILE, "".join(lines))
    aside = run.folder / f".{CHECKPOINT}.new"  # last and in one step: a run without starts from the beginning
    shutil.copytree(record.folder / CHECKPOINT, aside)
    aside.rename(run.folder / CHECKPOINT)
    return run


def _words(record: RunRecord) -> list[str]:
    """The words of the command that made a run."""
    command = str(record.header["command"])
    try:
        return shlex.split(command)
    except ValueError as error:
        raise RunError(record.id, f"the command {show(command)}: {error}", "one that a shell can read") from None


def _without_epochs(words: Sequence[str]) -> list[str]:
    return [word for word in words if not word.lstrip("+").startswith(f"{EPOCHS}=")]
