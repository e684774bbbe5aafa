"""The formulas that keys of data, training and evaluation enter, with the numbers of one config put in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cnnexp.config.choices import Adam, Cosine, OneCycle, Rmsprop, Sgd, Step
from cnnexp.explaining.facts import Facts
from cnnexp.shapes import KNOWN_SIZES

RATES_SHOWN = 8
PROGRESS = "p from 0 at the first step to 1 at the last"
"""Both after the warm-up, if there is one."""


def _validation_size(facts: Facts) -> Iterator[str]:
    source = facts.config.data.source
    if source in KNOWN_SIZES and facts.validation is not None:
        both = KNOWN_SIZES[source][0]
        yield f"{both:,} - {facts.validation:,} = {both - facts.validation:,} digits are left to train on"


def _limit(facts: Facts) -> Iterator[str]:
    if facts.train is not None:
        yield f"{facts.train:,} training digits; {_steps(facts)}"


def _scale(facts: Facts) -> Iterator[str]:
    divisor = facts.config.data.divisor
    yield f"y = x / {divisor:g}, in the network's first layer (rescaling)"
    if facts.config.data.source != "arrays":
        yield f"pixels from 0 to 255 become 0 to {255 / divisor:.4g}"


def _shift(facts: Facts) -> Iterator[str]:
    shift = facts.config.data.augmentation.shift
    yield _drawn_anew(shift, f"down and right: two numbers, each uniform from -{shift:g} to {shift:g} pixels")


def _rotate(facts: Facts) -> Iterator[str]:
    degrees = facts.config.data.augmentation.rotate
    yield _drawn_anew(degrees, f"uniform from -{degrees:g} to {degrees:g} degrees about the centre")


def _zoom(facts: Facts) -> Iterator[str]:
    zoom = facts.config.data.augmentation.zoom
    yield _drawn_anew(zoom, f"factor uniform from 1 - {zoom:g} to 1 + {zoom:g}")


def _drawn_anew(strength: float, formula: str) -> str:
    return f"{formula}, drawn anew in each epoch" if strength else "0: off, nothing is drawn"


def _seed(facts: Facts) -> Iterator[str]:
    yield f"initial weights of a layer: from (seed, layer, kernel or bias), seed = {facts.config.seed}"
    yield "order of the digits, dropout and augmentation in an epoch: from (seed, epoch), so that resuming is exact"


def _steps(facts: Facts) -> str:
    size = facts.config.training.batch_size
    if facts.train is None or facts.steps is None:
        return f"steps an epoch = ceil(training digits / {size})"
    last = facts.train - (facts.steps - 1) * size
    odd = f", the last with {last}" if last != size else ""
    return f"steps an epoch = ceil({facts.train:,} / {size:,}) = {facts.steps:,}{odd}"


def _updates(facts: Facts) -> Iterator[str]:
    epochs = facts.config.training.epochs
    yield _steps(facts)
    if facts.steps is not None:
        yield f"updates in all = {epochs}·{facts.steps:,} = {epochs * facts.steps:,}"


def _update_rule(facts: Facts) -> Iterator[str]:
    """One step of Keras's optimizer: w a weight, g its gradient, t the step from 1, everything else from 0."""
    training = facts.config.training
    optimizer = training.optimizer
    if optimizer.weight_decay:
        yield f"first w ← w - rate·{optimizer.weight_decay:g}·w"
    match optimizer:
        case Sgd():
            yield from _sgd(optimizer)
        case Adam():
            a, b = optimizer.beta_1, optimizer.beta_2
            yield f"m ← {a:g}·m + {1 - a:.6g}·g;  v ← {b:g}·v + {1 - b:.6g}·g²"
            yield (f"w ← w - rate·sqrt(1 - {b:g}^t) / (1 - {a:g}^t)·m / (sqrt(v) + {optimizer.epsilon:g})")
            yield f"the first step moves each weight by about rate = {training.learning_rate:g}, whatever g is"
        case Rmsprop():
            yield f"v ← {optimizer.rho:g}·v + {1 - optimizer.rho:.6g}·g²"
            step = f"rate·g / sqrt(v + {optimizer.epsilon:g})"
            m = f"m ← {optimizer.momentum:g}·m + {step};  w ← w - m"
            yield m if optimizer.momentum else f"w ← w - {step}"


def _sgd(optimizer: Sgd) -> Iterator[str]:
    momentum = optimizer.momentum
    if momentum == 0:
        yield "w ← w - rate·g"
        return
    yield f"m ← {momentum:g}·m - rate·g;  w ← w + " + (f"{momentum:g}·m - rate·g" if optimizer.nesterov else "m")
    yield f"a steady gradient moves w by rate·g / (1 - {momentum:g}) = {1 / (1 - momentum):.3g}·rate·g a step"


def _learning_rate(facts: Facts) -> Iterator[str]:
    yield from _update_rule(facts)
    yield from _rates(facts)


def _schedule(facts: Facts) -> Iterator[str]:
    training = facts.config.training
    schedule, rate = training.schedule, training.learning_rate
    match schedule:
        case Step():
            yield f"rate = {rate:g}·{schedule.factor:g}^floor(epochs done / {schedule.every})"
        case Cosine():
            last = schedule.final
            yield f"rate = {rate:g}·({last:g} + {1 - last:g}·(1 + cos(π·p)) / 2), {PROGRESS}"
        case OneCycle():
            yield f"rate = {rate:g} times a share that goes along half a cosine, {PROGRESS}:"
            yield f"from {schedule.start:g} to 1 while p < {schedule.rise:g}, then from 1 to {schedule.final:g}"
        case _:
            yield f"rate = {rate:g} in every step"
    if schedule.warmup_epochs:
        yield from _warmup(facts)
    yield from _rates(facts)


def _warmup(facts: Facts) -> Iterator[str]:
    epochs = facts.config.training.schedule.warmup_epochs
    number = f" = {epochs:g}·{facts.steps} = {epochs * facts.steps:g}" if facts.steps is not None else ""
    yield f"in its first W steps times k / W in step k, W = warm-up epochs·steps an epoch{number}"


def _rates(facts: Facts) -> Iterator[str]:
    """The rate of the last step of each epoch, which is the metric learning_rate."""
    from cnnexp.nn.schedules import is_constant, learning_rates

    training = facts.config.training
    if facts.steps is None or is_constant(training):
        return
    table = learning_rates(training, facts.steps)
    ends = [f"{float(table[epoch * facts.steps - 1]):.3g}" for epoch in range(1, training.epochs + 1)]
    if len(ends) > RATES_SHOWN:
        ends = [*ends[: RATES_SHOWN - 2], "…", ends[-1]]
    yield f"first step {float(table[0]):.3g}; at the end of each epoch {', '.join(ends)}"


def _label_smoothing(facts: Facts) -> Iterator[str]:
    s, classes = facts.config.training.label_smoothing, facts.classes
    if not classes:
        yield "target of the digit's own class: 1 - s + s / classes; of every other: s / classes"
        return
    yield f"target of the digit's own class: 1 - {s:g} + {s:g} / {classes} = {1 - s + s / classes:.4g}"
    yield f"of every other: {s:g} / {classes} = {s / classes:.4g}"


def _gradient_clip(facts: Facts) -> Iterator[str]:
    clip = facts.config.training.gradient_clip
    yield (
        "g ← g·min(1, clip / norm), norm over the gradients of all weights together"
        if clip is None
        else (f"g ← g·min(1, {clip:g} / norm), norm over the gradients of all weights together")
    )


def _early_stopping(facts: Facts) -> Iterator[str]:
    stopping = facts.config.training.early_stopping
    if stopping is None:
        return
    better = "above its best + " if stopping.monitor == "accuracy/val" else "below its best - "
    yield f"better: {stopping.monitor} {better}{stopping.min_delta:g}"
    patience = stopping.patience
    yield f"ends after {patience} epochs in a row that are not; after epoch {1 + patience} at the earliest"


def _keep(facts: Facts) -> Iterator[str]:
    epochs = facts.config.training.epochs
    yield f"last: the weights after epoch {epochs}; best: those of the epoch with the lowest loss/val"


def _dtype(facts: Facts) -> Iterator[str]:
    yield "float32: 24 bits of precision, about 7 decimal digits"
    yield "mixed_bfloat16: layers compute with 8 bits, about 2 decimal digits; weights and output stay float32"


def _forward_steps(facts: Facts) -> Iterator[str]:
    size = facts.config.evaluation.batch_size
    if facts.validation:
        yield f"validation in ceil({facts.validation:,} / {size:,}) = {-(-facts.validation // size)} steps"


def _train_size(facts: Facts) -> Iterator[str]:
    if facts.train is not None:
        size = min(facts.config.evaluation.train_size, facts.train)
        yield (
            f"digits i·{facts.train:,} // {size:,} for i = 0 … {size - 1:,}: spread evenly, the same for each seed"
            if (size)
            else "none: loss/train_eval is not measured"
        )


RULES: Mapping[str, Callable[[Facts], Iterator[str]]] = {
    "seed": _seed,
    "data.validation_size": _validation_size,
    "data.limit": _limit,
    "data.scale": _scale,
    "data.augmentation.shift": _shift,
    "data.augmentation.rotate": _rotate,
    "data.augmentation.zoom": _zoom,
    "training.epochs": _updates,
    "training.batch_size": _updates,
    "training.optimizer": _update_rule,
    "training.learning_rate": _learning_rate,
    "training.schedule": _schedule,
    "training.label_smoothing": _label_smoothing,
    "training.gradient_clip": _gradient_clip,
    "training.early_stopping": _early_stopping,
    "training.keep": _keep,
    "training.dtype": _dtype,
    "evaluation.batch_size": _forward_steps,
    "evaluation.train_size": _train_size,
}
"""By key; an option of a choice enters the formula of the choice."""


def training_formula(facts: Facts, key: str) -> list[str]:
    """The lines of a key outside `model`; none where it enters no formula."""
    rule = next((rule for known, rule in RULES.items() if key == known or key.startswith(f"{known}.")), None)
    return list(rule(facts)) if rule else []
