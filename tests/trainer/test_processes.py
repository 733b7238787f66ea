"""Several processes of one run: where each sits, how they stop together, and what one's end is."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.launch import PATIENCE_S, ended, free_port, killed_at_the_end, seats, start
from tests.trainer.small import read_progress, small_spec, write_colours
from trainer.checkpoint import newest
from trainer.errors import BadSpecError
from trainer.processes import Seat

MEETING = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
FOREVER = {"steps": 5000}


@pytest.mark.parametrize(
    ("variables", "seat", "machines"),
    [
        ({}, Seat(0, 1, 0, 1), 1),
        # torchrun, second process of the second of two machines with two each
        (
            {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"},
            Seat(3, 4, 1, 2),
            2,
        ),
        # Azure ML's PyTorch distribution
        (
            {"RANK": "9", "WORLD_SIZE": "16", "LOCAL_RANK": "1", "NODE_RANK": "1"},
            Seat(9, 16, 1, 8),
            2,
        ),
        (
            {"RANK": "1", "WORLD_SIZE": "16", "LOCAL_RANK": "1", "AZUREML_NODE_COUNT": "2"},
            Seat(1, 16, 1, 8),
            2,
        ),
        ({"RANK": "1", "WORLD_SIZE": "2"}, Seat(1, 2, 1, 2), 1),
    ],
)
def test_a_process_knows_its_seat_by_the_launchers_variables(
    variables: dict[str, str], seat: Seat, machines: int
) -> None:
    found = Seat.of({**MEETING, **variables})
    assert found == seat
    assert found.machines == machines


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({**MEETING, "RANK": "2", "WORLD_SIZE": "2"}, "RANK is 2 and WORLD_SIZE is 2"),
        ({"RANK": "1", "WORLD_SIZE": "2"}, "MASTER_ADDR and MASTER_PORT did not come with it"),
        ({**MEETING, "RANK": "one", "WORLD_SIZE": "2"}, "RANK is 'one'"),
        ({"RANK": "1"}, "RANK is 1 and WORLD_SIZE is 1"),
    ],
)
def test_variables_that_contradict_are_refused_in_words(
    variables: dict[str, str], said: str
) -> None:
    with pytest.raises(BadSpecError, match=said) as caught:
        Seat.of(variables)
    assert "torchrun" in caught.value.remedy


Launch = Callable[..., list[subprocess.Popen[str]]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_colours(tmp_path)
    return tmp_path


def write_spec(home: Path, **changes: Any) -> Path:
    changes = {"checkpoint": {"every_steps": 3}, "eval": {"every_steps": 4000}, **changes}
    changes.setdefault("budget", {"steps": 6})
    spec = small_spec(batch={"tokens_per_step": 512, "micro_tokens": 128}, **changes)
    path = home / "spec.json"
    path.write_text(spec.model_dump_json())
    return path


def two(home: Path, spec: Path, **options: Any) -> list[subprocess.Popen[str]]:
    """Start both processes of a run, on one machine."""
    env = {"KRSP_WORKDIR": str(home)}
    arguments = ["run", str(spec), "--output", str(home / "output")]
    return [start(arguments, {**env, **seat}, **options) for seat in seats(2)]


def wait_for(output: Path, kind: str, *running: subprocess.Popen[str]) -> None:
    """Return once there is a line of that kind."""
    until = time.monotonic() + PATIENCE_S
    file = output / "progress.jsonl"
    while not (file.exists() and f'"kind":"{kind}"' in file.read_text()):
        assert time.monotonic() < until
        for process in running:
            assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def failure(output: Path) -> Any:
    last = read_progress(output)[-1]
    assert last.kind == "failure"
    return last.failure


GONE = "of the run's 2 processes has gone without a word"


@pytest.mark.slow
def test_when_one_process_is_killed_the_other_says_so_and_ends(home: Path) -> None:
    spec = write_spec(home, budget=FOREVER, compute={"sharding": "full"})
    output = home / "output"
    running = two(home, spec)
    with killed_at_the_end(*running):
        wait_for(output, "checkpoint", *running)
        running[1].send_signal(signal.SIGKILL)
        began = time.monotonic()
        code, errors = ended(running[0])
    assert time.monotonic() - began < 60
    assert code == 75, errors
    told = failure(output)
    assert told.kind == "preempted"
    assert GONE in told.message
    assert "goes on from its newest checkpoint" in told.remedy
    assert newest(output / "checkpoints") is not None


@pytest.mark.parametrize("frozen", [0, 1])
def test_a_process_that_waits_for_a_frozen_one_ends(tmp_path: Path, frozen: int) -> None:
    """No connection breaks: only the beats are missing."""
    running = [
        start(
            [str(tmp_path / str(rank))],
            {**seat, "KRSP_PEER_PATIENCE_S": "6"},
            program="tests.trainer.waiting",
        )
        for rank, seat in enumerate(seats(2))
    ]
    with killed_at_the_end(*running):
        for rank in (0, 1):
            wait_for(tmp_path / str(rank), "phase", *running)
        running[frozen].send_signal(signal.SIGSTOP)
        code, errors = ended(running[1 - frozen])
    assert code == 75, errors
    assert GONE in failure(tmp_path / str(1 - frozen)).message


@pytest.mark.slow
def test_sigterm_to_one_process_stops_both_at_one_step(home: Path) -> None:
    spec = write_spec(home, budget={"steps": 200}, compute={"sharding": "full"})
    output = home / "output"
    running = two(home, spec)
    with killed_at_the_end(*running):
        wait_for(output, "step", *running)
        running[1].send_signal(signal.SIGTERM)
        codes = [ended(process)[0] for process in running]
    assert codes == [75, 75]
    told, other = failure(output), failure(output / "rank-1")
    assert told.step == other.step
    assert "a signal to another process" in told.message
    found = newest(output / "checkpoints")
    assert found is not None
    assert found[1].step == told.step
    assert (found[1].world_size, found[1].sharded) == (2, True)


@pytest.mark.slow
def test_a_disk_that_is_full_for_one_process_is_what_both_end_with(home: Path) -> None:
    """Only the second process may write no part of a checkpoint."""
    spec = write_spec(home, compute={"sharding": "full"})
    env = {"KRSP_WORKDIR": str(home)}
    arguments = ["run", str(spec), "--output", str(home / "output")]
    first, second = seats(2)
    running = [
        start(arguments, {**env, **first}),
        start(arguments, {**env, **second}, file_bytes=90_000),
    ]
    with killed_at_the_end(*running):
        ends = [ended(process) for process in running]
    assert [code for code, _ in ends] == [5, 5], ends
    assert failure(home / "output").kind == "disk_full"
    assert newest(home / "output/checkpoints") is None


@pytest.mark.slow
def test_torchrun_starts_a_run_that_reports_once(home: Path) -> None:
    spec = write_spec(home)
    output = home / "output"
    launcher = ["--nproc-per-node", "2", "--master-addr", "127.0.0.1"]
    launcher += ["--master-port", str(free_port()), "-m", "trainer"]
    arguments = [*launcher, "run", str(spec), "--output", str(output)]
    process = start(arguments, {"KRSP_WORKDIR": str(home)}, program="torch.distributed.run")
    with killed_at_the_end(process):
        code, errors = ended(process)
    assert code == 0, errors
    kinds = [line.kind for line in read_progress(output)]
    assert kinds.count("result") == 1
    assert "result" not in [line.kind for line in read_progress(output / "rank-1")]
    assert (output / "model/model.safetensors").is_file()
