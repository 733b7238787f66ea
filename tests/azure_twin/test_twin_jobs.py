"""Jobs: Microsoft's SDK submits them, the twin runs them as processes."""

import json
from typing import Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.azure_twin import world
from tests.azure_twin.jobsdk import Workbench
from tests.azure_twin.waiting import eventually

ML = "Microsoft.MachineLearningServices/workspaces"

# Ends when it is told to; says so, as a trainer does.
PATIENT = """
    import pathlib, signal, sys, time
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
    pathlib.Path("logs").mkdir(exist_ok=True)
    for step in range(10_000):
        print("step", step, flush=True)
        with open("logs/progress.jsonl", "a") as file:
            file.write(f'{{"step": {step}}}\\n')
        time.sleep(0.1)
"""


def test_a_job_runs_with_its_variables_and_ends(bench: Workbench) -> None:
    script = "import os, json; print(json.dumps(dict(os.environ)))"
    name = bench.submit(script, environment_variables={"KRSP_RUN": "r1"})
    assert bench.finish(name) == "Completed"
    found = json.loads(bench.log(name).splitlines()[0])
    assert found["KRSP_RUN"] == "r1"
    assert found["AZUREML_RUN_ID"] == found["MLFLOW_RUN_ID"] == name
    assert found["MLFLOW_TRACKING_URI"].startswith("azureml://westeurope.api.azureml.ms/mlflow/")
    assert found["DEFAULT_IDENTITY_CLIENT_ID"] == world.COMPUTE_IDENTITY
    assert found["MSI_ENDPOINT"].startswith("http://127.0.0.1:")


def test_the_node_s_identity_gets_tokens(bench: Workbench) -> None:
    script = """
        from azure.identity import ManagedIdentityCredential
        import os, jwt
        credential = ManagedIdentityCredential(client_id=os.environ["DEFAULT_IDENTITY_CLIENT_ID"])
        token = credential.get_token("https://storage.azure.com/.default").token
        print(jwt.decode(token, options={"verify_signature": False})["appid"])
    """
    name = bench.submit(script)
    assert bench.finish(name) == "Completed", bench.log(name)
    assert bench.log(name).strip() == world.COMPUTE_IDENTITY


def test_pytorch_gets_a_process_for_each_rank(bench: Workbench) -> None:
    script = """
        import os
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT")
        print(*(os.environ[name] for name in names))
    """
    distribution = bench.module.PyTorchDistribution(process_count_per_instance=2)
    name = bench.submit(script, instance_count=2, distribution=distribution)
    assert bench.finish(name) == "Completed"
    logs = [bench.blob(name, f"user_logs/std_log_process_{one}.txt").text for one in range(4)]
    ranks = [one.split() for one in logs]
    assert [one[:4] for one in ranks] == [
        ["0", "4", "0", "0"],
        ["1", "4", "1", "0"],
        ["2", "4", "0", "1"],
        ["3", "4", "1", "1"],
    ]
    assert len({one[5] for one in ranks}) == 1


def test_logs_grow_while_the_job_runs_and_are_read_by_offset(bench: Workbench) -> None:
    name = bench.submit(PATIENT)
    path = "logs/progress.jsonl"
    first = eventually(lambda: bench.blob(name, path).ok and bench.blob(name, path).content)
    rest = eventually(
        lambda: (answer := bench.blob(name, path, Range=f"bytes={len(first)}-")).ok and answer
    )
    assert rest.status_code == 206
    lines = (first + rest.content).decode().splitlines()
    assert [json.loads(one)["step"] for one in lines] == list(range(len(lines)))
    # Nothing new yet: a reader asks beyond the end.
    beyond = bench.blob(name, path, Range="bytes=10000000-")
    assert beyond.status_code == 416


def test_a_name_is_good_once(bench: Workbench) -> None:
    name = bench.submit("print('first')")
    again = bench.command(name, "print('other')")
    with pytest.raises(HttpResponseError, match="cannot be changed") as refused:
        bench.ml.jobs.create_or_update(again)
    assert refused.value.status_code == 400
    assert "JobPropertyImmutable" in str(refused.value)
    bench.finish(name)
    with pytest.raises(HttpResponseError, match="cannot be changed"):
        bench.ml.jobs.create_or_update(again)


def test_the_same_job_again_changes_nothing(bench: Workbench) -> None:
    name = bench.name()
    job = bench.command(name, "print('once')")
    bench.ml.jobs.create_or_update(job)
    bench.submitted.append(name)
    bench.ml.jobs.create_or_update(job)
    bench.finish(name)
    bench.ml.jobs.create_or_update(job)
    assert bench.log(name).splitlines() == ["once"]


def test_a_cancelled_job_ends_and_leaves_no_process(bench: Workbench) -> None:
    name = bench.submit(PATIENT)
    bench.until(name, "Running")
    eventually(lambda: bench.log(name))
    bench.ml.jobs.begin_cancel(name).result()
    assert bench.status(name) == "Canceled"
    assert not [one for one in bench.twin.control.processes() if name in one["name"]]


def test_a_failed_job_tells_its_exit_code(bench: Workbench) -> None:
    name = bench.submit("import sys; print('no memory'); sys.exit(4)")
    assert bench.finish(name) == "Failed"
    error = bench.history(name)["error"]["error"]
    assert error["code"] == "UserError"
    assert "exited with status code 4" in error["message"]
    assert "no memory" in error["message"]


def test_a_job_that_takes_too_long_is_cancelled(bench: Workbench) -> None:
    name = bench.submit(PATIENT, timeout=2)
    assert bench.finish(name) == "Canceled"
    assert "longer than its limit" in bench.history(name)["error"]["error"]["message"]


def test_a_job_waits_for_nodes_and_says_why(bench: Workbench) -> None:
    first = bench.submit(PATIENT, instance_count=2)
    bench.until(first, "Running")
    second = bench.submit("print('at last')")
    bench.until(second, "Queued")
    waiting = eventually(lambda: bench.history(second)["queueingInfo"])
    assert "0 of 2 nodes free" in waiting["message"]
    compute = bench.ml.compute.get("cpu-small")
    assert compute.size == "STANDARD_DS3_V2"
    bench.ml.jobs.begin_cancel(first).result()
    assert bench.finish(second) == "Completed"


def test_a_job_waits_for_quota(bench: Workbench) -> None:
    bench.twin.control.call("quota.set", cluster="a100", cores=0)
    name = bench.submit("print('at last')", compute="a100")
    waiting = eventually(lambda: bench.history(name)["queueingInfo"])
    assert waiting["code"] == "InsufficientQuota"
    assert bench.status(name) == "Queued"
    bench.twin.control.call("quota.set", cluster="a100", cores=48)
    assert bench.finish(name) == "Completed"


def test_an_unknown_cluster_is_refused(bench: Workbench) -> None:
    with pytest.raises(HttpResponseError, match="Compute 'h100' was not found"):
        bench.ml.jobs.create_or_update(bench.command(bench.name(), "print(1)", compute="h100"))


def test_an_unknown_job_is_not_found(bench: Workbench) -> None:
    with pytest.raises(ResourceNotFoundError):
        bench.ml.jobs.get("nobody")


def test_a_list_has_every_job_over_its_pages(bench: Workbench) -> None:
    names = {bench.submit("print(1)") for _ in range(12)}
    listed = [one.name for one in bench.ml.jobs.list()]
    assert names <= set(listed)
    assert len(listed) == len(set(listed))


def test_a_preempted_job_goes_on_where_its_files_were(bench: Workbench) -> None:
    script = """
        import pathlib, signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
        out, seen = pathlib.Path(sys.argv[1]), pathlib.Path("logs/progress.jsonl")
        before = (out / "checkpoint").read_text() if (out / "checkpoint").exists() else "none"
        for folder in ("logs", "outputs"):
            pathlib.Path(folder).mkdir(exist_ok=True)
        kept = pathlib.Path("outputs/note").exists()
        print("checkpoint:", before, "note:", kept, "log:", seen.exists(), flush=True)
        (out / "checkpoint").write_text("step 7")
        pathlib.Path("outputs/note").write_text("x")
        with seen.open("a") as file:
            file.write("line\\n")
        while before == "none":
            time.sleep(0.1)
    """
    place = "azureml://datastores/workspaceblobstore/paths/runs/preempted/"
    output = bench.module.Output(type="uri_folder", mode="rw_mount", path=place)
    name = bench.submit(
        script,
        command="python main.py ${{outputs.model}}",
        outputs={"model": output},
        compute="t4-low",
    )
    bench.until(name, "Running")
    eventually(lambda: "checkpoint: none" in bench.log(name))
    bench.twin.control.call("job.preempt", name=name, grace_s=3)
    assert bench.finish(name) == "Completed"
    assert bench.log(name).splitlines() == [
        "checkpoint: none note: False log: False",
        "checkpoint: step 7 note: True log: True",
    ]
    assert bench.blob(name, "logs/progress.jsonl").text == "line\nline\n"
    assert bench.history(name)["properties"]["azureml.retryCount"] == "1"


def test_a_job_that_ignores_the_end_of_its_node_is_killed(bench: Workbench) -> None:
    script = """
        import os, signal, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("here", flush=True)
        while not os.path.exists(sys.argv[1]):
            time.sleep(0.05)
    """
    flag = bench.folder / "flag"
    name = bench.submit(script, command=f"python main.py {flag}")
    eventually(lambda: "here" in bench.log(name))
    bench.twin.control.call("job.preempt", name=name, grace_s=0.2)
    eventually(lambda: bench.log(name).count("here") == 2)
    flag.touch()
    assert bench.finish(name) == "Completed"


def test_a_resubmission_finds_what_the_first_job_wrote(bench: Workbench) -> None:
    script = """
        import pathlib, sys
        path = pathlib.Path(sys.argv[1], "state")
        print("found" if path.exists() else "empty")
        path.write_text("x")
        sys.exit(0 if len(sys.argv) == 2 else int(sys.argv[2]))
    """
    place = "azureml://datastores/workspaceblobstore/paths/runs/${{name}}-shared/"
    fixed = place.replace("${{name}}", "r9")
    said = []
    for code in (1, 0):
        output = bench.module.Output(type="uri_folder", mode="rw_mount", path=fixed)
        name = bench.submit(
            script,
            command=f"python main.py ${{{{outputs.model}}}} {code}",
            outputs={"model": output},
        )
        bench.finish(name)
        said.append(bench.log(name).strip())
    assert said == ["empty", "found"]


@pytest.fixture
def data(bench: Workbench) -> str:
    """Return the id of a data asset with one line."""
    path = bench.folder / "train.jsonl"
    path.write_text('{"text": "hello"}\n', encoding="utf-8")
    asset = bench.module.entities.Data(
        name=bench.name("data"), version="1", path=str(path), type="uri_file"
    )
    made = bench.ml.data.create_or_update(asset)
    return f"azureml:{made.name}:{made.version}"


def test_inputs_come_and_outputs_go_by_blob(bench: Workbench, data: str) -> None:
    script = """
        import pathlib, sys
        pathlib.Path(sys.argv[2], "model.bin").write_text(pathlib.Path(sys.argv[1]).read_text())
        pathlib.Path("outputs").mkdir(exist_ok=True)
        pathlib.Path("outputs/card.md").write_text("a card")
    """
    name = bench.submit(
        script,
        command="python main.py ${{inputs.data}} ${{outputs.model}}",
        inputs={"data": bench.module.Input(type="uri_file", path=data)},
        outputs={"model": bench.module.Output(type="uri_folder")},
    )
    assert bench.finish(name) == "Completed", bench.log(name)
    target = bench.folder / "downloaded"
    bench.ml.jobs.download(name, download_path=target, all=True)
    found = {one.name: one.read_text() for one in target.rglob("*") if one.is_file()}
    assert found["model.bin"] == '{"text": "hello"}\n'
    assert found["card.md"] == "a card"


def test_a_job_s_output_becomes_a_model(bench: Workbench) -> None:
    name = bench.submit(
        "import sys, pathlib; pathlib.Path(sys.argv[1], 'w.bin').write_text('weights')",
        command="python main.py ${{outputs.model}}",
        outputs={"model": bench.module.Output(type="uri_folder")},
    )
    bench.finish(name)
    path, called = f"azureml://jobs/{name}/outputs/model", bench.name("model")

    def register() -> Any:
        model = bench.module.entities.Model(
            name=called, path=path, type="custom_model", tags={"run": name}
        )
        return bench.ml.models.create_or_update(model)

    made = register()
    assert (made.version, made.tags["run"]) == ("1", name)
    bench.ml.models.download(called, "1", download_path=bench.folder / "model")
    assert next((bench.folder / "model").rglob("w.bin")).read_text() == "weights"
    assert register().version == "2"
    assert bench.ml.models.get(called, label="latest").version == "2"


def test_a_version_never_changes(bench: Workbench, data: str) -> None:
    _, name, version = data.split(":")
    other = bench.folder / "other.jsonl"
    other.write_text("{}\n", encoding="utf-8")
    asset = bench.module.entities.Data(name=name, version=version, path=str(other), type="uri_file")
    with pytest.raises(HttpResponseError, match="cannot be changed") as refused:
        bench.ml.data.create_or_update(asset)
    assert refused.value.status_code == 409


def test_the_same_code_is_uploaded_once(bench: Workbench) -> None:
    folder = bench.code("print('the same code')")
    bench.twin.control.label("same code")
    for _ in range(2):
        bench.submit("", code=str(folder))
    uploads = bench.twin.requests(label="same code", method="PUT", path="main.py")
    assert len([one for one in uploads if "comp" not in one["query"]]) == 1
    assert len({bench.ml.jobs.get(name).code for name in bench.submitted}) == 1


def test_with_keys_the_sdk_streams_the_log_itself(
    bench: Workbench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.twin.control.call("datastores.keys", on=True)
    name = bench.submit("print('said by the job')")
    bench.ml.jobs.stream(name)
    assert "said by the job" in capsys.readouterr().out


def test_the_bot_may_look_but_not_submit(bench: Workbench) -> None:
    control, write = bench.twin.control, f"{ML}/jobs/write"
    token = control.mint(world.BOT_IDENTITY, "https://management.azure.com")
    url = f"https://management.azure.com{world.WORKSPACE_PATH}/jobs/by-the-bot"
    url += "?api-version=2025-01-01-preview"
    headers = {"Authorization": f"Bearer {token}"}
    refused = requests.put(url, headers=headers, json={"properties": {}}, timeout=10)
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "AuthorizationFailed"
    assert write in refused.json()["error"]["message"]
    assert requests.get(url, headers=headers, timeout=10).status_code == 404
    used = control.call("roles.used", client_id=world.BOT_IDENTITY)
    assert {one["allowed"] for one in used if one["action"] == write} == {False}
    assert {one["allowed"] for one in used if one["action"] == f"{ML}/jobs/read"} == {True}


def test_files_that_come_and_go_disturb_no_job(bench: Workbench) -> None:
    script = """
        import os, pathlib, shutil, sys
        out = pathlib.Path(sys.argv[1])
        for number in range(400):
            part = out / f"checkpoint-{number}.part"
            part.mkdir()
            (part / "weights").write_text(str(number))
            part.rename(out / f"checkpoint-{number}")
            shutil.rmtree(out / f"checkpoint-{number - 1}", ignore_errors=True)
        (out / "done").write_text("yes")
    """
    place = "azureml://datastores/workspaceblobstore/paths/runs/coming-and-going/"
    output = bench.module.Output(type="uri_folder", mode="rw_mount", path=place)
    name = bench.submit(
        script, command="python main.py ${{outputs.model}}", outputs={"model": output}
    )
    assert bench.finish(name) == "Completed", bench.history(name)["error"]
    bench.ml.jobs.download(name, download_path=bench.folder / "kept", output_name="model")
    kept = {one.name for one in (bench.folder / "kept").rglob("*") if one.is_file()}
    assert kept == {"done", "weights"}
