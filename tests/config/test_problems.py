"""Values that the schema refuses: key, what it got, what is allowed, a cure."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from cnnexp.config.compose import compose_config, job_values
from cnnexp.config.overrides import parse
from cnnexp.config.problems import checked
from cnnexp.errors import ConfigError, Problem
from tests.config.conftest import Refused

WHOLE = "a whole number from 1 up"
EPOCHS, THREADS = "a whole number from 1 to 100000", "a whole number from 1 to 1024, or auto"
SIZE = "a whole number from 1 up, or a pair [height, width] of them"
RATE = "a number above 0"


@pytest.mark.parametrize(
    ("word", "got", "expected"),
    [
        ("training.epochs=true", "true", EPOCHS),
        ("training.epochs=2.5", "2.5", EPOCHS),
        ("training.epochs='3'", "'3'", EPOCHS),
        ("training.epochs=0", "0", EPOCHS),
        ("training.epochs=null", "null", EPOCHS),
        ("training.epochs=", "''", EPOCHS),
        ("training.epochs=[1]", "[1]", EPOCHS),
        ("training.epochs={a: 1}", "{'a': 1}", EPOCHS),
        ("training.batch_size=0", "0", WHOLE),
        ("training.threads=0", "0", THREADS),
        ("training.threads=1025", "1025", THREADS),
        ("training.epochs=1000000000000", "1000000000000", EPOCHS),
        ("training.learning_rate=nan", "nan", "a finite number above 0"),
        ("training.learning_rate=inf", "inf", "a finite number above 0"),
        ("training.learning_rate=1e400", "inf", "a finite number above 0"),
        ("training.learning_rate=0", "0", RATE),
        ("training.learning_rate=-1", "-1", RATE),
        ("training.keep=worst", "'worst'", "one of last, best"),
        ("training.gradient_clip=0", "0", "a number above 0, or none"),
        ("training.early_stopping.patience=0", "0", WHOLE),
        ("training.optimizer=null", "null", "one of adam, adamw, sgd, rmsprop, or a mapping with one of them as type"),
        ("training.optimizer=5", "5", "one of adam, adamw, sgd, rmsprop, or a mapping with one of them as type"),
        ("model.dropout=1.0", "1.0", "a number from 0 and below 1"),
        ("model.strides=0", "0", SIZE),
        ("model.strides=-1", "-1", SIZE),
        ("model.strides=true", "true", SIZE),
        ("model.strides=[]", "[]", SIZE),
        ("model.strides=[1]", "[1]", SIZE),
        ("model.strides=[1,2,3]", "[1, 2, 3]", SIZE),
        ("model.strides=[1,2.0]", "[1, 2.0]", SIZE),
        ("model.use_bias=1", "1", "true or false"),
        ("model.use_bias=yes", "'yes'", "true or false"),
        ("model.blocks=[]", "[]", "a mapping of names to values"),
        ("model.blocks=null", "null", "a mapping of names to values"),
        ("model.blocks.conv_1.filters=0", "0", WHOLE),
        ("model.blocks.conv_1.pool.pool_size=0", "0", SIZE),
        ("model.kernel_initializer={type: values, values: true}", "true", "a number, or a list of values"),
        ("seed=-1", "-1", "a whole number from 0 to 2147483647"),
        ("seed=99999999999999999999", "99999999999999999999", "a whole number from 0 to 2147483647"),
        ("schema_version=2", "2", "1"),
        ("tracking.run_name=", "''", "text that is not empty, or null"),
        ("tracking.tags.a=1", "1", "text"),
        ("figures.digits=7", "7", "a list of whole numbers from 0 up, or all"),
    ],
)  # fmt: skip
def test_wrong_values_are_told_with_what_is_allowed(word: str, got: str, expected: str) -> None:
    (override,) = parse([word])
    values = OmegaConf.create({"model": {"blocks": {"conv_1": {"filters": 8}}}})
    OmegaConf.update(values, override.key_or_group, override.value(), merge=False, force_add=True)
    with pytest.raises(ConfigError) as caught:
        checked(job_values(values))
    (problem,) = caught.value.problems
    where = word.partition("=")[0]
    where = f"{where}.values" if "values:" in word else where
    assert (problem.where, problem.got, problem.expected) == (where, got, expected)


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("model.kernal_size", "model.kernel_size"),
        ("+model.kernal_size", "model.kernel_size"),
        ("++model.kernal_size", "model.kernel_size"),
        ("model.blocks.conv_1.filtrs", "model.blocks.conv_1.filters"),
        ("model.dense.dense_1.unit", "model.dense.dense_1.units"),
        ("traning.epochs", "training.epochs"),
        ("epochs", "training.epochs"),
        ("learning_rte", "training.learning_rate"),
        ("model.epochs", "training.epochs"),
    ],
)
def test_a_mistyped_key_is_told_with_the_nearest(key: str, nearest: str, refused: Refused) -> None:
    told = Problem(key.lstrip("+"), "5", "a key that exists", f"Did you mean {nearest}?")
    assert refused(f"{key}=5").problems == (told,)


def test_a_key_like_no_other_is_told_with_those_that_exist(refused: Refused) -> None:
    (problem,) = refused("model.output.xyzzy=3").problems
    assert problem.hint == "Known here: kernel_initializer, bias_initializer."


def test_an_option_of_another_choice_is_told_with_its_owners(refused: Refused) -> None:
    for word in ("training.optimizer={type: adam, momentum: 0.9}", "training.optimizer.momentum=0.9"):
        (problem,) = refused(word).problems
        assert problem.where == "training.optimizer.momentum"
        assert problem.hint == "It belongs to sgd, rmsprop."


def test_options_without_their_choice_are_told_how(refused: Refused) -> None:
    (problem,) = refused("model.kernel_initializer.stddev=1").problems
    assert problem.where == "model.kernel_initializer"
    assert problem.hint == "Say its type too: 'model.kernel_initializer={type: random_normal, stddev: 1}'"
    assert compose_config([problem.hint.split("'")[1]]).config.model.kernel_initializer.type == "random_normal"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("training.optimizer=Adam", "Did you mean adam?"),
        ("training.schedule=cosin", "Did you mean cosine?"),
        ("model.pool={type: maxx}", "Did you mean max?"),
        ("model.padding=sane", "Did you mean same?"),
        ("model.blocks.conv_1.activation=rellu", "Did you mean relu?"),
    ],
)
def test_a_mistyped_word_is_told_with_the_nearest(word: str, hint: str, refused: Refused) -> None:
    (problem,) = refused(word).problems
    assert (problem.where, problem.hint) == (word.partition("=")[0], hint)


@pytest.mark.parametrize(
    ("words", "where", "expected"),
    [
        (["training.optimizer={type: sgd, nesterov: true}"], "training.optimizer.momentum", "a number above 0 and"),
        (
            ["model.kernel_initializer={type: random_uniform, minval: 1}"],
            "model.kernel_initializer.maxval",
            "above min",
        ),
        (["data=folder"], "data.folder", "the folder with the pictures"),
        (["data=arrays"], "data.images", "the pixels as nested lists"),
        (["data.images=[[1]]"], "data.images", "only arrays"),
        (["data.folder=/tmp"], "data.folder", "nothing: mnist_5k has no folder (only mnist and folder)"),
        (["data=arrays", "data.images=[[1]]", "data.folder=/tmp"], "data.folder", "nothing: arrays has no folder"),
        (["data.split_seed=3"], "data.split_seed", "nothing: mnist_5k has no split_seed (only folder)"),
        (["data=mnist", "data.split_seed=3"], "data.split_seed", "nothing: mnist has no split_seed"),
        (["tracking.tags={cnnexp.run: zzz, mine: a}"], "tracking.tags.cnnexp.run", "begins neither with cnnexp. nor"),
        (["tracking.tags={mlflow.runName: q}"], "tracking.tags.mlflow.runName", "begins neither with cnnexp. nor"),
        (["model.blocks.input.filters=3"], "model.blocks.input", "a name that differs from"),
        (["model.blocks.conv_1_pool.filters=3"], "model.blocks.conv_1_pool", "a name that differs from"),
        (["model.blocks.dense_1.filters=3"], "model.dense.dense_1", "other layers (model.blocks.dense_1), and from"),
        (["model.dense.conv_1.units=3"], "model.dense.conv_1", "other layers (model.blocks.conv_1), and from"),
        (["model.blocks.conv-3.filters=3"], "model.blocks.conv-3", "a name of letters"),
        (["model.blocks.conv_3.strides=2"], "model.blocks.conv_3.filters", WHOLE),
        (["model.dense.dense_3.dropout=0"], "model.dense.dense_3.units", WHOLE),
        (["model.blocks.conv_3=3"], "model.blocks.conv_3", "a mapping with the keys filters, kernel_size"),
    ],
)
def test_values_that_do_not_go_together(words: list[str], where: str, expected: str, refused: Refused) -> None:
    (problem,) = refused(*words).problems
    assert problem.where == where
    assert expected in problem.expected


def test_keys_that_only_other_sources_have_are_told_with_all_else(refused: Refused) -> None:
    error = refused("data.folder=/tmp", "data.split_seed=3", "data.labels=[1]", "data.limit=0")
    assert {problem.where for problem in error.problems} == {
        "data.folder", "data.split_seed", "data.labels", "data.limit",
    }  # fmt: skip


def test_a_place_in_a_list_is_named(refused: Refused) -> None:
    assert [str(p) for p in refused("figures.digits=[0,-1,2]").problems] == [
        "figures.digits.1: got -1, expected a whole number from 0 up"
    ]


def test_all_problems_are_told_together_each_once(refused: Refused) -> None:
    error = refused("model=articl", "=3", "training.epochs=0", "+foo=1", "model.strides=0", "data=mnist,arrays")
    assert [problem.where for problem in error.problems] == [
        "model", "overrides", "data", "model.strides", "training.epochs", "foo",
    ]  # fmt: skip


def test_a_word_that_was_not_understood_is_not_blamed_on_others(refused: Refused) -> None:
    error = refused("model.blocks.conv_3.filters=(3)", "model.blocks.conv_3.strides=2")
    assert [problem.where for problem in error.problems] == ["overrides"]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("tracking.tags=[a]", "a mapping of names to values"),
        ("data.augmentation=[1]", "a mapping with the keys shift, rotate, zoom"),
        ("model.blocks.conv_1=[3]", "a mapping with the keys filters, kernel_size"),
    ],
)
def test_a_list_in_place_of_a_mapping_is_one_problem_among_others(word: str, expected: str, refused: Refused) -> None:
    problems = {problem.where: problem.expected for problem in refused(word, "model.kernl=3").problems}
    assert set(problems) == {word.partition("=")[0], "model.kernl"}
    assert problems[word.partition("=")[0]].startswith(expected)


def test_what_cannot_be_merged_is_told_with_its_key(refused: Refused) -> None:
    (problem,) = refused("figures.digits=[1]", "figures.digits={a: 1}").problems
    assert (problem.where, problem.got) == ("figures.digits", "{a: 1}")
    assert problem.expected == "a list of whole numbers from 0 up, or all"


@pytest.mark.slow
def test_hundreds_of_problems_are_counted(refused: Refused) -> None:
    error = refused(*[f"model.blocks.b{i}.filters=0" for i in range(200)])
    assert str(error).startswith("200 problems\n  model.blocks.b0.filters: got 0, expected a whole number from 1 up\n")
    assert "… and 195 more: " in str(error)


@pytest.mark.parametrize("word", ["_target_=os.system", "model._target_=os.system", "model.blocks.a={_target_: b}"])
def test_a_config_names_no_code(word: str, refused: Refused) -> None:
    (problem,) = refused(word).problems
    assert problem.where.endswith("_target_")
    assert problem.hint == "A config names choices; it never names code."


@pytest.mark.parametrize("values", [None, [1], "text", 5, True])
def test_what_is_no_mapping_is_no_config(values: object) -> None:
    with pytest.raises(ConfigError, match="a mapping with the keys schema_version, seed"):
        checked(values)  # type: ignore[arg-type]


def test_keys_that_are_no_text_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"model\.1"):
        checked({"model": {1: 2}})
