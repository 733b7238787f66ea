"""Local tasks of lm-eval: the figure is right, nothing asked is learned, nothing else runs."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, PreTrainedTokenizerBase

from tests.trainer.conftest import SmallRun, Trainer
from tests.trainer.small import read_progress, small_spec
from trainer.contract.faults import SpecError
from trainer.contract.spec import RunSpec, canonical_json
from trainer.data.gather import gather
from trainer.data.rows import row_hash
from trainer.errors import BadSpecError
from trainer.lm_tasks import TaskJudge, figures
from trainer.tasks import Task, find_tasks
from trainer.tasks.python_choice import OPTIONS, choices, question_rows
from trainer.tokens.tokenizer import train_tokenizer

CHOICE = """
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: questions.jsonl}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: answer
"""


class KnowsByHeart(torch.nn.Module):
    """Continues every text that it knows as that goes on, and anything else as it likes."""

    def __init__(self, texts: list[list[int]], vocabulary: int) -> None:
        super().__init__()
        self.texts, self.vocabulary = texts, vocabulary
        self.config, self.device = LlamaConfig(vocab_size=vocabulary), torch.device("cpu")

    def tie_weights(self) -> None:
        """Do nothing: there are none."""

    def forward(self, input_ids: torch.Tensor, **_: Any) -> Any:
        logits = torch.zeros(*input_ids.shape, self.vocabulary)
        for row, tokens in enumerate(input_ids.tolist()):
            for place in range(len(tokens)):
                begun = tokens[: place + 1]
                for text in self.texts:
                    if len(text) > len(begun) and text[: len(begun)] == begun:
                        logits[row, place, text[len(begun)]] = 20.0
        return type("Output", (), {"logits": logits})


@pytest.fixture(scope="module")
def shipped() -> Task:
    (task,) = find_tasks(["python-qa-choice"], Path())
    return task


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return train_tokenizer(question_rows(), vocab_size=400, max_length=512)


def knowing(
    docs: list[Mapping[str, Any]], tokenizer: PreTrainedTokenizerBase, *, shift: int
) -> KnowsByHeart:
    """Return a model that knows, of each question, the choice `shift` places after the right."""
    said = [
        f"{doc['question']} {doc['choices'][(doc['answer'] + shift) % OPTIONS]}" for doc in docs
    ]
    texts = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in said]
    return KnowsByHeart(texts, len(tokenizer))


@pytest.mark.parametrize(("shift", "accuracy"), [(0, 1.0), (1, 0.0)])
def test_a_model_that_knows_the_answers_gets_all_and_one_that_knows_wrong_ones_none(
    shipped: Task, tokenizer: PreTrainedTokenizerBase, shift: int, accuracy: float
) -> None:
    docs = list(shipped.docs["test"][:6])
    model = knowing(docs, tokenizer, shift=shift)
    judge = TaskJudge([shipped], limit=6)
    found = judge.judge(model, tokenizer, chat=False)
    assert judge.figures == {name for name in found if not name.endswith("_stderr")}
    assert found["python-qa-choice/acc"] == accuracy
    assert found["python-qa-choice/acc_norm"] == accuracy
    assert found["python-qa-choice/acc_stderr"] == 0.0


def test_asking_changes_neither_chance_nor_the_models_mode(
    shipped: Task, tokenizer: PreTrainedTokenizerBase
) -> None:
    model = knowing(list(shipped.docs["test"][:1]), tokenizer, shift=0).train()
    torch.manual_seed(3)
    expected = torch.random.get_rng_state()
    TaskJudge([shipped], limit=1).judge(model, tokenizer, chat=False)
    assert torch.equal(torch.random.get_rng_state(), expected)
    assert model.training


def test_a_task_may_be_asked_twice_with_the_same_answer(
    shipped: Task, tokenizer: PreTrainedTokenizerBase
) -> None:
    docs = list(shipped.docs["test"][:4])
    judge = TaskJudge([shipped], limit=4)
    model = knowing(docs[:3], tokenizer, shift=0)
    first = judge.judge(model, tokenizer, chat=False)
    assert judge.judge(model, tokenizer, chat=False) == first
    assert first["python-qa-choice/acc"] >= 0.75


def test_the_shipped_questions_are_the_same_each_time_and_have_one_right_answer() -> None:
    rows = question_rows()
    docs = choices(rows)
    assert docs == choices(question_rows())
    assert len(docs) == 200
    assert all(len(set(doc["choices"])) == OPTIONS for doc in docs)
    answers = {row.messages[0].content: row.messages[-1].content for row in rows}
    assert all(doc["choices"][doc["answer"]] == answers[doc["question"]] for doc in docs)
    places = Counter(doc["answer"] for doc in docs)
    assert min(places.values()) > 30  # no place is right more often than chance explains


def choice_spec(tmp: Path, *, max_rows: int = 10) -> RunSpec:
    return small_spec(
        data={"train": {"uri": "builtin:python-qa"}, "max_length": 64},
        eval={"tasks": ["python-qa-choice"], "max_rows": max_rows},
    )


@pytest.mark.parametrize("max_rows", [10, 300])
def test_no_row_that_is_asked_about_is_learned(tmp_path: Path, max_rows: int) -> None:
    gathered = gather(choice_spec(tmp_path, max_rows=max_rows), tmp_path)
    learned = {row_hash(row) for row in gathered.split.train}
    texts = {row.messages[-1].content for row in gathered.split.train}
    assert len(learned) > 3000
    assert not learned & {row_hash(row) for row in question_rows()}
    assert not texts & {row.messages[-1].content for row in question_rows()}


def write_task(folder: Path, text: str = CHOICE, name: str = "mine") -> str:
    docs = [
        {"question": f"What colour is thing {n}?", "choices": ["It is red.", "No."], "answer": 0}
        for n in range(6)
    ]
    (folder / "questions.jsonl").write_text("".join(json.dumps(doc) + "\n" for doc in docs))
    (folder / f"{name}.yaml").write_text(text.format(name=name))
    return f"{name}.yaml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("task: a\ndoc_to_text: !function tricks.run\n", "cannot be read"),
        ("task: a\nclass: Evil\ndataset_path: json\n", "has `class`"),
        ("task: a\ninclude: other.yaml\n", "has `include`"),
        ("task: a\ndataset_path: allenai/ai2_arc\n", "Nothing is fetched from a hub"),
        ("task: a\ndataset_path: json\n", "names no file of questions"),
        (
            "task: a\ndataset_path: json\ndataset_kwargs: {{data_files: gone.jsonl}}\n",
            "cannot be read from gone.jsonl",
        ),
        ("- 1\n", "is not one task"),
    ],
)
def test_a_task_that_brings_code_or_needs_a_hub_is_refused_in_a_sentence(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(SpecError, match=r"eval\.tasks") as caught:
        find_tasks([write_task(tmp_path, text)], tmp_path)
    assert said in str(caught.value)


def test_every_task_that_is_not_there_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        find_tasks(["mmlu", "other.yaml", "/etc/passwd"], tmp_path)
    assert len(caught.value.faults) == 3
    assert "There are: python-qa-choice" in str(caught.value)


def test_a_setting_that_lm_eval_does_not_know_is_said_before_training(tmp_path: Path) -> None:
    tasks = find_tasks([write_task(tmp_path, CHOICE + "output_tipe: x\n")], tmp_path)
    with pytest.raises(BadSpecError, match="does not take the task mine"):
        TaskJudge(tasks)


def test_figures_leave_out_what_is_no_number() -> None:
    found = figures(
        {"t": {"alias": "t", "acc,none": 0.5, "em,strict": 1, "acc_stderr,none": "N/A", "x": 3}}
    )
    assert found == {"t/acc": 0.5, "t/em.strict": 1.0}


def test_a_comparison_without_a_base_or_without_tasks_is_refused() -> None:
    for evaluation, said in (
        ({"compare_base": True}, "name some in eval.tasks"),
        ({"compare_base": True, "tasks": ["python-qa-choice"]}, "needs a base model"),
    ):
        with pytest.raises(ValueError, match=said):
            small_spec(eval=evaluation)


def test_a_spec_without_tasks_keeps_its_text() -> None:
    assert "tasks" not in canonical_json(small_spec())
    assert "compare_base" not in canonical_json(small_spec())


def test_a_run_reports_its_task_before_and_after_in_lines_report_and_card(
    small_run: SmallRun, trainer: Trainer, tmp_path: Path
) -> None:
    write_task(small_run.home)
    spec = small_spec(
        model={"source": "run:run-20261123-small2"},
        budget={"steps": 4},
        eval={"tasks": ["mine.yaml"], "compare_base": True, "every_steps": 2},
    )
    path, output = tmp_path / "spec.json", tmp_path / "output"
    path.write_text(canonical_json(spec))
    env = {"KRSP_HOME": str(small_run.home), "KRSP_WORKDIR": str(small_run.home)}
    done = trainer("run", path, "--output", output, env={**env, "MLFLOW_TRACKING_URI": "off:none"})
    assert done.code == 0, done.errors
    lines = read_progress(output)
    judged = [line for line in lines if line.kind == "eval"]
    assert [(line.step, "mine/acc" in line.metrics) for line in judged] == [
        (0, False),
        (0, True),
        (2, False),
        (4, False),
        (4, True),
    ]
    result = lines[-1]
    assert result.kind == "result"
    assert result.first_metrics["mine/acc"] == judged[1].metrics["mine/acc"] == 1.0
    assert result.metrics["mine/acc"] == 1.0
    assert "mine/acc 1.0000 -> 1.0000" in done.output
    card = (output / "model" / "README.md").read_text()
    assert "| `mine/acc` | 1.0000 | 1.0000 |" in card
    assert json.loads((output / "report.json").read_text())["metrics"]["mine/acc"] == 1.0
