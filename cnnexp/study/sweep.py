"""A sweep from a request to its answer: jobs → workers → summary. Reads like a table of contents."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from typing import Protocol

from cnnexp.analysis.sweeps import chosen_run
from cnnexp.errors import CnnexpError, StoreError
from cnnexp.evaluation import measure_test
from cnnexp.runs.find import runs_folder
from cnnexp.runs.journal import FAILED, FINISHED, KILLED, RUNNING, Ending, did_not_finish
from cnnexp.runs.record import RunRecord
from cnnexp.runs.sweep_record import SweepRecord, all_sweeps
from cnnexp.runs.sweep_writer import SweepHeader, SweepWriter
from cnnexp.runs.writer import mark_if_gone
from cnnexp.study.jobs import as_recorded, output_of
from cnnexp.study.proposals import Listed, Proposed, Source
from cnnexp.study.request import SweepRequest
from cnnexp.study.search import JOURNAL
from cnnexp.study.summary import (
    NOT_STARTED,
    UNDER_WAY,
    counts_line,
    end_of,
    swept_recipes,
    swept_runs,
    write_summary,
)
from cnnexp.study.worker import Outcome, alone


class SweepListener(Protocol):
    """Who is told how a sweep goes."""

    def planned(self, sweep: SweepRecord, request: SweepRequest) -> None: ...
    def spared(self, trials: Mapping[str, int]) -> None: ...
    def impossible(self, name: str, reason: str) -> None: ...
    def point(self, name: str, outcome: Outcome, log: str) -> None: ...
    def say(self, text: str) -> None: ...
    def ended(self) -> None: ...


def run_sweep(request: SweepRequest, listener: SweepListener) -> SweepRecord:
    """Carry out a sweep, and leave its record, its runs and its answer. Errors of single runs cost only themselves."""
    before = _sweep_to_continue(request)
    sweep = SweepWriter.create(runs_folder(), _header(request))
    try:
        with sweep.recording():
            _publish(sweep.read(), listener)
            listener.planned(sweep.read(), request)
            bad = _carry_out(sweep, request, before, listener)
            _conclude(sweep, listener)
            if wrong := _what_is_wrong(sweep.read(), bad):
                sweep.verdict = Ending(FAILED, "failed", wrong)
    finally:
        listener.ended()
        with suppress(OSError):  # of a folder that cannot be written any more, which the error tells
            for record in sweep.account_for_the_rest():
                _tell_of_its_end(record, listener)
        if sweep.read().status == KILLED:
            told = f"sweep {sweep.read().id} is KILLED ({counts_line(sweep.read())})"
            listener.say(f"{told}; the same command goes on with what is missing")
        _publish(sweep.read(), listener)
        sweep.close()
    return sweep.read()


def _header(request: SweepRequest) -> SweepHeader:
    return SweepHeader(
        name=request.name,
        overrides=request.overrides,
        command=shlex.join(["cnnexp", "train", "-m", *request.overrides, *_looking_into(request.config_dir)]),
        config_dir=request.config_dir,
        points=[as_recorded(one) for one in request.planned],
        tracking=request.config.tracking,
        study=request.study if request.space else "",
    )


def _looking_into(config_dir: str | None) -> list[str]:
    return ["--config-dir", config_dir] if config_dir else []


def _sweep_to_continue(request: SweepRequest) -> SweepRecord | None:
    """The newest sweep that searched the same space and came as far as to have a study."""
    if not request.space or request.config.sweep.again:
        return None
    alike = (one for one in all_sweeps(runs_folder()) if one.header["study"] == request.study)
    return next((one for one in alike if (one.folder / JOURNAL).is_file()), None)


def _source(sweep: SweepWriter, request: SweepRequest, before: SweepRecord | None, listener: SweepListener) -> Source:
    if not request.space:
        return Listed(sweep.folder, request.planned, request.threads)
    return Proposed(sweep, request, before.folder if before else None, listener.impossible)


def _carry_out(
    sweep: SweepWriter, request: SweepRequest, before: SweepRecord | None, listener: SweepListener
) -> int:  # fmt: skip
    """Train what is to be trained; the number of runs that did not finish (those that a search gave up are no such)."""
    source, bad = _source(sweep, request, before, listener), 0
    outcomes = request.launcher.launch(source.jobs(), request.workers)
    with closing(outcomes):
        for outcome in outcomes:
            source.ended(outcome)
            listener.spared(source.spared)
            _record(sweep, outcome, listener)
            bad += did_not_finish(outcome.status, outcome.outcome)
            if bad and request.config.sweep.on_error == "stop":
                break
    listener.spared(source.spared)
    if source.note:
        listener.say(source.note)
    return bad


def _what_is_wrong(sweep: SweepRecord, bad: int) -> str:
    """Why a sweep is not FINISHED, `bad` runs of which did not finish; empty where nothing is wrong."""
    if bad:
        return f"{bad} of {len(sweep.outcomes)} runs did not finish"
    left = sum(end_of(sweep, point) in (UNDER_WAY, NOT_STARTED) for point in sweep.points)
    return f"{left} of {len(sweep.points)} points were not trained" if left else ""


def _record(sweep: SweepWriter, outcome: Outcome, listener: SweepListener) -> None:
    """What became of a point, at once; a run whose worker died without a word is ended here."""
    log = output_of(sweep.folder, outcome.number)
    sweep.point(outcome.number, outcome.run, outcome.status, outcome.outcome, outcome.message, log)
    names = {point["number"]: str(point["name"]) for point in sweep.read().points}
    listener.point(names[outcome.number], outcome, log)
    if outcome.run and outcome.status != FINISHED:
        _tell_of_its_end(mark_if_gone(RunRecord(sweep.folder.parent / outcome.run)), listener)


def _tell_of_its_end(record: RunRecord, listener: SweepListener) -> None:
    """Best effort: MLflow learns of a run that ended without telling it."""
    if record.mlflow.get("status") == RUNNING and record.ending is not None:
        from cnnexp.runs.publish import Publisher

        Publisher(record.config.tracking, record.folder, listener.say).finish(record)


def _conclude(sweep: SweepWriter, listener: SweepListener) -> None:
    """Choose by validation, test the chosen run alone, and write the summary."""
    record = sweep.read()
    chosen = chosen_run(swept_recipes(record, swept_runs(record)))
    if chosen is not None:
        metrics = {"best/accuracy_val": chosen.accuracy, "best/loss_val": chosen.loss}
        try:
            metrics |= _tested(RunRecord(sweep.folder.parent / chosen.run), listener)
        except (CnnexpError, BrokenProcessPool) as error:
            listener.say(f"the chosen run could not be tested: {error}")
        sweep.event("result", run=chosen.run, name=chosen.name, metrics=metrics)
    write_summary(sweep.read())


def _tested(record: RunRecord, listener: SweepListener) -> dict[str, float]:
    """What the chosen run reads of the test digits, which MLflow then has too."""
    from cnnexp.runs.publish import Publisher

    known = "accuracy/test" in record.result
    metrics = alone(measure_test, record)
    if not known:
        Publisher(record.config.tracking, record.folder, listener.say).finish(record.fresh())
    return metrics


def _publish(sweep: SweepRecord, listener: SweepListener) -> None:
    """Best effort: the parent run in MLflow as the sweep now is."""
    from cnnexp.runs.publish_sweep import publish_sweep

    if not sweep.tracking.enabled:
        return
    try:
        publish_sweep(sweep, sweep.tracking)
    except StoreError as error:
        listener.say(str(error))
