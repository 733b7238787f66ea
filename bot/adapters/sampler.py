"""The values of a sweep's trials, drawn by Optuna's samplers."""

import importlib
from typing import Any

from typing_extensions import override

from bot.ports.sampler import Sampler
from trainer.contract.sweep import Point, Range, SweepSpec, Value, axes, is_whole, trial_count

TRIES = 10  # draws for each new point, since a few values repeat themselves


class OptunaSampler(Sampler):
    """Asks a study in memory; grid and random need not be told a result.

    A sampler that learns (Bayesian) or prunes (ASHA) would be asked again as trials end, with
    `study.tell` for each of the sweep's results: they are stored with the runs.
    """

    @override
    def points(self, sweep: SweepSpec) -> tuple[Point, ...]:
        """Return the trials' values."""
        optuna = importlib.import_module("optuna")  # takes a second, which few need
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(sampler=_sampler(optuna, sweep))
        wanted, found = trial_count(sweep), list[Point]()
        for _ in range(TRIES * wanted):
            if len(found) == wanted:
                break
            point = _suggested(study.ask(), sweep)
            if point not in found:
                found.append(point)
        return tuple(found)


def _sampler(optuna: Any, sweep: SweepSpec) -> Any:
    if sweep.how == "grid":
        return optuna.samplers.GridSampler(axes(sweep), seed=sweep.seed)
    return optuna.samplers.RandomSampler(seed=sweep.seed)


def _suggested(trial: Any, sweep: SweepSpec) -> Point:
    return {key: _value(trial, sweep, key, values) for key, values in sweep.vary.items()}


def _value(trial: Any, sweep: SweepSpec, key: str, values: tuple[Value, ...] | Range) -> Any:
    if not isinstance(values, Range):
        return trial.suggest_categorical(key, values)
    if is_whole(sweep, key):
        step = 1 if values.step is None else int(values.step)
        low, high = int(values.low), int(values.high)
        return trial.suggest_int(key, low, high, step=step, log=values.log)
    return trial.suggest_float(key, values.low, values.high, step=values.step, log=values.log)
