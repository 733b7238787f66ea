"""From the file as written to the file as run: parameters, `${{ }}`, templates."""

import pytest

from bot.adapters.local.interpreter.errors import PipelineError
from tests.adapters.local.workbench import Workbench


def scripts(bench: Workbench, text: str, **parameters: str) -> list[str]:
    """Return what the steps of a file would run."""
    planned = bench.plan(text, parameters)
    steps = [step for stage in planned.stages for job in stage.jobs for step in job.steps]
    return [step.inputs["script"] for step in steps if step.does == "bash"]


def refusal(bench: Workbench, text: str, **parameters: str) -> str:
    with pytest.raises(PipelineError) as caught:
        bench.plan(text, parameters)
    return str(caught.value)


TYPED = """
    parameters:
      - {name: word, type: string, default: w}
      - {name: count, type: number, default: 2}
      - {name: flag, type: boolean, default: false}
      - {name: things, type: object, default: {a: [x, y], b: z}}
      - {name: more, type: stepList, default: []}
      - name: size
        type: string
        default: small
        values: [small, large]
    steps:
      - bash: ${{ parameters.word }} ${{ parameters.count }} ${{ parameters.flag }}
      - ${{ if parameters.flag }}:
          - bash: flagged
      - ${{ parameters.more }}
      - bash: ${{ parameters.size }} ${{ parameters.things.a[1] }}
"""


def test_parameters_have_their_defaults(bench: Workbench) -> None:
    assert scripts(bench, TYPED) == ["w 2 False", "small y"]


def test_given_values_replace_defaults(bench: Workbench) -> None:
    found = scripts(bench, TYPED, word="W", count="3.50", flag="TRUE", size="large")
    assert found == ["W 3.5 True", "flagged", "large y"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"count": "two"}, "p.yml:1: the parameter `count` must be a number, not `two`."),
        ({"flag": "1"}, "p.yml:1: the parameter `flag` must be true or false, not `1`."),
        (
            {"size": "Large"},
            "p.yml:1: `Large` is not one of `small`, `large`, the values of the parameter `size`.",
        ),
        ({"things": "x", "more": "y"}, "p.yml:1: the parameter `more` must be a list, not `y`."),
        (
            {"wrd": "x"},
            (
                "p.yml:1: there is no parameter `wrd`; declared are: "
                "word, count, flag, things, more, size."
            ),
        ),
    ],
)
def test_a_wrong_value_is_refused(bench: Workbench, given: dict[str, str], message: str) -> None:
    assert refusal(bench, TYPED, **given) == message


def test_a_parameter_without_default_must_be_given(bench: Workbench) -> None:
    text = (
        "parameters:\n  - name: spec\n    type: string\nsteps:\n  - bash: ${{ parameters.spec }}\n"
    )
    wanted = "p.yml:1: the parameter `spec` needs a value (declared in p.yml:2)."
    assert refusal(bench, text) == wanted
    assert refusal(bench, text, spec="") == wanted
    assert scripts(bench, text, spec="x") == ["x"]


def test_if_elseif_and_else_take_the_first_that_holds(bench: Workbench) -> None:
    text = """
        parameters:
          - {name: n, type: number, default: 0}
        steps:
          - ${{ if eq(parameters.n, 1) }}:
              - bash: one
          - ${{ elseif lt(parameters.n, 3) }}:
              - bash: two
          - ${{ elseif gt('x', parameters) }}:
              - bash: never computed when taken before
          - ${{ else }}:
              - bash: many
        """
    assert scripts(bench, text, n="1") == ["one"]
    assert scripts(bench, text, n="2") == ["two"]


def test_else_without_if_is_refused(bench: Workbench) -> None:
    text = """
        steps:
          - ${{ if true }}:
              - bash: a
          - bash: between
          - ${{ else }}:
              - bash: b
        """
    assert refusal(bench, text) == "p.yml:5: `else` does not follow an `if`."


def test_each_goes_through_lists_and_mappings(bench: Workbench) -> None:
    text = """
        parameters:
          - {name: jobs, type: object, default: {train: [a, b], judge: []}}
        steps:
          - ${{ each job in parameters.jobs }}:
              - bash: begin ${{ job.key }}
              - ${{ each word in job.value }}:
                  - bash: ${{ job.key }} ${{ word }}
        """
    assert scripts(bench, text) == ["begin train", "train a", "train b", "begin judge"]


def test_keys_are_conditional_and_inserted(bench: Workbench) -> None:
    text = """
        parameters:
          - {name: env, type: object, default: {A: 1, B: 2}}
          - {name: loud, type: boolean, default: true}
        steps:
          - bash: x
            ${{ if parameters.loud }}:
              displayName: Loud
            ${{ else }}:
              displayName: Quiet
            env:
              ${{ insert }}: ${{ parameters.env }}
              ${{ each pair in parameters.env }}:
                ${{ pair.key }}_AGAIN: ${{ pair.value }}
        """
    step = bench.plan(text).stages[0].jobs[0].steps[1]
    assert step.display_name == "Loud"
    assert dict(step.env) == {"A": "1", "B": "2", "A_AGAIN": "1", "B_AGAIN": "2"}


def test_two_keys_that_become_one_are_refused(bench: Workbench) -> None:
    text = """
        steps:
          - bash: x
            env:
              A: 1
              ${{ upper('a') }}: 2
        """
    assert refusal(bench, text) == "p.yml:5: the key `A` is given twice."


def test_variables_can_be_named_once_they_are_declared(bench: Workbench) -> None:
    text = """
        variables:
          base: b
          made: ${{ variables.nothing }}-${{ upper('x') }}
        stages:
          - stage: s
            variables:
              - name: inner
                value: ${{ variables.base }}2
            jobs:
              - job: j
                steps:
                  - bash: ${{ variables.inner }} ${{ variables['made'] }}
        """
    assert scripts(bench, text) == ["b2 -X"]


def test_templates_of_every_kind_are_included(bench: Workbench) -> None:
    bench.write("t/variables.yml", "variables:\n  color: red\n")
    bench.write(
        "t/steps.yml",
        """
        parameters:
          - {name: who, type: string}
          - {name: before, type: stepList, default: []}
        steps:
          - ${{ parameters.before }}
          - bash: hello ${{ parameters.who }} ${{ variables.color }}
        """,
    )
    bench.write(
        "t/jobs.yml",
        """
        jobs:
          - job: j
            steps:
              - template: steps.yml
                parameters:
                  who: ada
                  before:
                    - bash: first
        """,
    )
    bench.write("t/stages.yml", "stages:\n  - stage: s\n    jobs:\n      - template: /t/jobs.yml\n")
    text = "variables:\n  - template: t/variables.yml\nstages:\n  - template: t/stages.yml@self\n"
    assert scripts(bench, text) == ["first", "hello ada red"]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("template: t.yml", "p.yml:2: the parameter `n` needs a value (declared in t.yml:2)."),
        (
            "{template: t.yml, parameters: {n: x}}",
            "p.yml:2: the parameter `n` must be a number, not `x`.",
        ),
        (
            "{template: t.yml, parameters: {n: 1, m: 2}}",
            "p.yml:2: there is no parameter `m`; declared are: n.",
        ),
        ("template: none.yml", "none.yml: there is no such file."),
        (
            "template: ../../secret.yml",
            "p.yml:2: the template `../../secret.yml` is outside the repository.",
        ),
        (
            "template: t.yml@other",
            "p.yml:2: templates of other repositories are not supported here.",
        ),
        (
            "template: loop.yml",
            "loop.yml:2: templates are nested more than 20 deep.",
        ),
        (
            "template: jobs.yml",
            "jobs.yml:1: `jobs` cannot stand in a template of steps (included in p.yml:2).",
        ),
    ],
)
def test_a_template_that_cannot_be_included_is_refused(
    bench: Workbench, item: str, message: str
) -> None:
    bench.write("t.yml", "parameters:\n  - {name: n, type: number}\nsteps:\n  - bash: x\n")
    bench.write("loop.yml", "steps:\n  - template: loop.yml\n")
    bench.write("jobs.yml", "jobs:\n  - job: j\n")
    assert refusal(bench, f"steps:\n  - {item}\n") == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "steps:\n  - bash: ${{ parameters.x }}\n",
            "p.yml:2: in the expression `parameters.x`: `parameters` has no `x`.",
        ),
        ("steps:\n  - bash: ${{ 'open\n", "p.yml:2: a `${{` is not closed with `}}`."),
        (
            "steps:\n  - bash: a ${{ split('a,b', ',') }}\n",
            (
                "p.yml:2: in the expression `split('a,b', ',')`: "
                "a list or mapping cannot be made a text."
            ),
        ),
        (
            "steps:\n  - ${{ each x of parameters }}:\n      - bash: x\n",
            "p.yml:2: write `${{ each item in collection }}`.",
        ),
        (
            "steps:\n  - ${{ each x in 'text' }}:\n      - bash: x\n",
            "p.yml:2: `each` needs a list or mapping.",
        ),
        (
            "steps:\n  - ${{ if true }}:\n      bash: x\n",
            "p.yml:3: `if in a list` must be a list, not a mapping.",
        ),
        (
            "steps:\n  - bash: x\n    ${{ insert }}: [a]\n",
            "p.yml:3: what stands under `insert` in a mapping must be a mapping, not a list.",
        ),
        (
            "parameters:\n  x: 1\nsteps:\n  - bash: x\n",
            "p.yml:2: give parameters as a list with `name` and `type`.",
        ),
        (
            "parameters:\n  - {name: p, type: pool}\nsteps:\n  - bash: x\n",
            (
                "p.yml:2: the type `pool` is not supported here; known are: string, number, "
                "boolean, "
                "object, step, stepList, job, jobList, stage, stageList, stringList."
            ),
        ),
        (
            "parameters:\n  - {name: p}\n  - {name: P}\nsteps:\n  - bash: x\n",
            "p.yml:3: `p` is declared twice.",
        ),
    ],
)
def test_a_wrong_expansion_is_refused_by_line(bench: Workbench, text: str, message: str) -> None:
    assert refusal(bench, text) == message


def test_braces_in_quotes_do_not_end_an_expression(bench: Workbench) -> None:
    assert scripts(bench, "steps:\n  - bash: ${{ format('{0}}}', 'a') }}${{ '}}' }}\n") == ["a}}}"]
