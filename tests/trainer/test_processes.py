"""Several processes of one run: where each sits, how they stop together, and what one's end is."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

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
    env = {"KRSP_WORKDIR": str(home), "KRSP_PEER_PATIENCE_S": "5"}
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sharding", "victim", "sent", "within_s"),
    [
        ("full", 1, signal.SIGKILL, 15),  # the connection breaks
        ("none", 0, signal.SIGSTOP, 30),  # it does not: beats are missing
    ],
)
def test_when_one_process_dies_the_other_says_so_and_ends(
    home: Path, sharding: str, victim: int, sent: signal.Signals, within_s: float
) -> None:
    spec = write_spec(home, budget=FOREVER, compute={"sharding": sharding})
    running = two(home, spec)
    output = home / "output"
    with killed_at_the_end(*running):
        wait_for(output, "checkpoint", *running)
        began = time.monotonic()
        running[victim].send_signal(sent)
        code, errors = ended(running[1 - victim])
    assert time.monotonic() - began < within_s
    assert code == 75, errors
    told = failure(output if victim else output / "rank-1")
    assert told.kind == "preempted"
    assert "of the run's 2 processes has gone without a word" in told.message
    assert "goes on from its newest checkpoint" in told.remedy
    assert newest(output / "checkpoints") is not None


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
    env = {"KRSP_WORKDIR": str(home), "KRSP_PEER_PATIENCE_S": "5"}
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


def machines(home: Path, spec: Path, attempt: str) -> list[Path]:
    """Run on two machines with a disk each and one folder that both see; return their disks."""
    disks = [home / attempt / f"machine-{number}" for number in (0, 1)]
    running = []
    for number, seat in enumerate(seats(2)):
        env = {**seat, "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1", "KRSP_WORKDIR": str(home)}
        arguments = ["run", str(spec), "--output", str(disks[number]), "--keep", str(home / "keep")]
        running.append(start(arguments, env))
    with killed_at_the_end(*running):
        ends = [ended(process) for process in running]
    assert [code for code, _ in ends] == [0, 0], ends
    return disks


@pytest.mark.slow
def test_machines_put_a_checkpoint_together_and_new_ones_go_on_from_it(home: Path) -> None:
    spec = write_spec(home, compute={"sharding": "full", "nodes": 2})
    first, _ = machines(home, spec, "first")
    found = newest(home / "keep")
    assert found is not None
    assert {"__0_0.distcp", "__1_0.distcp", "rng_state_1.pth"} <= found[1].files.keys()
    shutil.rmtree(found[0])
    again, _ = machines(home, spec, "again")
    (line,) = [line for line in read_progress(again) if line.kind == "resume"]
    assert (line.step, line.exact, line.note) == (3, True, "")
    ours, theirs = (load_file(disk / "model/model.safetensors") for disk in (first, again))
    assert all(bool((ours[name] == theirs[name]).all()) for name in ours)
