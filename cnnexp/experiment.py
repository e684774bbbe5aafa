"""One experiment from a checked config to a published record. Reads like a table of contents."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cnnexp.analysis.findings import findings
from cnnexp.checkpoints import Checkpoints
from cnnexp.checks import Extent, check, check_unread
from cnnexp.config.compose import Composed
from cnnexp.config.identity import identity, to_yaml
from cnnexp.config.overrides import standing
from cnnexp.config.schema import ExperimentConfig
from cnnexp.data import Digits, load_digits
from cnnexp.errors import DiskError, DrawingError, TrainingError, one_line
from cnnexp.evaluation import measure_kept_weights
from cnnexp.interrupts import held_back, safe_point
from cnnexp.nn.seeding import make_deterministic, resolve_threads, start_tensorflow
from cnnexp.probing import Probing
from cnnexp.runs.environment import code_patch, environment
from cnnexp.runs.find import runs_folder
from cnnexp.runs.journal import FINISHED, KILLED, finite
from cnnexp.runs.record import RunRecord
from cnnexp.runs.writer import Header, RunWriter

if TYPE_CHECKING:
    import keras

    from cnnexp.nn.training import EpochResult
    from cnnexp.runs.publish import Publisher

NOT_VARIED = (
    "tracking", "figures", "evaluation", "hydra", "experiments", "training.report_every", "training.checkpoint_every",
    "training.keep_checkpoints",
)  # fmt: skip
"""Groups and keys that change nothing of what is learned: a run is not named after them."""


class Listener(Protocol):
    """Who is told how a run goes."""

    def started(self, record: RunRecord) -> None: ...
    def batch(self, done: int, total: int, loss: float) -> None: ...
    def epoch(self, epoch: int, metrics: Mapping[str, float]) -> None: ...
    def say(self, text: str) -> None: ...
    def ended(self) -> None: ...


def prepare(config: ExperimentConfig) -> Digits:
    """The digits of an experiment that can run: shapes, data and the keys that depend on them are checked.

    Raises ConfigError or DataError; TensorFlow is not imported and nothing is written.
    """
    check_unread(config)
    digits = load_digits(config.data)
    check(config, extent_of(digits))
    return digits


def extent_of(digits: Digits) -> Extent:
    return Extent(digits.image_shape, digits.classes, len(digits.train), len(digits.validation))


def run_experiment(composed: Composed, listener: Listener) -> RunRecord:
    """Train, measure, record, draw and publish one experiment.

    Raises ConfigError, DataError or RunError before anything is written, TrainingError when the loss is not finite.
    """
    config = composed.config
    digits = prepare(config)
    refuse_other_threads(config)
    run = create_run(composed, digits)
    try:
        return train_and_record(run, config, digits, listener)
    finally:
        run.close()


def refuse_other_threads(config: ExperimentConfig) -> None:
    """Raise RunError where TensorFlow already runs with another number of threads: before anything is written."""
    if "tensorflow" in sys.modules:
        start_tensorflow(resolve_threads(config.training.threads))


def create_run(
    composed: Composed, digits: Digits, links: Mapping[str, str] | None = None, *, name: str = "", command: str = ""
) -> RunWriter:
    """A new record in the working folder's runs/. links: the sweep it is a point of, or the run it comes from.

    name and command: where they are not those of `cnnexp train` with the overrides.
    """
    config = composed.config
    header = Header(
        name=name or run_name(composed),
        overrides=standing(composed.overrides),
        command=command or shlex.join(["cnnexp", "train", *composed.overrides]),
        identity=asdict(identity(config, digits.digest)),
        data=describe(digits),
        links=links or {},
    )
    machine = environment(resolve_threads(config.training.threads))
    texts = {
        "config.yaml": to_yaml(config),
        "code.patch": code_patch(Path.cwd()),
        "environment.json": json.dumps(machine, indent=2, ensure_ascii=False) + "\n",
    }
    return RunWriter.create(runs_folder(), header, texts)


def train_and_record(
    run: RunWriter, config: ExperimentConfig, digits: Digits, listener: Listener, changed: Sequence[str] = ()
) -> RunRecord:  # fmt: skip
    """Train into an open record, from its checkpoint where it has one.

    It ends FINISHED, FAILED or KILLED, truly, and is published as far as possible. FINISHED, its record is whole.
    changed: since its last start, where it goes on. Raises RunError where its checkpoints are damaged.
    """
    from cnnexp.runs.publish import Publisher

    publisher, checkpoints = Publisher(config.tracking, run.folder, listener.say), Checkpoints(run, config.training)
    before, model = run.read(), None
    goes_on = bool(before.events)
    try:
        with run.recording(after=checkpoints.after, changed=list(changed)):
            listener.started(run.read())
            if goes_on:
                _go_on(run, before, checkpoints, listener)
            model = _train(run, config, digits, listener, publisher, checkpoints)
            _draw(run, config, listener)
        checkpoints.clear()
    except TrainingError:
        _draw(run, config, listener)
        raise
    except DiskError:
        publisher.warn = lambda text: None  # a store on the same disk is no second trouble
        raise
    finally:
        listener.ended()
        _note_findings(run)
        _finish(run.read(), listener, publisher, model)
    return run.read()


def _go_on(run: RunWriter, before: RunRecord, checkpoints: Checkpoints, listener: Listener) -> None:
    """Say where a run that was started before goes on, and make room for what comes again."""
    after = checkpoints.after
    run.forget_after(-1 if after is None else after)
    if checkpoints.damaged:
        listener.say(f"note: {', '.join(checkpoints.damaged)} is damaged: the checkpoint before it is taken")
    if after is None:
        listener.say("starts from the beginning: it has no checkpoint")
    else:
        again = [event["epoch"] for event in before.epochs if event["epoch"] > after]
        more = f"; what it told of epoch {after + 1} and later is trained again" if again else ""
        listener.say(f"goes on after epoch {after} of {before.config.training.epochs}{more}")


def _note_findings(run: RunWriter) -> None:
    """What the run's own signals say goes into its record, where MLflow's description takes it from."""
    if found := findings(run.read()):
        with suppress(OSError):
            run.event("found", findings=[str(finding) for finding in found])


def _finish(record: RunRecord, listener: Listener, publisher: Publisher, model: keras.Model | None) -> None:
    if record.ending is None:  # it could not be written: the error tells that, and the next command ends it
        return
    if record.epochs or record.mlflow:  # interrupted before there was anything to tell: the way out is short
        publisher.finish(record, model)
    if record.status != FINISHED:
        then = f"go on: cnnexp resume {record.id}" if record.status == KILLED else f"see: cnnexp show {record.id}"
        listener.say(f"run {record.id} is {record.status} after {_epochs(record)}; {then}")


def _epochs(record: RunRecord) -> str:
    return f"{record.epochs_done} of {record.config.training.epochs} epochs"


def _draw(run: RunWriter, config: ExperimentConfig, listener: Listener) -> None:
    if config.figures.draw is False:
        return
    from cnnexp.drawing import draw_all

    hint = f"draw them later: cnnexp show {run.read().id} --draw"
    try:
        draw_all(run.read())
    except OSError as error:
        listener.say(f"note: its pictures could not be written ({error.strerror}); {hint}")
    except DrawingError as error:  # what was trained and measured is whole
        (problem,) = error.problems
        listener.say(one_line(f"note: {problem.where} could not be drawn ({problem.got}); {hint}", 500))


@held_back()
def _train(
    run: RunWriter, config: ExperimentConfig, digits: Digits, listener: Listener, publisher: Publisher,
    checkpoints: Checkpoints,
) -> keras.Model:  # fmt: skip
    """The trained model with the weights that are the result, after everything of it was measured and recorded.

    SIGINT and SIGTERM take effect between batches, epochs and measurements.
    """
    make_deterministic(config.seed, config.training.threads)
    safe_point()
    from cnnexp.nn.model import build_model
    from cnnexp.nn.training import train

    model = build_model(config.model, digits.image_shape, digits.classes, config.data.divisor, config.seed,
                        config.training.dtype)  # fmt: skip
    start = checkpoints.start
    run.outcome = "early_stopped" if start and start.progress.stopped else "complete"
    probing = Probing(run, config, digits)

    def batch(done: int, total: int, loss: float) -> None:
        safe_point()
        listener.batch(done, total, loss)

    with checkpoints.saved_when_interrupted():
        for result in train(model, digits, config, start, batch):
            record_epoch(run, result)
            probing.keep(model, result.epoch, last=result.stopped)
            checkpoints.keep(result.state)  # after all that a run that goes on from it will not do again
            run.outcome = "early_stopped" if result.stopped else "complete"
            listener.epoch(result.epoch, result.metrics)
            publisher.publish(run.read())
            safe_point()
    measure_kept_weights(run, model, digits, config)
    safe_point()
    probing.finish(model)
    return model


def record_epoch(run: RunWriter, result: EpochResult) -> None:
    """Append what one epoch gave to the record's journal."""
    signals = {layer: finite(asdict(values)) for layer, values in result.signals.items()}
    run.epoch(result.epoch, result.metrics, result.weights_sha256, signals)


def describe(digits: Digits) -> dict[str, object]:
    """What a record says of its digits."""
    return {
        "source": digits.source,
        "digest": digits.digest,
        "sizes": {name: len(split) for name, split in digits.splits.items()},
        "class_counts": {name: list(counts) for name, counts in digits.counts().items()},
        "image_shape": list(digits.image_shape),
        "class_names": list(digits.class_names),
    }


def run_name(composed: Composed) -> str:
    """What a run is called: its tracking.run_name, else what was overridden, else its experiment or preset."""
    if composed.config.tracking.run_name:
        return composed.config.tracking.run_name
    study = composed.choices.get("experiments", "")
    varied = [short for word in standing(composed.overrides) if (short := shortened(word))]
    return " ".join([study, *varied] if study else varied) or composed.choices.get("model", "run")


def shortened(word: str) -> str:
    """`model.blocks.conv_1.filters=8` → `conv_1.filters=8`; nothing for keys that are not part of the recipe."""
    key, sep, value = word.lstrip("+~").partition("=")
    parts = key.split(".")
    if parts[0].split("/")[0] in NOT_VARIED or key in NOT_VARIED:
        return ""
    kept = parts[2:] if parts[:2] in (["model", "blocks"], ["model", "dense"]) else parts[1:]
    return f"{'~' * word.startswith('~')}{'.'.join(kept or parts)}{sep}{value}"
