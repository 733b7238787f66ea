"""Our trainer as `python -m trainer run` has it: `eager` or `compiled`; without judging."""

from gauge import LR, MAX_LENGTH, ROWS, STEPS, Gauge, Task

GAUGE, TASK = Gauge(), Task.given()

import importlib  # noqa: E402

from meter import Meter  # noqa: E402  # isort: skip

from trainer.checkpoint import Totals  # noqa: E402
from trainer.context import Context  # noqa: E402
from trainer.contract.spec import RunSpec, spec_hash  # noqa: E402
from trainer.data.gather import gather  # noqa: E402
from trainer.loop import Ingredients, Watch  # noqa: E402
from trainer.progress import Progress  # noqa: E402


class Counter(Meter):
    """Reads the tokens off the run's own totals; packed rows have no filling but at a bin's end."""

    def __init__(self, totals: Totals) -> None:
        super().__init__(GAUGE)
        self._totals = totals

    def on_step_end(self, *args: object, **named: object) -> None:
        GAUGE.count = self._totals.tokens
        GAUGE.slot_count += ROWS * MAX_LENGTH
        super().on_step_end(*args, **named)


def spec_of(task: Task) -> RunSpec:
    """Return the spec: as many tokens a step as eight full rows have."""
    return RunSpec.model_validate(
        {
            "recipe": "race",
            "name": "race",
            "method": "sft",
            "model": {"source": str(task.material / "model")},
            "data": {
                "train": {"uri": str(task.material / "rows.jsonl")},
                "max_length": MAX_LENGTH,
            },
            "batch": {"tokens_per_step": ROWS * MAX_LENGTH, "micro_tokens": ROWS * MAX_LENGTH},
            "budget": {"steps": STEPS},
            "optim": {"lr": LR, "schedule": "linear", "warmup_fraction": 0.0},
            "compute": {
                "compile": "on" if task.variant == "compiled" else "off",
                "precision": "bf16" if task.is_bf16 else "fp32",
            },
        }
    )


def main() -> None:
    """Train, and tell."""
    spec = spec_of(TASK)
    context = Context(
        spec=spec,
        spec_sha256=spec_hash(spec),
        output=TASK.scratch,
        home=TASK.scratch,
        # Kept between rounds: the first compiles, the others start warm, as runs do.
        cache=TASK.scratch / "cache",
        workdir=TASK.scratch,
        run_id="race",
        attempt=1,
        progress=Progress(TASK.scratch, attempt=1, say=lambda _text: None),
    )
    GAUGE.mark("imports")
    gathered = gather(spec, TASK.scratch)
    GAUGE.mark("reading")
    # What `python -m trainer run` loads once the data has been found good.
    importlib.import_module("trainer.attempt")
    packed = importlib.import_module("trainer.packed")
    callbacks = importlib.import_module("trainer.callbacks")
    GAUGE.mark("libraries")
    loop = packed.PackedLoop(Ingredients(context, gathered, TASK.material / "model"))
    GAUGE.mark("encoding")
    totals = Totals()
    reporter = callbacks.Reporter(context, totals)
    watch = Watch(reporter, lambda *_: None, [reporter, Counter(totals)])
    trainer = loop.make_trainer(watch)
    GAUGE.mark("model")
    trainer.train()
    assert trainer.compiles is (TASK.variant == "compiled")
    GAUGE.tell()


main()
