"""Words of a command line: what is refused, and how."""

from __future__ import annotations

import pytest

from cnnexp.config.compose import compose_config
from cnnexp.config.overrides import parse, rewritten, standing
from cnnexp.errors import ConfigError
from tests.config.conftest import Refused

GROUPS = ("model", "experiments", "hydra/launcher")


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("seed=1 training.epochs=2 seed=2", "training.epochs=2 seed=2"),
        ("+seed=1 ++seed=2 seed=3", "seed=3"),
        ("seed=3 seed=2 ++seed=3", "++seed=3"),
        ("model=small model.strides=2 model=deep", "model.strides=2 model=deep"),
        ("a.b=1 a.bc=2 a=3 a.b.c=4", "a.b=1 a.bc=2 a=3 a.b.c=4"),
        ("a.b=1 ~a.b", "a.b=1 ~a.b"),
        ("~a.b a.b=1 a.b=2", "~a.b a.b=2"),
        ("a.b.c=1 ~a.b a.b.c=2 a.b.c=3", "a.b.c=1 ~a.b a.b.c=3"),
        ("a.b=1 ~a.bc ~c a.b=2", "~a.bc ~c a.b=2"),
        ("model.pool={size:2} model.pool={type:max}", "model.pool={type:max}"),
        ("model.blocks={} model.blocks={a:{filters:3}}", "model.blocks={a:{filters:3}}"),
        (
            "model.blocks.a={filters:3} model.blocks.a={strides:2}",
            "model.blocks.a={filters:3} model.blocks.a={strides:2}",
        ),
        ("seed= seed=a=b", "seed=a=b"),
    ],
)
def test_the_last_value_of_a_key_stands(words: str, left: str) -> None:
    assert standing(words.split()) == tuple(left.split())


def test_what_stands_composes_to_the_same() -> None:
    words = (
        "model=small", "training.epochs=2", "training.optimizer={type: sgd}", "model.blocks.c={filters: 3}",
        "+training.epochs=3", "model.blocks.c={strides: 2}", "training.optimizer=adam", "model.blocks.d.filters=4",
        "~model.blocks.d", "model.blocks.d.filters=5", "model.blocks.d.filters=6", "seed=1", "++seed=2",
    )  # fmt: skip
    left = standing(words)
    assert len(left) == 9
    assert compose_config(left).config == compose_config(words).config


def rewrite(*words: str) -> list[str]:
    return rewritten(parse(words), lambda key: key in GROUPS)


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("model.kernel_size=5", ["++model.kernel_size=5"]),
        ("+model.kernel_size=5", ["++model.kernel_size=5"]),
        ("++model.kernel_size=5", ["++model.kernel_size=5"]),
        ("model.kernel_size=3,5", ["++model.kernel_size=3,5"]),
        ("~model.blocks.conv_1", ["~model.blocks.conv_1"]),
        ("model=small", ["model=small"]),
        ("+model=small", ["model=small"]),
        ("++model=small", ["model=small"]),
        ("model=small,deep", ["model=small,deep"]),
        ("experiments=null", []),
        ("training.optimizer=sgd", ["++training.optimizer=null", "++training.optimizer={type:sgd}"]),
        ("training.optimizer=adam,sgd", ["++training.optimizer=null", "++training.optimizer={type:adam},{type:sgd}"]),
        ("model.blocks={a: {filters: 3}}", ["++model.blocks=null", "++model.blocks={a: {filters: 3}}"]),
        ("figures.digits=[1,2]", ["++figures.digits=null", "++figures.digits=[1,2]"]),
        ("hydra/launcher=basic", ["hydra/launcher=basic"]),
        ("hydra.verbose=true", ["hydra.verbose=true"]),
        ("hydra.launcher.slurm.partition=gpu", ["++hydra.launcher.slurm.partition=gpu"]),
        ("+hydra.launcher.slurm.partition=gpu", ["++hydra.launcher.slurm.partition=gpu"]),
    ],
)  # fmt: skip
def test_words_are_rewritten_for_hydra(word: str, words: list[str]) -> None:
    assert rewrite(word) == words


@pytest.mark.parametrize(
    ("word", "where", "told"),
    [
        ("=3", "overrides", "The key is missing."),
        ("3", "overrides", "Values are set with ="),
        ("model", "overrides", "Values are set with ="),
        ("", "overrides", "A key is names of letters"),
        ("모델=3", "overrides", "A key is names of letters"),
        ("model.blocks.합성곱.filters=3", "overrides", "A key is names of letters"),
        ("a\x00b=1", "overrides", r"a\x00b"),
        ("seed=a\nb\nc\nd", "overrides", r"a\nb\nc\nd"),
        ("tracking.run_name=a\x00b", "overrides", r"a\x00b"),
        ("model.kernel_size=(3,3)", "overrides", "extraneous input '('"),
        ("model.kernel_size=3=4", "overrides", "mismatched input '='"),
        ("x" * 100_000 + "=1", "overrides", "a key of at most 200 characters"),
        ("model=" + "x" * 100_000, "model", "the name of a file in the group model"),
        ("model={a: 1}", "model", "For one key write model.KEY=VALUE."),
        ("model=5", "model", "For one key write model.KEY=VALUE."),
        ("model=[a,b]", "model", "For one key write model.KEY=VALUE."),
        ("model=null", "model", "For one key write model.KEY=VALUE."),
        ("model=", "model", "For one key write model.KEY=VALUE."),
        ("model=../training/default", "model", "the name of a file in the group model"),
        ("experiments=/etc/passwd", "experiments", "the name of a file in the group experiments"),
        ("model@foo=small", "model", "expected model=NAME"),
        ("+model@_global_=small", "model", "expected model=NAME"),
    ],
)
def test_words_that_cannot_be_are_refused(word: str, where: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        rewrite(word)
    (problem,) = caught.value.problems
    assert problem.where == where
    assert told in str(caught.value)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    "word",
    [
        "+hydra.callbacks.x._target_=os.system",
        "hydra.launcher._target_=os.system",
        "hydra.launcher={_target_: os.system}",
        "hydra.sweeper.max_batch_size=1",
        "hydra/callbacks=x",
        "hydra/job_logging=x",
        "hydra/launcher@hydra.callbacks.x=basic",
        "hydra/launcherx=basic",
        "hydra.job_logging.handlers.console.class=os.system",
        "hydra.searchpath=[pkg://os]",
        "hydra.run.dir=elsewhere",
        "hydra=null",
        "~hydra",
        "~hydra.launcher",
    ],
)
def test_nothing_below_hydra_can_run_code(word: str) -> None:
    with pytest.raises(ConfigError, match="can run code") as caught:
        rewrite(word)
    assert caught.value.problems[0].where.startswith("hydra")


def test_all_bad_words_are_told_together() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(["=1", "seed=1", "2", "모=3"])
    assert [problem.got for problem in caught.value.problems] == ["`=1`", "`2`", "`모=3`"]


def test_what_is_no_text_is_no_word() -> None:
    with pytest.raises(ConfigError, match="overrides: got 3, expected texts such as 'seed=3'"):
        parse([3])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("word", "key", "got"),
    [
        ("model.kernel_size=3,5", "model.kernel_size", "`3,5`"),
        ("training.optimizer=adam,sgd", "training.optimizer", "`adam,sgd`"),
        ("model=small,deep", "model", "`small,deep`"),
        ("training.epochs=range(1,3)", "training.epochs", "`range(1,3)`"),
        ("training.epochs=choice(1,3)", "training.epochs", "`choice(1,3)`"),
        ("training.learning_rate=interval(0,1)", "training.learning_rate", "`interval(0,1)`"),
        ("hydra/launcher=basic,basic", "hydra/launcher", "`basic,basic`"),
    ],
)
def test_several_values_without_m_are_refused(word: str, key: str, got: str, refused: Refused) -> None:
    (problem,) = refused(word).problems
    assert (problem.where, problem.got) == (key, got)
    assert "add -m" in problem.hint


def test_each_override_may_follow_another() -> None:
    assert compose_config(["seed=1", "seed=2"]).config.seed == 2
    assert compose_config(["model.strides=2", "model=small"]).config.model.strides == (2, 2)
