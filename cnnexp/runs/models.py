"""A trained Keras model in MLflow, for `mlflow.keras.load_model`: saved without the optimizer, logged once."""

from __future__ import annotations

import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from cnnexp.runs.store import only_once

if TYPE_CHECKING:
    import keras
    from mlflow.models import ModelSignature
    from mlflow.tracking import MlflowClient

NAME = "model"
PACKAGES = ("keras", "tensorflow", "numpy", "mlflow")


def model_uri(model_id: str) -> str:
    """What `mlflow.keras.load_model` takes."""
    return f"models:/{model_id}"


def log_model(client: MlflowClient, run_id: str, experiment_id: str, model: keras.Model) -> str:
    """The id of the run's logged model: the one that is ready, or `model`, logged now. What a crash left is removed."""
    from mlflow.entities import LoggedModelOutput

    model_id = _ready(client, run_id, experiment_id) or _create(client, run_id, experiment_id, model)
    outputs = client.get_run(run_id).outputs
    if outputs is None or all(output.model_id != model_id for output in outputs.model_outputs):
        client.log_outputs(run_id, [LoggedModelOutput(model_id, step=0)])
    return model_id


def _ready(client: MlflowClient, run_id: str, experiment_id: str) -> str | None:
    from mlflow.entities import LoggedModelStatus

    ready = None
    for logged in client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'"):
        if logged.status == LoggedModelStatus.READY:
            ready = str(logged.model_id)
        else:
            client.delete_logged_model(logged.model_id)
    return ready


def _create(client: MlflowClient, run_id: str, experiment_id: str, model: keras.Model) -> str:
    from mlflow.entities import LoggedModelStatus

    with only_once():
        created = client.create_logged_model(experiment_id, name=NAME, source_run_id=run_id)
    with tempfile.TemporaryDirectory(prefix="cnnexp-") as folder:
        save(model, Path(folder) / NAME, run_id, created.model_id)
        client.log_model_artifacts(created.model_id, str(Path(folder) / NAME))
    client.finalize_logged_model(created.model_id, LoggedModelStatus.READY)
    return str(created.model_id)


def save(model: keras.Model, folder: Path, run_id: str, model_id: str) -> None:
    """Write MLflow's model folder: the weights once, no optimizer state (which would treble the size)."""
    import keras
    import mlflow.keras
    from mlflow.models import Model

    bare = keras.Model(model.inputs, model.outputs, name=model.name)
    mlflow.keras.save_model(
        bare,
        str(folder),
        mlflow_model=Model(run_id=run_id, model_id=model_id),
        signature=signature(model),
        pip_requirements=[f"{name}=={version(name)}" for name in PACKAGES],
    )


def signature(model: keras.Model) -> ModelSignature:
    """Pixels (n, height, width, channels) in, one score a class (n, classes) out, both float32."""
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    one = np.dtype(np.float32)
    pixels, scores = (-1, *model.input_shape[1:]), (-1, *model.output_shape[1:])
    return ModelSignature(Schema([TensorSpec(one, pixels, "pixels")]), Schema([TensorSpec(one, scores)]))
