"""Variables, outputs and secrets in pipelines that really run."""

from bot.adapters.local.interpreter.status import Result
from tests.adapters.local.workbench import Workbench


async def test_variables_reach_scripts_as_azure_writes_them(bench: Workbench) -> None:
    ran = await bench.run(
        """
        name: $(prefix)-${{ upper('run') }}
        variables:
          - {name: prefix, value: pre}
          - {name: nested, value: $(prefix)fix}
          - {name: computed, value: "$[ format('{0}!', variables.nested) ]"}
        stages:
          - stage: s
            variables: {level: stage}
            jobs:
              - job: j
                variables: {level: job, dotted.name: d}
                steps:
                  - checkout: none
                  - bash: |
                      echo $(nested) "$NESTED" $(computed) $(LEVEL)
                      echo "$DOTTED_NAME" '$(unknown)' "$MAPPED"
                      echo "$BUILD_BUILDNUMBER $BUILD_SOURCEVERSION $BUILD_SOURCEBRANCHNAME"
                      echo "$SYSTEM_STAGENAME.$SYSTEM_JOBNAME $BUILD_REQUESTEDFOR $TF_BUILD"
                      [ -d "$AGENT_TEMPDIRECTORY" ] || exit
                      [ "$PWD" = "$BUILD_SOURCESDIRECTORY" ] || exit
                      [ "$SYSTEM_DEFAULTWORKINGDIRECTORY" = "$PIPELINE_WORKSPACE/s" ] && echo same
                    name: show
                    displayName: Show $(prefix)
                    env: {MAPPED: "<$(level)>"}
        """
    )
    assert ran.record("s", "j", "show").display_name == "Show pre"
    assert ran.log("s", "j", "show").splitlines() == [
        "prefix prefix prefix! job",
        "d $(unknown) <job>",
        "pre-RUN c0ffee main",
        "s.j ada True",
        "same",
    ]


async def test_a_set_variable_reaches_later_steps_and_an_output_later_stages(
    bench: Workbench,
) -> None:
    ran = await bench.run(
        """
        stages:
          - stage: make
            jobs:
              - job: j
                steps:
                  - bash: |
                      echo "##vso[task.setvariable variable=here]H"
                      echo "##vso[task.setvariable variable=out;isOutput=true]O;]x"
                      echo 'own: $(here)' "${HERE:-unset}"
                    name: set
                  - {bash: 'echo "$(here) $HERE $(set.out) $SET_OUT"', name: later}
              - job: beside
                dependsOn: j
                condition: eq(dependencies.j.outputs['set.out'], 'o;]x')
                variables: {got: "$[ dependencies.j.outputs['set.out'] ]"}
                steps: [{bash: 'echo "$(got)" ''[$(here)]''', name: show}]
          - stage: use
            condition: eq(dependencies.make.outputs['j.set.out'], 'O;]x')
            jobs:
              - job: j
                variables:
                  got: $[ stageDependencies.make.j.outputs['set.out'] ]
                  none: $[ stageDependencies.make.j.outputs['set.nothing'] ]
                steps: [{bash: 'echo "$(got)<$(none)>"', name: show}]
        """
    )
    assert ran.result is Result.SUCCEEDED
    assert ran.log("make", "j", "set") == "own: $(here) unset"
    assert ran.log("make", "j", "later") == "H H O;]x O;]x"
    assert ran.log("make", "beside", "show") == "O;]x [$(here)]"
    assert ran.log("use", "j", "show") == "O;]x<>"


async def test_secrets_are_masked_and_kept_out_of_the_environment(bench: Workbench) -> None:
    ran = await bench.run(
        """
        steps:
          - checkout: none
          - bash: |
              echo "##vso[task.setvariable variable=token;isSecret=true]hunter2%0Asecond-line"
              echo "##vso[task.setsecret]abc123"
              echo "at once: abc123"
            name: set
          - bash: |
              echo "$(token)"; echo "env: ${TOKEN:-none}"; echo "mapped: $T abc123"
              echo "##vso[task.logissue type=error]hunter2 leaked"
              echo "##vso[build.addbuildtag]tag-abc123"
            name: use
            env: {T: $(token)}
        """
    )
    shown = ran.log("__default", "Job", "use")
    assert shown.splitlines() == [
        "***",
        "***",
        "env: none",
        "mapped: ***",
        "*** ***",
        "##[error]*** leaked",
    ]
    state = (ran.folder / "state.json").read_text()
    assert "hunter2" not in state + shown
    assert "abc123" not in state


async def test_a_restricted_step_orders_nothing_but_its_own(bench: Workbench) -> None:
    ran = await bench.run(
        """
        steps:
          - checkout: none
          - bash: |
              echo "##vso[task.setvariable variable=allowed]1"
              echo "##vso[task.setvariable variable=PATH]/evil"
              echo "##vso[build.addbuildtag]evil"
            target: {commands: restricted, settableVariables: [allowed]}
          - {bash: "echo '$(allowed)$(PATH)'", name: show}
          - bash: echo "##vso[task.setvariable variable=allowed]2"
            target: {settableVariables: none}
          - {bash: 'echo "$(allowed)"', name: again}
        """
    )
    assert ran.log("__default", "Job", "show") == "1$(PATH)"
    assert ran.log("__default", "Job", "again") == "1"
    assert ran.timeline.tags == []


async def test_a_read_only_variable_stays_as_it_is(bench: Workbench) -> None:
    ran = await bench.run(
        """
        variables:
          - {name: fixed, value: 1, readonly: true}
        steps:
          - checkout: none
          - bash: echo "##vso[task.setvariable variable=fixed]2"
          - {bash: echo $(fixed), name: show}
        """
    )
    assert ran.log("__default", "Job", "show") == "1"


async def test_the_bots_settings_are_hidden_and_this_python_comes_first(bench: Workbench) -> None:
    bench.environment |= {"KRSP_DATABASE_URL": "postgresql://secret", "MicrosoftAppPassword": "x"}
    ran = await bench.run(
        """
        steps:
          - checkout: none
          - bash: |
              env | grep -c -e secret -e MicrosoftApp
              python -c 'import pydantic, sys; print(sys.prefix != sys.base_prefix)'
              [ -d "$KRSP_HOME" ] && echo home
            name: show
        """
    )
    assert ran.log("__default", "Job", "show").splitlines() == ["0", "True", "home"]
