from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from cnnexp.config.schema import Range
from cnnexp.errors import ConfigError
from cnnexp.study.space import Dimension, dimension_of_word, random_draws, space_of_study
from tests.study.conftest import Request, names


def dimension(word: str) -> Dimension:
    return dimension_of_word(OverridesParser.create().parse_override(word))


@pytest.mark.parametrize(
    ("word", "values", "ends"),
    [
        ("a=interval(1,5)", Range(low=1, high=5), ("1.0", "5.0")),
        ("a=int(interval(1,5))", Range(low=1, high=5, integer=True), ("1", "5")),
        ("a=tag(log,interval(0.001,1))", Range(low=0.001, high=1, log=True), ("0.001", "1.0")),
        ("a=choice(same,valid)", ("same", "valid"), ("same", "valid")),
        ("a=3,[1,7]", ("3", "[1,7]"), ("3", "[1,7]")),
        ("a=range(1,4)", ("1", "2", "3"), ("1", "2", "3")),
    ],
)
def test_words(word: str, values: object, ends: tuple[str, ...]) -> None:
    assert dimension(word) == Dimension("a", values)  # type: ignore[arg-type]
    assert dimension(word).ends == ends


@pytest.mark.parametrize("word", ["a=interval(2,1)", "a=interval(1,1)", "a=tag(log,interval(0,1))"])
def test_no_interval(word: str) -> None:
    with pytest.raises(ConfigError, match="interval\\(LOW,HIGH\\) with"):
        dimension(word)


def test_draws_stay_in_their_space_fill_it_and_come_again() -> None:
    space = space_of_study({
        "rate": Range(low=0.0001, high=0.1, log=True), "drop": Range(low=0, high=0.9),
        "size": Range(low=1, high=4, integer=True), "many": Range(low=1, high=1000, log=True, integer=True),
        "padding": ["same", "valid"],
    })  # fmt: skip
    draws = random_draws(space, seed=1, trials=400)
    assert draws == random_draws(space, seed=1, trials=500)[:400]
    assert draws != random_draws(space, seed=2, trials=400)
    rates = [float(draw["rate"]) for draw in draws]
    assert all(0.0001 <= rate <= 0.1 for rate in rates)
    assert 150 < sum(rate < 0.0001 * 1000**0.5 for rate in rates) < 250  # half below the geometric middle
    assert 150 < sum(float(draw["drop"]) < 0.45 for draw in draws) < 250
    assert {draw["size"] for draw in draws} == {"1", "2", "3", "4"}
    assert all(1 <= int(draw["many"]) <= 1000 for draw in draws)
    assert 150 < sum(int(draw["many"]) < 32 for draw in draws) < 250
    assert {draw["padding"] for draw in draws} == {"same", "valid"}
    assert max(len(draw["rate"].replace("e-", "")) for draw in draws) <= 9  # short enough to read


@pytest.mark.slow
def test_a_random_search_is_a_list_of_points_times_the_seeds(request_of: Request) -> None:
    words = ("model=small", "sweep.search=random", "sweep.trials=3", "model.kernel_size=3,5,7", "seed=0,1",
             "training.learning_rate=tag(log,interval(0.0001,0.1))")  # fmt: skip
    planned = request_of(*words).planned
    assert len(planned) == 6
    assert [one.point.composed.config.seed for one in planned] == [0, 1, 0, 1, 0, 1]
    rates = [one.point.composed.config.training.learning_rate for one in planned]
    assert rates[0] == rates[1]
    assert len(set(rates)) == 3
    assert names(planned)[0].startswith("kernel_size=")
    assert request_of(*words, "sweep.seed=1").planned[0].point.name != planned[0].point.name


@pytest.mark.slow
def test_a_bayesian_search_knows_its_space_and_refuses_what_cannot_be(request_of: Request) -> None:
    words = ("sweep.search=bayes", "training.learning_rate=interval(0.001,0.1)", "model.kernel_size=3,5")
    request = request_of("model=small", *words)
    assert request.planned == ()
    assert [str(one) for one in request.space] == [
        "training.learning_rate from 0.001 to 0.1", "model.kernel_size among 3, 5",
    ]  # fmt: skip
    assert request.expected == 20
    for more, message in {
        "training.dropout=interval(0,1)": "training.dropout",
        "model.strides=1,0": "model.strides",
        "seed=0,1": "one value beside sweep.search=bayes",
        "data.validation_size=null": "",
        "sweep.grid={seed: [0,1]}": "sweep.grid",
    }.items():
        if message:
            with pytest.raises(ConfigError, match=message):
                request_of(*words, more)
    with pytest.raises(ConfigError, match="at least one key to draw"):
        request_of("sweep.search=bayes")
