"""What single steps of pipelines that really run do: tasks, artifacts, own words, logs."""

import json

from tests.adapters.local.workbench import Workbench


async def test_a_step_can_say_its_own_result_and_issues(bench: Workbench) -> None:
    ran = await bench.run(
        """
        steps:
          - checkout: none
          - bash: |
              echo "##vso[task.logissue type=warning]careful"
              echo "##vso[task.complete result=SucceededWithIssues;]done"
              echo "##vso[build.addbuildtag]blue"
              echo "##vso[task.setprogress value=50]half"
              echo "##vso[artifact.upload artifactname=x]/etc/passwd"
              echo "##vso[nonsense"
            name: a
          - {bash: 'echo "##vso[task.complete result=Failed]bad data"', name: b}
        """
    )
    assert ran.results("__default", "Job") == {"a": "SucceededWithIssues", "b": "Failed"}
    assert ran.timeline.tags == ["blue"]
    assert ran.record("__default", "Job", "a").issues == [
        {"type": "warning", "message": "careful"},
        {
            "type": "warning",
            "message": "The command `artifact.upload` is not supported here and was left out.",
        },
    ]
    assert ran.record("__default", "Job", "b").issues == [{"type": "error", "message": "bad data"}]
    assert ran.log("__default", "Job", "a").endswith("\n##vso[nonsense")


async def test_azure_cli_runs_its_script_without_signing_in(bench: Workbench) -> None:
    bench.write("tool.sh", 'echo "script $1 $2"\n')
    ran = await bench.run(
        """
        steps:
          - task: AzureCLI@2
            name: inline
            inputs:
              azureSubscription: none
              scriptType: bash
              scriptLocation: inlineScript
              inlineScript: echo inline "$X"
            env: {X: y}
          - task: AzureCLI@2
            name: file
            inputs:
              azureSubscription: none
              scriptType: bash
              scriptPath: tool.sh
              arguments: '"a b" c'
        """
    )
    assert ran.log("__default", "Job", "inline") == "inline y"
    assert ran.log("__default", "Job", "file") == "script a b c"


async def test_artifacts_go_from_job_to_job(bench: Workbench) -> None:
    bench.write("data/x.txt", "content\n")
    ran = await bench.run(
        """
        jobs:
          - job: make
            steps:
              - publish: data
                artifact: things
          - job: use
            dependsOn: make
            steps:
              - checkout: none
              - download: current
                artifact: things
              - {bash: 'cat "$(Pipeline.Workspace)/things/x.txt"; ls', name: show}
          - job: lost
            steps:
              - {publish: nowhere, artifact: x, name: missing}
          - job: out
            steps:
              - {publish: data, artifact: ../../x, name: outside}
        """
    )
    assert ran.log("__default", "use", "show") == "content"
    assert ran.results("__default") == {
        "make": "Succeeded",
        "use": "Succeeded",
        "lost": "Failed",
        "out": "Failed",
    }
    assert "nowhere" in ran.log("__default", "lost", "missing")
    assert "`../../x` cannot name an artifact" in ran.log("__default", "out", "outside")


async def test_retries_failing_and_standard_error(bench: Workbench) -> None:
    ran = await bench.run(
        """
        jobs:
          - job: again
            steps:
              - checkout: none
              - {bash: 'echo x >> n; [ "$(wc -l < n)" = 3 ]', retryCountOnTaskFailure: 2, name: a}
          - job: strict
            steps:
              - {bash: echo oops >&2, failOnStderr: true, name: a}
          - job: lax
            steps:
              - {bash: echo oops >&2, name: a}
          - job: nowhere
            steps:
              - {bash: x, workingDirectory: none, name: a}
        """
    )
    assert ran.results("__default") == {
        "again": "Succeeded",
        "strict": "Failed",
        "lax": "Succeeded",
        "nowhere": "Failed",
    }
    assert "`failOnStderr` is set" in ran.log("__default", "strict", "a")
    assert ran.log("__default", "lax", "a") == "oops"


async def test_odd_output_is_kept_line_by_line(bench: Workbench) -> None:
    ran = await bench.run(
        r"""
        steps:
          - checkout: none
          - bash: |
              printf 'a\r\nb\377c\n\n'
              head -c 3000000 /dev/zero | tr '\0' x
              printf 'end'
            name: odd
        """
    )
    lines = ran.log("__default", "Job", "odd").split("\n")
    assert lines[:3] == ["a", "b\ufffdc", ""]
    assert sum(map(len, lines[3:])) == 3_000_003
    assert lines[-1].endswith("xend")


async def test_the_timeline_on_disk_says_what_happened(bench: Workbench) -> None:
    ran = await bench.run("name: n\nsteps:\n  - checkout: none\n  - {bash: echo hi, name: s}\n")
    state = json.loads((ran.folder / "state.json").read_text())
    step = state["stages"][0]["children"][0]["children"][0]
    assert state["number"] == "n"
    assert (step["name"], step["state"], step["result"]) == ("s", "completed", "Succeeded")
    assert step["started_at"] <= step["ended_at"]
    assert (ran.folder / step["log"]).read_text().splitlines() == [
        "##[section]Starting: Bash",
        "hi",
        "##[section]Finishing: Bash",
    ]
    assert not (ran.folder / "work" / "__default.Job").exists()
