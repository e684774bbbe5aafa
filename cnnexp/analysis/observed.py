"""What findings are made of: a run's metrics and signals by epoch, and patterns in them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from cnnexp.config.layers import conv_blocks, dense_layers
from cnnexp.runs.record import RunRecord

NEAR_GUESSING = 0.1
"""A loss within this share of ln(classes) is that of guessing; the default run's is 87 % below after one epoch. Not
where the accuracy has come further than this share of the way from guessing to 1: unsure, but right."""
JUMP = 2.0
"""A loss on fixed training digits that doubles in one epoch; in runs that learn it rose by half at most."""
JUMP_SHARE = 0.1
"""Of ln(classes): a jump is at least this large, so that 0.001 to 0.003 late in a training is none."""
FIRST_JUMP = 1.25
"""The first epoch's mean loss against the loss before training; dropout alone raises it by a few percent at most."""
REPLACED = 0.9
"""An epoch's change of a layer against its weights after it. 0.9 is a change of twice what was there before
(2 / sqrt(1 + 2²)); the default run's largest is 0.34."""
DEAD = 0.5
"""Share of a layer's units that are 0 for all of 200 training digits. Healthy dense layers had up to 0.37."""
RELUS = ("relu", "relu6")

Points = dict[int, float]
Signals = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Observed:
    """One record, by what was measured. Epoch 0 is before training."""

    record: RunRecord

    @cached_property
    def history(self) -> dict[str, Points]:
        return {key: dict(points) for key, points in self.record.history.items()}

    @cached_property
    def signals(self) -> dict[int, Signals]:
        """Signals by layer and name, for each epoch that has them."""
        return {event["epoch"]: event["signals"] for event in self.record.epochs if event.get("signals")}

    @property
    def measured(self) -> int:
        """The last epoch with signals; 0 if there is none after training began."""
        return max(self.signals, default=0)

    @property
    def guessing(self) -> float:
        """The loss of guessing all classes alike: ln(classes), in nats."""
        return math.log(len(self.record.class_names))

    def at(self, key: str, epoch: int) -> float | None:
        return self.history.get(key, {}).get(epoch)

    def points(self, *keys: str) -> tuple[str, Points]:
        """The first of these metrics that was measured, and its values by epoch; ("", {}) if none was."""
        return next(((key, self.history[key]) for key in keys if self.history.get(key)), ("", {}))

    @cached_property
    def stuck(self) -> tuple[str, int, float] | None:
        """Metric, epoch and value of a last loss that is still that of guessing."""
        key, points = self.points("loss/val", "loss/train_eval", "loss/train")
        last = max(points, default=0)
        if last == 0 or abs(points[last] / self.guessing - 1) > NEAR_GUESSING:
            return None
        return (key, last, points[last]) if self.guesses(key, last) else None

    def guesses(self, loss: str, epoch: int) -> bool:
        """Whether the accuracy beside this loss is hardly above that of guessing, or was not measured."""
        chance = 1 / len(self.record.class_names)
        return (self.at(loss.replace("loss", "accuracy"), epoch) or 0.0) <= chance + NEAR_GUESSING * (1 - chance)

    @cached_property
    def jumps(self) -> tuple[str, ...]:
        """Each jump of the loss in words."""
        key, points = self.points("loss/train_eval", "loss/val", "loss/train")
        found = list(self._first_jump())
        for epoch in sorted(points):
            before, after = points.get(epoch - 1), points[epoch]
            if before is not None and after > JUMP * before and after - before > JUMP_SHARE * self.guessing:
                found.append(f"{key} {before:.3g} to {after:.3g} in epoch {epoch}")
        return tuple(found)

    def _first_jump(self) -> Iterator[str]:
        """Within the first epoch, whose mean loss then lies above the loss before training."""
        key, before = self.points("loss/train_eval", "loss/val")
        mean = self.at("loss/train", 1)
        if mean is not None and 0 in before and mean > FIRST_JUMP * max(before[0], self.guessing):
            yield f"{key} {before[0]:.3g} before training, loss/train {mean:.3g} in epoch 1"

    @property
    def changes(self) -> list[tuple[str, int, float]]:
        """Layer, epoch and share of each epoch's change of each layer's weights."""
        return [
            (layer, epoch, signals["update_ratio"])
            for epoch, layers in self.signals.items()
            for layer, signals in layers.items()
            if epoch > 0 and "update_ratio" in signals
        ]

    @cached_property
    def replaced(self) -> tuple[str, int, float] | None:
        """The largest change, where it left almost nothing of a layer that was more than zeros before."""
        known = [change for change in self.changes if self._weight_norm(change[0], change[1] - 1) > 0]
        largest = max(known, key=lambda change: change[2], default=None)
        return largest if largest is not None and largest[2] > REPLACED else None

    def _weight_norm(self, layer: str, epoch: int) -> float:
        return self.signals.get(epoch, {}).get(layer, {}).get("weight_norm", 0.0)

    @cached_property
    def dead(self) -> tuple[tuple[str, float], ...]:
        """Layer and share where at least half of the rectified units answer no digit after the last epoch."""
        if self.measured == 0:
            return ()
        model = self.record.config.model
        activations = {block.name: block.activation for block in conv_blocks(model)}
        activations |= {dense.name: dense.activation for dense in dense_layers(model)}
        shares = {layer: signals.get("dead_units", 0.0) for layer, signals in self.signals[self.measured].items()}
        return tuple((n, shares[n]) for n, a in activations.items() if a in RELUS and shares.get(n, 0.0) >= DEAD)
