"""Ray and Slurm, through Hydra's own launchers for them.

Each job is a file in the sweep's record: a job finds its data there and leaves its outcome beside it. All machines see
the working folder.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import psutil
import yaml
from hydra import compose
from hydra._internal.callbacks import Callbacks
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, open_dict

from cnnexp.config.compose import CONFIG_NAME, Composed, hydra_session
from cnnexp.config.identity import to_yaml
from cnnexp.config.problems import checked
from cnnexp.errors import ConfigError
from cnnexp.runs.files import read_json, write_json
from cnnexp.runs.journal import KILLED
from cnnexp.runs.sweep_record import all_sweeps
from cnnexp.study.jobs import SUBMITTED
from cnnexp.study.worker import GRACE_SECONDS, Job, Outcome, end_truly_on_sigterm, run_job

PLUGINS = {"ray": "hydra_ray_launcher", "slurm": "hydra_submitit_launcher"}
JOB_KEY = "cnnexp_job"
LOOK_SECONDS = 0.5
OWN_SETTINGS = ("name", "executor", "slurm")


def check_installed(name: str) -> None:
    """Raise ConfigError where the extra that a launcher needs is not installed."""
    try:
        found = importlib.util.find_spec(f"hydra_plugins.{PLUGINS[name]}")
    except ModuleNotFoundError:
        found = None
    if found is None:
        hint = f"Install it: pip install 'cnnexp[{name}]'"
        raise ConfigError("hydra/launcher", f"{name}, which is not installed", "an installed launcher", hint)


def run_on_cluster(
    name: str, settings: Mapping[str, Any], jobs: Iterable[Job], workers: int
) -> Generator[Outcome, None, None]:
    """Outcomes as jobs end; a job that leaves none was lost. Closing it stops what is still under way."""
    left = {job.number: job for job in jobs}
    if not left:
        return
    sweep = next(iter(left.values())).log.parent.parent
    files = {number: write_job(job, sweep / "jobs") for number, job in left.items()}
    launched = _Launched(name, sweep, _batches(name, settings, left, files, workers))
    try:
        for number in launched.ended(files):
            yield Outcome(**read_json(_outcome_file(files[number])))
            del left[number]
        for job in left.values():
            yield Outcome(job.number, job.made(), KILLED, f"its job was lost{launched.told}")
    finally:
        launched.stop()


@dataclass(frozen=True)
class _Batch:
    """Jobs of equal threads that go to Hydra's launcher together."""

    launcher: Any
    files: tuple[str, ...]


def _batches(
    name: str, settings: Mapping[str, Any], jobs: Mapping[int, Job], files: Mapping[int, Path], workers: int
) -> list[_Batch]:  # fmt: skip
    """The jobs by their threads, so many at once: Slurm alone keeps to the number of workers by itself."""
    sweep = next(iter(jobs.values())).log.parent.parent
    config, context = _hydra_config(sweep), HydraContext(config_loader=cast(Any, _AsItIs()), callbacks=Callbacks())
    at_once = len(jobs) if settings.get("executor") == "slurm" else workers
    batches = []
    for threads, group in itertools.groupby(sorted(jobs.values(), key=_threads), key=_threads):
        launcher: Any = _ray(settings, threads) if name == "ray" else _submitit(settings, threads, workers, sweep)
        launcher.setup(hydra_context=context, task_function=carry_out, config=config)
        own = [str(files[job.number]) for job in group]
        batches += [_Batch(launcher, tuple(own[start : start + at_once])) for start in range(0, len(own), at_once)]
    return batches


def _threads(job: Job) -> int:
    return job.threads


class _Launched:
    """Hydra's launchers at work in a thread, since they come back only when all jobs of a batch have ended."""

    def __init__(self, name: str, sweep: Path, batches: Sequence[_Batch]) -> None:
        self._name, self._sweep, self.told = name, sweep, ""
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._launch, args=(batches,), daemon=True)
        self._thread.start()

    def _launch(self, batches: Sequence[_Batch]) -> None:
        started = 0
        for batch in batches:
            if self._is_stopped.is_set():
                return
            try:
                batch.launcher.launch([[file] for file in batch.files], started)
            except Exception as error:  # noqa: BLE001 (one lost job ends the launcher's wait for the others)
                self.told = f": {type(error).__name__}: {str(error).strip().splitlines()[-1] if str(error) else ''}"
                while _some_go_on(self._sweep):
                    time.sleep(LOOK_SECONDS)
            started += len(batch.files)

    def ended(self, files: Mapping[int, Path]) -> Iterator[int]:
        """The numbers of jobs whose outcome is there, as they come."""
        waiting, is_last = dict(files), False
        while waiting and not is_last:
            is_last = not self._thread.is_alive()
            for number in [number for number, file in waiting.items() if _outcome_file(file).is_file()]:
                del waiting[number]
                yield number
            time.sleep(0 if is_last else LOOK_SECONDS)

    def stop(self) -> None:
        """Nothing of it goes on."""
        self._is_stopped.set()
        if self._name == "ray":
            import ray

            ray.shutdown()
        elif self._thread.is_alive():
            _cancel_jobs_of(self._sweep)


def end_what_a_dead_sweep_left(runs: Path) -> None:
    """End the jobs of Slurm that go on although their sweep was killed: the next start goes on from their records."""
    for sweep in all_sweeps(runs):
        if sweep.status == KILLED and len(sweep.outcomes) < len(sweep.points):
            _cancel_jobs_of(sweep.folder)


def _cancel_jobs_of(sweep: Path) -> None:
    """End what was submitted: jobs of Slurm by scancel, those of this machine, whose ids are processes, by signals."""
    submitted = _submitted(sweep)
    if submitted and shutil.which("scancel"):
        subprocess.run(["scancel", *submitted], check=False, capture_output=True)
    processes = []
    for controller in _controllers(sweep):
        with suppress(psutil.Error):
            processes += [*controller.children(recursive=True), controller]
    for process in processes:
        with suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(processes, timeout=GRACE_SECONDS)[1]:
        with suppress(psutil.Error):
            process.kill()


def _submitted(sweep: Path) -> list[str]:
    return [folder.name for folder in (sweep / SUBMITTED).glob("*")]


def _controllers(sweep: Path) -> list[psutil.Process]:
    """The processes of this machine that look after jobs of submitit's local executor."""
    found = []
    for name in _submitted(sweep):
        with suppress(psutil.Error, ValueError):
            process = psutil.Process(int(name))
            if SUBMITTED in " ".join(process.cmdline()):
                found.append(process)
    return found


def _some_go_on(sweep: Path) -> bool:
    """Whether jobs that were submitted wait or run, as Slurm or their processes tell."""
    submitted = _submitted(sweep)
    if submitted and shutil.which("squeue"):
        asked = ["squeue", "--noheader", f"--jobs={','.join(submitted)}"]
        return bool(subprocess.run(asked, check=False, capture_output=True).stdout.strip())
    return bool(_controllers(sweep))


def _ray(settings: Mapping[str, Any], threads: int) -> Any:
    from hydra_plugins.hydra_ray_launcher.ray_launcher import RayLauncher

    remote = {"num_cpus": threads, "max_calls": 1, **settings["ray"]["remote"]}  # a process cannot change its threads
    return RayLauncher(OmegaConf.create({**settings["ray"], "remote": remote}))


def _submitit(settings: Mapping[str, Any], threads: int, workers: int, sweep: Path) -> Any:
    from hydra_plugins.hydra_submitit_launcher.submitit_launcher import LocalLauncher, SlurmLauncher

    plain = {key: value for key, value in settings.items() if key not in OWN_SETTINGS}
    plain |= {"submitit_folder": str(sweep / SUBMITTED / "%j"), "name": "cnnexp"}
    plain["cpus_per_task"] = plain["cpus_per_task"] or threads
    if settings["executor"] == "local":
        return LocalLauncher(**plain)
    return SlurmLauncher(**plain, **{"array_parallelism": workers, **settings["slurm"]})


class _AsItIs:
    """What Hydra's launchers ask for each job's config: the sweep's, and which job it is."""

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: Sequence[str]) -> DictConfig:
        config = master_config.copy()
        with open_dict(config):
            config[JOB_KEY] = sweep_overrides[0]
        return config


def _hydra_config(sweep: Path) -> DictConfig:
    """Hydra's own node as its launchers want it: nothing written but below the sweep's folder, nothing logged."""
    words = ["hydra/job_logging=disabled", "hydra/hydra_logging=disabled", "hydra.output_subdir=null"]
    with hydra_session(None):
        config = compose(CONFIG_NAME, words, return_hydra_config=True)
    with open_dict(config):
        config.hydra.sweep.dir, config.hydra.sweep.subdir = str(sweep), SUBMITTED
        config.hydra.job.name, config.hydra.job.num = "cnnexp", 0
        for key in [key for key in config if key != "hydra"]:
            del config[key]
    return config


def carry_out(config: DictConfig) -> None:
    """What runs on the cluster: one job, in the folder where its sweep was started."""
    file = Path(str(config[JOB_KEY]))
    job = read_job(file)
    os.chdir(job.runs.parent)
    end_truly_on_sigterm()
    write_json(_outcome_file(file), asdict(run_job(job)))


def _outcome_file(file: Path) -> Path:
    return file.with_suffix(".outcome.json")


def write_job(job: Job, folder: Path) -> Path:
    """A job as a file that `read_job` reads; nothing in it can run code."""
    file = folder / f"{job.number}.json"
    values = {
        "number": job.number,
        "threads": job.threads,
        "config": to_yaml(job.composed.config),
        "overrides": list(job.composed.overrides),
        "hydra_overrides": list(job.composed.hydra_overrides),
        "choices": dict(job.composed.choices),
        "links": dict(job.links),
        "runs": str(job.runs),
        "log": str(job.log),
        "resume": job.resume,
    }
    write_json(file, values)
    return file


def read_job(file: Path) -> Job:
    """The job of a file. Raises RunError for a file that is none, ConfigError for a config that cannot be."""
    values = read_json(file)
    config = checked(yaml.safe_load(values["config"]))
    composed = Composed(config, tuple(values["overrides"]), tuple(values["hydra_overrides"]), values["choices"])
    return Job(
        number=values["number"], composed=composed, threads=values["threads"], links=values["links"],
        runs=Path(values["runs"]), log=Path(values["log"]), resume=values["resume"],
    )  # fmt: skip
