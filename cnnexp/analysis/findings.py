"""What a run's own measurements say went wrong, in plain words: each with its evidence and one override to try.

A finding needs a measurement: where a number was not recorded, nothing is said of it. Losses are in nats. Thresholds
stand with their reason; "the default run" is `cnnexp train`, in which nothing is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cnnexp.analysis import remedies
from cnnexp.analysis.observed import Observed
from cnnexp.config.layers import conv_blocks
from cnnexp.runs.record import RunRecord

LARGE_START = 2.0
"""Times ln(classes) before training. Kernels of a usual scale start within 5 % of ln(classes)."""
STILL = 1e-3
"""The largest change of any layer in any epoch, as a share of its weights. A single step should be about this large
(Karpathy, CS231n: ratio of updates to weights); an epoch has dozens, and the default run's last epoch has 0.09."""
GOOD_CHANGE = 0.1
"""The change of a layer in an epoch that learns; in the default run from 0.04 to 0.34."""
VANISHED = 1e-3
"""Gradient of the first layer against the last one's. In networks that learn it was between 0.1 and 10."""
IMPROVING = 0.15
"""Share by which the last two epochs together lowered loss/val; in the default run 0.04."""
OVERFIT = 1.1
"""Mean loss/val of the last three epochs against its lowest: three, so that one unlucky epoch is no overfitting."""
LAST = 3
"""Epochs at the end that are averaged."""
DROPOUT_GAP = 0.05
"""Accuracy that training lacks. The default run's dropout costs it 0.013; chance on 4,000 digits less than 0.01."""
MOVING_GAP = 0.2
"""Accuracy in training above that on the same digits without dropout, which only moving averages can explain."""


@dataclass(frozen=True)
class Finding:
    """One thing that was found. name: a word for programs; override: one `key=value` to try, in Hydra's grammar."""

    name: str
    text: str
    evidence: str
    override: str

    def __str__(self) -> str:
        return f"{self.text[0].upper()}{self.text[1:]}: {self.evidence}. Try `{self.override}`."


def findings(record: RunRecord) -> tuple[Finding, ...]:
    """What is found in a run's history and signals, causes before symptoms; empty for a healthy run.

    Of a run that still goes on, what can be said so far.
    """
    run = Observed(record)
    looks = (_diverged, _large_start, _rate_too_high, _jumps, _rate_too_low, _warming_up, _dead, _vanishing,
             _moving_averages, _stuck, _overfitting, _improving, _dropout)  # fmt: skip
    return tuple(finding for look in looks for finding in look(run))


def finding_lines(found: Sequence[Finding]) -> list[str]:
    """Three lines a finding (what, evidence, what to try), for terminals and descriptions; none where none is."""
    return [
        line
        for finding in found
        for line in (f"found     {finding.text}", f"          {finding.evidence}", f"          try {finding.override}")
    ]


def _diverged(run: Observed) -> Iterator[Finding]:
    ending = run.record.ending
    if ending is not None and ending.outcome == "diverged":
        evidence = ending.message.partition(", expected")[0]
        override = remedies.lower_rate(run.record.config)
        yield Finding("diverged", "the loss is no finite number any more", evidence, override)


def _large_start(run: Observed) -> Iterator[Finding]:
    key, points = run.points("loss/train_eval", "loss/val")
    if points.get(0, 0.0) > LARGE_START * run.guessing:
        text = "the first weights are too large: before training the network is sure, and wrong"
        evidence = f"{key} {points[0]:.3g} before training, where guessing gives {_guess(run)}"
        yield Finding("large_start", text, evidence, remedies.smaller_start(run.record.config))


def _rate_too_high(run: Observed) -> Iterator[Finding]:
    """One epoch replaced a layer, and the loss jumped or stayed that of guessing: large steps that led nowhere."""
    if run.replaced is None or not (run.jumps or run.stuck):
        return
    layer, epoch, share = run.replaced
    led_to = "the loss jumped" if run.jumps else "the loss is that of guessing"
    evidence = f"epoch {epoch} changed {layer} by {share:.0%} of its weights, and {led_to}"
    yield Finding("rate_too_high", "the learning rate is too high", evidence, remedies.lower_rate(run.record.config))


def _jumps(run: Observed) -> Iterator[Finding]:
    if run.jumps:
        more = f"; {len(run.jumps) - 2} more" if len(run.jumps) > 2 else ""
        evidence = f"{'; '.join(run.jumps[:2])}{more}"
        yield Finding("jumps", "the loss jumps up", evidence, remedies.lower_rate(run.record.config))


def _rate_too_low(run: Observed) -> Iterator[Finding]:
    """Where layers that answer hardly move: a dead network does not move at any rate."""
    largest = max((share for _, _, share in run.changes), default=0.0)
    if 0 < largest < STILL and not run.dead:
        evidence = f"no epoch changed any layer by more than {largest:.1g} of its weights"
        override = remedies.rate_times(run.record.config, GOOD_CHANGE / largest)
        yield Finding("rate_too_low", "the learning rate is too low", evidence, override)


def _warming_up(run: Observed) -> Iterator[Finding]:
    """The warm-up takes longer than the whole training."""
    training = run.record.config.training
    rate, warmup = run.at("learning_rate", training.epochs), training.schedule.warmup_epochs
    if rate is not None and rate < training.learning_rate and warmup > training.epochs:
        evidence = (
            f"{rate:.3g} after epoch {training.epochs}; the warm-up to {training.learning_rate:g} takes {warmup:g}"
        )
        yield Finding("warming_up", "the learning rate was still rising at the end", evidence,
                      remedies.shorter_warmup(run.record.config))  # fmt: skip


def _dead(run: Observed) -> Iterator[Finding]:
    if not run.dead:
        return
    first = run.dead[0][0]
    before = run.signals.get(0, {}).get(first, {}).get("dead_units")
    was = "" if before is None else f"; before training {before:.0%} of {first}"
    told = ", ".join(f"{share:.0%} of {layer}" for layer, share in run.dead[:3])
    config = run.record.config
    override = (
        remedies.lower_rate(config) if run.replaced else remedies.living_units(config, was_dead=(before or 0.0) >= 0.5)
    )
    text = "units are dead: 0 for every digit that was measured, so hardly anything can teach them"
    yield Finding("dead_units", text, f"{told} after epoch {run.measured}{was}", override)


def _vanishing(run: Observed) -> Iterator[Finding]:
    """Between the first and the last layer. A gradient of exactly 0 is no small one: there the units are dead."""
    layers = list(run.signals.get(run.measured, {}).items())
    if run.measured == 0 or len(layers) < 2:
        return
    (first, front), (end, back) = layers[0], layers[-1]
    small, large = front.get("gradient_norm", 0.0), back.get("gradient_norm", 0.0)
    if large > 0 and 0 < small / large < VANISHED:
        evidence = f"norm {small:.2g} in {first}, {large:.2g} in {end} after epoch {run.measured}"
        text = "gradients vanish on the way to the first layer"
        yield Finding("vanishing_gradients", text, evidence, remedies.stronger_gradients(run.record.config))


def _moving_averages(run: Observed) -> Iterator[Finding]:
    """Batch normalization answers well with a batch's own mean and variance, and badly with its moving averages.

    They follow the network by a share of each step, so that few steps, or fast ones, leave them behind.
    """
    last = run.record.epochs_done
    train, same = run.at("accuracy/train", last), run.at("accuracy/train_eval", last)
    normalized = any(block.batch_normalization for block in conv_blocks(run.record.config.model))
    if not normalized or train is None or same is None or train - same <= MOVING_GAP:
        return
    steps = last * -(-int(run.record.data["sizes"]["train"]) // run.record.config.training.batch_size)
    evidence = (
        f"accuracy {train:.1%} in training, {same:.1%} on the same digits with the averages, after {steps:,} steps"
    )
    text = "batch normalization's moving averages lag behind the network"
    yield Finding("moving_averages", text, evidence, remedies.more_steps(run.record.config))


def _stuck(run: Observed) -> Iterator[Finding]:
    """Told with the cure of its cause, where one was found."""
    if run.stuck is None:
        return
    causes = [cause for look in (_rate_too_high, _rate_too_low, _dead, _vanishing, _moving_averages)
              for cause in look(run)]  # fmt: skip
    key, epoch, loss = run.stuck
    override = causes[0].override if causes else remedies.rate_times(run.record.config, 10)
    evidence = f"{key} {loss:.3f} after epoch {epoch}, where guessing gives {_guess(run)}"
    yield Finding("stuck", "it has hardly learned anything: the loss is still that of guessing", evidence, override)


def _guess(run: Observed) -> str:
    return f"ln {len(run.record.class_names)} = {run.guessing:.3f}"


def _overfitting(run: Observed) -> Iterator[Finding]:
    """loss/val has risen since its lowest while the loss on training digits went on falling."""
    validation = {epoch: value for epoch, value in run.history.get("loss/val", {}).items() if epoch > 0}
    lowest = min(validation, key=lambda epoch: validation[epoch], default=0)
    last = max(validation, default=0)
    key, train = run.points("loss/train_eval", "loss/train")
    if last - lowest < LAST or lowest not in train or last not in train or train[last] >= train[lowest]:
        return
    end = sum(validation[epoch] for epoch in sorted(validation)[-LAST:]) / LAST
    if end > OVERFIT * validation[lowest]:
        evidence = (
            f"loss/val was lowest in epoch {lowest} with {validation[lowest]:.3f}, and {end:.3f} in the last {LAST}, "
            f"while {key} fell from {train[lowest]:.2g} to {train[last]:.2g}"
        )
        override = remedies.against_overfitting(run.record.config)
        yield Finding("overfitting", f"it overfits from epoch {lowest + 1} on", evidence, override)


def _improving(run: Observed) -> Iterator[Finding]:
    """Each of the last two epochs was better than the one before, on both kinds of digits, and by a good deal.

    A loss above that of guessing, where the network still guesses, is no sign of too few epochs.
    """
    config, last = run.record.config, run.record.epochs_done
    tail = [e for e in (last - 2, last - 1, last) if e > 0]
    validation = [value for e in tail if (value := run.at("loss/val", e)) is not None]
    train = [value for e in tail if (value := run.at("loss/train_eval", e)) is not None]
    if last < config.training.epochs or len(validation) < 3 or not (_falls(validation) and _falls(train)):
        return
    helpless = validation[-1] > run.guessing and run.guesses("loss/val", last)
    if not helpless and 1 - validation[-1] / validation[0] > IMPROVING:
        evidence = f"the last two epochs took loss/val from {validation[0]:.3f} to {validation[-1]:.3f}"
        override = remedies.more_epochs(config)
        yield Finding("still_improving", "it was still getting better at the end", evidence, override)


def _falls(values: Sequence[float]) -> bool:
    return all(after < before for before, after in pairwise(values))


def _dropout(run: Observed) -> Iterator[Finding]:
    """Accuracy in training, with dropout, is below that on validation digits, and dropout explains it.

    The mean over an epoch also lags behind its end. So it is held against the same network on training digits without
    dropout *before* that epoch: what it lacks to that, the lag cannot explain.
    """
    last, override = run.record.epochs_done, remedies.less_dropout(run.record.config)
    train, validation = run.at("accuracy/train", last), run.at("accuracy/val", last)
    before = run.at("accuracy/train_eval", last - 1)
    if override is None or last < 2 or train is None or validation is None or before is None:
        return
    if validation - train > DROPOUT_GAP and before - train > DROPOUT_GAP:
        evidence = (
            f"accuracy {train:.1%} in training, {validation:.1%} in validation in epoch {last}; before that epoch "
            f"{before:.1%} of training digits without dropout"
        )
        text = "validation is better than training, because dropout is on while training"
        yield Finding("dropout_gap", text, evidence, override)
