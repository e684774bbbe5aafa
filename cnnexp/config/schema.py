"""What a valid experiment is. Every default, range and unit lives here; nothing below asks again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from cnnexp.config.choices import (
    Activation,
    Adam,
    Constant,
    Initializer,
    Optimizer,
    Padding,
    PlainInitializer,
    Pool,
    Schedule,
    Size,
    Strict,
    WindowPool,
    combination,
    from_word,
)

SCHEMA_VERSION: Literal[1] = 1
INHERITED = (
    "kernel_size", "strides", "padding", "activation", "kernel_initializer", "bias_initializer", "use_bias",
    "batch_normalization", "pool",
)  # fmt: skip
"""What a block takes from the model unless it says its own."""

RESERVED_NAMES = frozenset({"input", "rescaling", "flatten", "global_pooling", "output"})
LayerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]

GLOROT = PlainInitializer(type="glorot_uniform")
ZEROS = PlainInitializer(type="zeros")


class Block(Strict):
    """One convolution and what follows it: batch normalization, activation, pool, dropout."""

    filters: int = Field(ge=1, description="number of kernels, which is the number of channels that come out")
    kernel_size: Size | None = Field(None, description="kernel in cells (null: the model's)")
    strides: Size | None = Field(None, description="step of the kernel in cells (null: the model's)")
    padding: Padding | None = Field(None, description="same or valid (null: the model's)")
    dilation_rate: Size = Field((1, 1), description="distance between neighbouring kernel cells; not with strides")
    use_bias: bool | None = Field(None, description="add one number to each channel (null: the model's)")
    activation: Activation | None = Field(None, description="function of each cell (null: the model's)")
    kernel_initializer: Initializer | None = Field(None, description="kernels before training (null: the model's)")
    bias_initializer: Initializer | None = Field(None, description="biases before training (null: the model's)")
    batch_normalization: bool | None = Field(None, description="normalize before the activation (null: the model's)")
    pool: Pool | None = Field(None, description="pool after the activation (null: the model's)")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of cells set to 0 while training, after the pool")


class Dense(Strict):
    """One hidden dense layer and the dropout after it."""

    units: int = Field(ge=1, description="number of outputs")
    activation: Activation | None = Field(None, description="function of each output (null: the model's)")
    kernel_initializer: Initializer = Field(GLOROT, description="weights before training")
    bias_initializer: Initializer = Field(ZEROS, description="biases before training")
    dropout: float | None = Field(None, ge=0, lt=1, description="share set to 0 while training (null: the model's)")


class Output(Strict):
    """The last dense layer: one score (logit) a class."""

    kernel_initializer: Initializer = Field(GLOROT, description="weights before training")
    bias_initializer: Initializer = Field(ZEROS, description="biases before training")


class Model(Strict):
    """A network: blocks of convolution and pool, then dense layers, then one score a class."""

    kernel_size: Size = Field((3, 3), description="kernel of every block, in cells")
    strides: Size = Field((1, 1), description="step of every kernel, in cells")
    padding: Padding = Field("same", description="same: zeros around the edge; valid: none")
    activation: Activation = Field("relu", description="function after each convolution and hidden dense layer")
    kernel_initializer: Initializer = Field(GLOROT, description="kernels before training")
    bias_initializer: Initializer = Field(ZEROS, description="biases of the blocks before training")
    use_bias: bool = Field(True, description="add one number to each channel")
    batch_normalization: bool = Field(False, description="normalize each channel between convolution and activation")
    pool: Pool = Field(
        WindowPool(type="max", pool_size=(2, 2), strides=(2, 2), padding="same"), description="pool of every block"
    )
    dropout: float = Field(0.25, ge=0, lt=1, description="share set to 0 while training, after each hidden dense layer")
    blocks: dict[LayerName, Block] = Field(default_factory=dict, description="blocks by name, first to last")
    global_pooling: Literal["none", "average", "max"] = Field("none", description="one number a channel, or flatten")
    dense: dict[LayerName, Dense] = Field(default_factory=dict, description="hidden dense layers by name")
    output: Output = Field(Output(), description="the last dense layer, one score a class")

    @model_validator(mode="before")
    @classmethod
    def _partial_choices_merge(cls, values: Any) -> Any:
        """A block's choice without a `type` is merged over the model's: `{pool: {pool_size: 3}}` keeps the type."""
        if not isinstance(values, Mapping) or not isinstance(values.get("blocks"), Mapping):
            return values
        blocks = {name: _merge_partial(values, block) for name, block in values["blocks"].items()}
        return {**values, "blocks": blocks}

    @model_validator(mode="after")
    def _names_are_unique(self) -> Model:
        owners: dict[str, str] = {}
        for group, name in [(kind, name) for kind in ("blocks", "dense") for name in getattr(self, kind)]:
            parts = {name, *(f"{name}_{part}" for part in ("pool", "activation", "batch_normalization", "dropout"))}
            if taken := parts & {*RESERVED_NAMES, *owners}:
                keys = dict.fromkeys(f"model.{owners[part]}" for part in sorted(taken) if part in owners)
                others = f" ({', '.join(keys)})" if keys else ""
                raise combination(
                    f"{group}.{name}",
                    name,
                    f"a name that differs from {', '.join(sorted(RESERVED_NAMES))}, from other layers{others}, "
                    "and from what follows them (conv_1_pool)",
                )
            owners |= dict.fromkeys(parts, f"{group}.{name}")
        return self


def _merge_partial(model: Mapping[str, Any], block: Any) -> Any:
    if not isinstance(block, Mapping):
        return block
    merged = dict(block)
    for key in ("pool", "kernel_initializer", "bias_initializer"):
        own = block.get(key)
        if isinstance(own, Mapping) and "type" not in own:
            base = from_word(model.get(key, Model.model_fields[key].default))
            base = base.model_dump() if isinstance(base, Strict) else base
            merged[key] = {**from_word(base), **own} if isinstance(base, Mapping | str) else own
    return merged


class Augmentation(Strict):
    """Random changes of each training digit in each epoch; a function of seed, epoch and index."""

    shift: float = Field(0.0, ge=0, description="largest shift along each axis, in pixels")
    rotate: float = Field(0.0, ge=0, le=180, description="largest rotation either way, in degrees")
    zoom: float = Field(0.0, ge=0, lt=1, description="largest change of size either way, as a share")

    @property
    def is_off(self) -> bool:
        return self.shift == self.rotate == self.zoom == 0


SOURCES_WITH = {"folder": ("mnist", "folder"), "split_seed": ("folder",), "images": ("arrays",), "labels": ("arrays",)}
"""The sources that read a key which others do not have."""


class Data(Strict):
    """Where the digits come from, and how they are divided."""

    source: Literal["mnist_5k", "mnist", "folder", "arrays"] = Field("mnist_5k", description="where digits come from")
    folder: str | None = Field(None, min_length=1, description="folder of IDX files or pictures (mnist, folder)")
    validation_size: int | None = Field(None, ge=1, description="validation digits (null: the source's own number)")
    limit: int | None = Field(None, ge=1, description="only the first N training digits (null: all)")
    split_seed: int = Field(0, ge=0, description="which stratified split a folder without one gets")
    scale: float | None = Field(None, gt=0, description="what pixels are divided by (null: 255, or 1 for arrays)")
    images: list[Any] | None = Field(None, description="pixels as nested lists (arrays)")
    labels: list[int] | None = Field(None, description="one class a picture, from 0 up (arrays)")
    augmentation: Augmentation = Field(Augmentation(), description="random changes of training digits")

    @model_validator(mode="after")
    def _source_has_its_keys(self) -> Data:
        if self.source == "folder" and self.folder is None:
            raise combination("folder", None, "the folder with the pictures (source is folder)")
        if self.source == "arrays" and self.images is None:
            raise combination("images", None, "the pixels as nested lists (source is arrays)")
        return self

    @field_validator(*SOURCES_WITH)
    @classmethod
    def _source_reads_it(cls, value: Any, info: ValidationInfo) -> Any:
        key = str(info.field_name)
        readers, source = SOURCES_WITH[key], info.data.get("source")
        if source is not None and source not in readers and value != cls.model_fields[key].default:
            raise combination("", value, f"nothing: {source} has no {key} (only {' and '.join(readers)})")
        return value

    @property
    def divisor(self) -> float:
        """What the model's first layer divides pixels by."""
        return self.scale if self.scale is not None else (1.0 if self.source == "arrays" else 255.0)


class EarlyStopping(Strict):
    """Stop when `monitor` has not got better by `min_delta` for `patience` epochs."""

    monitor: Literal["loss/val", "accuracy/val"] = Field("loss/val", description="the metric that is watched")
    patience: int = Field(3, ge=1, description="epochs without a better value before training stops")
    min_delta: float = Field(0.0, ge=0, description="smallest change that counts as better")


def _none_word(value: Any) -> Any:
    return None if isinstance(value, str) and value == "none" else value


def _as_none_word(value: Any) -> Any:
    return "none" if value is None else value


OrNone = (BeforeValidator(_none_word), PlainSerializer(_as_none_word))


class Training(Strict):
    """How the network is trained."""

    epochs: int = Field(5, ge=1, description="passes over the training digits")
    batch_size: int = Field(100, ge=1, description="digits a step")
    optimizer: Optimizer = Field(Adam(), description="how gradients become updates")
    learning_rate: float = Field(0.001, gt=0, description="size of an update")
    schedule: Schedule = Field(Constant(), description="how the learning rate changes over the steps")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of each target spread over all classes")
    gradient_clip: Annotated[float | None, *OrNone] = Field(
        None, gt=0, description="largest norm of all gradients together (none: not clipped)"
    )
    early_stopping: Annotated[EarlyStopping | None, BeforeValidator(_none_word)] = Field(
        None, description="when to stop before the last epoch (none: never)"
    )
    keep: Literal["last", "best"] = Field("last", description="which weights are the result; best: lowest loss/val")
    dtype: Literal["float32", "mixed_bfloat16"] = Field("float32", description="what the layers compute in")
    threads: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        "auto", description="threads inside one operation (auto: one a core)"
    )
    report_every: int = Field(1, ge=1, description="epochs between two printed lines")
    checkpoint_every: int = Field(1, ge=1, description="epochs between two saved states that resume can go on from")
    keep_checkpoints: bool = Field(False, description="keep the last states after the end, to train on for more epochs")


class Evaluation(Strict):
    """What is measured beside training."""

    batch_size: int = Field(250, ge=1, description="digits a forward step")
    train_size: int = Field(2000, ge=0, description="fixed training digits behind loss/train_eval (0: none)")
    before_training: bool = Field(True, description="measure and draw step 0, before training")
    test: bool = Field(True, description="measure the test digits once, at the end")


def _holds_a_secret(uri: str) -> bool:
    """A password, a user of a web address (often a token), or a parameter that is called like a secret."""
    parts = urlsplit(uri)
    of_the_web = parts.scheme in ("http", "https") and parts.username is not None
    return bool(parts.password or of_the_web or re.search("pass|token|secret|key", parts.query, re.IGNORECASE))


def _left_to_a_person(tag: str) -> str:
    if tag.startswith(("cnnexp.", "mlflow.")):
        raise combination(
            "", tag, "a name that begins neither with cnnexp. nor with mlflow., whose tags are not set here"
        )
    return tag


class Tracking(Strict):
    """Where MLflow keeps the run."""

    enabled: bool = Field(True, description="publish to MLflow (the record in runs/ is always written)")
    uri: str | None = Field(None, min_length=1, description="MLflow's tracking URI (null: sqlite:///mlflow.db)")
    experiment: str = Field("cnnexp", min_length=1, description="MLflow experiment")
    run_name: str | None = Field(None, min_length=1, description="name of the run (null: what was overridden)")
    tags: dict[Annotated[str, AfterValidator(_left_to_a_person)], str] = Field(
        default_factory=dict, description="further tags of the run"
    )

    @model_validator(mode="after")
    def _holds_no_password(self) -> Tracking:
        if self.uri is not None and _holds_a_secret(self.uri):
            raise combination("uri", "a URI with a password or token", "one without: it would be stored with every "
                              "run. Set the whole URI in $MLFLOW_TRACKING_URI instead")  # fmt: skip
        return self


class Figures(Strict):
    """Which pictures a run leaves."""

    draw: bool | Literal["auto"] = Field(
        "auto", description="draw pictures at the end of the run; auto: of a single run, not of each run of a sweep"
    )
    digits: list[Annotated[int, Field(ge=0)]] | Literal["all"] = Field("all", description="classes shown in maps")
    epochs: list[Annotated[int, Field(ge=0)]] | Literal["auto"] = Field("auto", description="epochs of map pictures")
    layers: list[str] | Literal["all"] = Field("all", description="layers whose maps are kept")
    max_channels: int = Field(16, ge=1, description="channels shown of each layer")


class Range(Strict):
    """A range that a search draws from."""

    low: float = Field(description="lowest value")
    high: float = Field(description="highest value")
    log: bool = Field(False, description="draw the logarithm evenly")
    integer: bool = Field(False, description="whole numbers only")

    @model_validator(mode="after")
    def _is_a_range(self) -> Range:
        if self.low >= self.high:
            raise combination("high", self.high, f"a number above low ({self.low:g})")
        if self.log and self.low <= 0:
            raise combination("low", self.low, "a number above 0 where log is true")
        for key in ("low", "high"):
            if self.integer and not getattr(self, key).is_integer():
                raise combination(key, getattr(self, key), "a whole number where integer is true")
        return self


class Sweep(Strict):
    """What a sweep varies and how its runs are carried out; no part of what a run is."""

    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(
        default_factory=dict, description="key: [values]; every combination"
    )
    variants: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="name: {key: value, …}; named and paired, no grid"
    )
    search: Literal["none", "random", "bayes"] = Field("none", description="draw points from `space` instead of a grid")
    space: dict[str, Range | Annotated[list[Any], Field(min_length=1)]] = Field(
        default_factory=dict, description="key: {low, high, log, integer} or key: [values]; what a search draws from"
    )
    trials: int = Field(20, ge=1, description="points that a search draws")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="decides what a search draws")
    prune: bool = Field(True, description="bayes: stop runs early that look hopeless")
    workers: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        "auto", description="runs at a time (auto: one a core; on ray and slurm all at once)"
    )
    on_error: Literal["continue", "stop"] = Field("continue", description="what a failed run means for the others")
    again: bool = Field(False, description="train anew what is finished already")

    @property
    def describes_many(self) -> bool:
        """Whether these settings describe many runs by themselves."""
        return bool(self.grid or self.variants or self.search != "none")

    @model_validator(mode="after")
    def _fits(self) -> Sweep:
        if self.search == "none" and self.space:
            raise combination("search", self.search, "random or bayes where a space is given")
        if self.search == "bayes" and (self.grid or self.variants):
            key = "grid" if self.grid else "variants"
            raise combination(key, f"{key} beside search: bayes", "a space alone: each of its points is drawn in turn")
        return self


class ExperimentConfig(Strict):
    """One experiment: everything that decides what a run does."""

    schema_version: Literal[1] = Field(SCHEMA_VERSION, description="version of this schema")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="decides initial weights, order, dropout and augmentation")
    data: Data = Field(Data(), description="the digits")
    model: Model = Field(Model(), description="the network")
    training: Training = Field(Training(), description="how it is trained")
    evaluation: Evaluation = Field(Evaluation(), description="what is measured")
    tracking: Tracking = Field(Tracking(), description="where MLflow keeps the run")
    figures: Figures = Field(Figures(), description="which pictures are drawn")
    sweep: Sweep = Field(Sweep(), description="what varies over many runs, and how they are carried out")
