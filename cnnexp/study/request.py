"""What a sweep was asked to do: everything that is decided before anything is trained or written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hydra.core.override_parser.types import Override

from cnnexp.config.compose import Composed, compose_config, compose_tree, hydra_session, launcher_settings
from cnnexp.config.keys import short_key
from cnnexp.config.schema import ExperimentConfig, Figures, Sweep, Tracking
from cnnexp.data import load_digits
from cnnexp.errors import ConfigError
from cnnexp.runs.environment import usable_cores
from cnnexp.runs.find import all_runs, runs_folder
from cnnexp.study.launchers import Launcher
from cnnexp.study.plan import PlannedPoint, Planner, Verdict, plan
from cnnexp.study.points import (
    Axis,
    Composer,
    Point,
    axes_of_study,
    axes_of_words,
    axis_of_draws,
    check_that_what_varies_stands,
    first_words,
    parsed,
    points_of,
)
from cnnexp.study.space import Dimension, dimension_of_word, random_draws, space_of_study

SEED = "seed"


@dataclass(frozen=True)
class SweepRequest:
    """What a person asked for: the overrides as typed, the settings they lead to, and every planned point.

    space: what a Bayesian search draws from, which has no points before; ends: points at the ends of it; fixed: the
    words beside it.
    """

    overrides: tuple[str, ...]
    config: ExperimentConfig
    name: str
    launcher: Launcher
    planned: tuple[PlannedPoint, ...]
    space: tuple[Dimension, ...] = ()
    ends: tuple[PlannedPoint, ...] = ()
    fixed: tuple[str, ...] = ()
    config_dir: str | None = None

    @property
    def expected(self) -> int:
        """Runs that are to be trained; of a search the most that can be."""
        if self.space:
            return self.config.sweep.trials
        return sum(one.verdict in (Verdict.RUN, Verdict.RESUME) for one in self.planned)

    @property
    def workers(self) -> int:
        """Runs at a time, never more than there are."""
        return max(1, min(self._most_workers, self.expected))

    @property
    def threads(self) -> int:
        """Threads inside one operation of each run: the cores shared by the workers that the sweep could keep busy.

        Points that are done count too, so that a sweep that is started again gives its runs what they had before. On a
        cluster it is one, since the cores of its machines are not known here.
        """
        if self.launcher.is_a_cluster:
            return 1
        all_points = len({one.run_key for one in self.planned if one.run_key}) or self.config.sweep.trials
        return max(1, usable_cores() // max(1, min(self._most_workers, all_points)))

    @property
    def _most_workers(self) -> int:
        wanted = 1 if self.launcher.is_serial else self.config.sweep.workers
        if wanted != "auto":
            return wanted
        return self.expected if self.launcher.is_a_cluster else usable_cores()

    @property
    def study(self) -> str:
        """A hash of a search's space and of what does not vary in it: a search with the same one goes on."""
        plain = self.config.model_copy(update={"sweep": Sweep(), "tracking": Tracking(), "figures": Figures()})
        text = json.dumps([[str(dimension) for dimension in self.space], plain.model_dump(mode="json")], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def compose(self, number: int, draw: Mapping[str, str]) -> Point:
        """The point that a search drew."""
        return self._point(number, draw, lambda words: compose_config(words, self.config_dir))

    def compose_all(self, draws: Sequence[Mapping[str, str]]) -> list[Point]:
        """The points of many draws, numbered from 0, which is much quicker than one at a time."""
        with hydra_session(self.config_dir) as loader:
            composer = Composer(tuple(loader))
            return [self._point(number, draw, composer.compose) for number, draw in enumerate(draws)]

    def _point(self, number: int, draw: Mapping[str, str], compose: Callable[[Sequence[str]], Composed]) -> Point:
        words = (*self.fixed, *(f"{key}={word}" for key, word in draw.items()))
        return Point(number, tuple(draw.items()), words, compose(words))


def request_sweep(overrides: Sequence[str], config_dir: str | None) -> SweepRequest:
    """Everything that is decided before anything is trained or written. TensorFlow is not imported.

    Raises ConfigError where a value is invalid in itself, DataError where data cannot be read.
    """
    with hydra_session(config_dir):
        typed = parsed(overrides)
        first = first_words(typed)
    composed, tree = compose_tree(first, config_dir)
    config = composed.config
    launcher = Launcher(str(tree.hydra.runtime.choices["hydra/launcher"]), launcher_settings(tree))
    launcher.check()
    study = composed.choices.get("experiments")
    if config.sweep.search == "bayes":
        if launcher.is_a_cluster:
            expected = "parallel or serial beside sweep.search=bayes"
            raise ConfigError("hydra/launcher", launcher.name, expected, "Or sweep.search=random.")
        return _search(overrides, typed, config, launcher, config_dir, study)
    axes = _axes(typed, config.sweep)
    points = points_of(axes, config_dir)
    planned = plan(points, all_runs(runs_folder()), again=config.sweep.again)
    name = _name(config, study, points)
    return SweepRequest(tuple(overrides), config, name, launcher, tuple(planned), config_dir=config_dir)


def _name(config: ExperimentConfig, study: str | None, points: Sequence[Point]) -> str:
    varied = dict.fromkeys(short_key(key) for point in points for key, _ in point.varied)
    return config.tracking.run_name or study or f"sweep of {', '.join(varied)}"


def _axes(typed: Sequence[Override], sweep: Sweep) -> list[Axis]:
    """What multiplies: the study's variants and grid, draws of a random search, and the words as typed.

    A key that is typed takes the place of the same key in the study's grid.
    """
    keys = {override.key_or_group for override in typed}
    grid = {key: values for key, values in sweep.grid.items() if key not in keys}
    axes = axes_of_study(grid, sweep.variants)
    if sweep.search == "random":
        space, others = _space(typed, sweep)
        axes += [axis_of_draws(random_draws(space, sweep.seed, sweep.trials)), *axes_of_words(others)]
    else:
        axes += axes_of_words(typed)
    check_that_what_varies_stands(axes)
    if all(len(axis) == 1 for axis in axes) and not sweep.describes_many:
        raise ConfigError("-m", "no key with several values", "at least one, such as model.kernel_size=3,5",
                          "For a single run leave -m out.")  # fmt: skip
    return axes


def _space(typed: Sequence[Override], sweep: Sweep) -> tuple[list[Dimension], list[Override]]:
    """What a search draws from, and the other words.

    Several values of seed are no part of the space: each draw is trained with each. Raises ConfigError for an empty
    space.
    """
    swept = [override for override in typed if override.is_sweep_override() and override.key_or_group != SEED]
    drawn = {dimension.key: dimension for dimension in space_of_study(sweep.space)}
    typed_keys = {override.key_or_group for override in typed}
    drawn = {key: dimension for key, dimension in drawn.items() if key not in typed_keys}
    drawn |= {override.key_or_group: dimension_of_word(override) for override in swept}
    if not drawn:
        hint = "As in: training.learning_rate=interval(0.0001,0.01)"
        raise ConfigError("sweep.space", "nothing", "at least one key to draw", hint)
    return list(drawn.values()), [override for override in typed if override not in swept]


def _search(
    overrides: Sequence[str], typed: Sequence[Override], config: ExperimentConfig, launcher: Launcher,
    config_dir: str | None, study: str | None,
) -> SweepRequest:  # fmt: skip
    space, others = _space(typed, config.sweep)
    if any(override.is_sweep_override() for override in others):
        raise ConfigError(SEED, "several values", "one value beside sweep.search=bayes", "Or sweep.search=random.")
    fixed = tuple(str(override.input_line) for override in others)
    if len(load_digits(config.data).validation) == 0:
        hint = "Ask for some: data.validation_size=500"
        raise ConfigError("sweep.search", "no validation digits", "some to go by", hint)
    ends = points_of([*axes_of_words(others), _ends(space)], config_dir)
    judged = Planner([], again=True).judge_all(ends)
    name = _name(config, study, ends)
    return SweepRequest(tuple(overrides), config, name, launcher, (), tuple(space), tuple(judged), fixed, config_dir)


def _ends(space: Sequence[Dimension]) -> Axis:
    """Points that try every word and both ends of every range, the other keys at their first: what is wrong shows."""
    start = {dimension.key: dimension.ends[0] for dimension in space}
    tried = [start | {dimension.key: end} for dimension in space for end in dimension.ends]
    return axis_of_draws(tried)
