"""A run's result files, over HTTP: the list, and downloads of what is listed and nothing else."""

from dataclasses import replace

import pytest
from aiohttp import ClientError

from bot.errors import UnavailableError

MODEL = bytes(range(256)) * 8


@pytest.fixture
async def run_id(site):
    run_id = await site.run()
    site.jobs.files[run_id] = {
        "summary.json": b"{}",
        "model/model.safetensors": MODEL,
        "50 % done?/Übung #1.txt": b"odd",
    }
    return run_id


async def test_results_are_listed_by_path_with_their_sizes(site, run_id):
    body = await (await site.get(f"runs/{run_id}/results")).json()
    assert body == {
        "files": [
            {"path": "50 % done?/Übung #1.txt", "bytes": 3},
            {"path": "model/model.safetensors", "bytes": len(MODEL)},
            {"path": "summary.json", "bytes": 2},
        ]
    }


async def test_before_a_job_has_written_anything_the_list_is_empty(site):
    run_id = await site.run()
    assert await (await site.get(f"runs/{run_id}/results")).json() == {"files": []}


@pytest.mark.parametrize("path", ["model/model.safetensors", "model%2Fmodel.safetensors"])
async def test_a_result_is_saved_as_a_file_byte_for_byte(site, run_id, path):
    answer = await site.get(f"runs/{run_id}/results/{path}")
    assert await answer.read() == MODEL
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="model.safetensors"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_name_with_odd_characters_arrives_whole(site, run_id):
    answer = await site.get(f"runs/{run_id}/results/50%20%25%20done%3F/%C3%9Cbung%20%231.txt")
    assert await answer.read() == b"odd"
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"_bung #1.txt\"; filename*=UTF-8''%C3%9Cbung%20%231.txt"
    )


async def test_looking_whether_a_result_is_there_sends_nothing(site, run_id):
    answer = await site.client.head(f"/api/v1/runs/{run_id}/results/summary.json")
    assert (answer.status, await answer.read()) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "model",
        "model/",
        "other.bin",
        "%2E%2E/%2E%2E/krsp.db",
        "..%2F..%2Fkrsp.db",
        "model/..%2F..%2Fsecret",
        "%2Fetc%2Fpasswd",
        "..%5C..%5Ckrsp.db",
    ],
)
async def test_a_path_that_is_not_listed_is_refused(site, run_id, path):
    opened = []
    site.jobs.read_result = lambda name, path: opened.append((name, path))
    answer = await site.get(f"runs/{run_id}/results/{path}")
    assert answer.status == 404
    assert (await answer.json())["code"] == "not_found"
    assert opened == []


async def test_of_several_submissions_the_newest_with_files_is_shown(site, run_id):
    run = await site.service.get(run_id)
    await site.store.save_run(replace(run, submission=3), (), ())
    site.jobs.files[f"{run_id}-r2"] = {"model/model.safetensors": b"second"}
    body = await (await site.get(f"runs/{run_id}/results")).json()
    assert body == {"files": [{"path": "model/model.safetensors", "bytes": 6}]}
    answer = await site.get(f"runs/{run_id}/results/model/model.safetensors")
    assert await answer.read() == b"second"
    gone = await site.get(f"runs/{run_id}/results/summary.json")
    await site.refused(gone, 404, "not_found")


def broken(pieces: int):
    async def read_result(name: str, path: str):
        for _ in range(pieces):
            yield b"x" * 200_000
        raise UnavailableError("The storage does not answer; try again.")

    return read_result


async def test_a_result_that_cannot_be_read_is_a_problem_not_an_empty_file(site, run_id):
    site.jobs.read_result = broken(0)
    answer = await site.get(f"runs/{run_id}/results/summary.json")
    await site.refused(answer, 503, "unavailable")


async def test_a_result_that_breaks_off_does_not_look_whole(site, run_id, caplog):
    site.jobs.read_result = broken(3)
    with pytest.raises(ClientError):
        await (await site.get(f"runs/{run_id}/results/summary.json")).read()
    assert "The storage does not answer" in caplog.text
