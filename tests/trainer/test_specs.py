"""The SPEC argument: files, standard input and the environment; faults in sentences."""

import base64
import hashlib
import io
import json
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from tests.trainer.small import SMALL, small_spec
from trainer.contract.faults import SpecError
from trainer.contract.spec import LATER, RunSpec, canonical_json, spec_hash
from trainer.specs import read_spec

SPEC = small_spec()


def test_yaml_json_stdin_and_environment_give_one_spec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = canonical_json(SPEC)
    (tmp_path / "s.yaml").write_text(text.replace('":', '": '))
    (tmp_path / "s.json").write_text(text)
    encoded = base64.urlsafe_b64encode(text.encode()).decode()
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    found = [
        read_spec(str(tmp_path / "s.yaml"), {}),
        read_spec(str(tmp_path / "s.json"), {}),
        read_spec("-", {}),
        read_spec("env:SPEC", {"SPEC": encoded}),
        read_spec("env:SPEC", {"SPEC": encoded.rstrip("=")}),
    ]
    assert found == [SPEC] * 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not YAML"),
        ("a: [", "is not YAML"),
        ("- a\n- b", "holds a list"),
        ("", "holds nothing"),
        ("\x00", "is not YAML"),
    ],
)
def test_a_text_that_is_no_spec_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(SpecError, match=said):
        read_spec(str(path), {})


@pytest.mark.parametrize("value", [{}, {"SPEC": ""}, {"SPEC": "!!!"}, {"SPEC": "_____w"}])
def test_a_bad_environment_variable_is_named(value: dict[str, str]) -> None:
    with pytest.raises(SpecError, match="SPEC"):
        read_spec("env:SPEC", value)


def test_a_missing_file_and_one_that_is_not_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match="cannot be read"):
        read_spec(str(tmp_path / "none.yaml"), {})
    with pytest.raises(SpecError, match="not UTF-8"):
        read_spec(str(tmp_path / "s.json"), {})


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    body = {**SMALL, "optim": {"lr": -1}, "budget": {"steps": 0}, "colour": "red"}
    path = tmp_path / "s.yaml"
    path.write_text(json.dumps(body))
    with pytest.raises(SpecError) as caught:
        read_spec(str(path), {})
    places = {fault.loc for fault in caught.value.faults}
    assert places == {"optim.lr", "budget.steps", "colour"}


def test_a_spec_from_before_a_setting_came_keeps_its_hash() -> None:
    body = json.loads(canonical_json(SPEC))
    assert "priority" not in body["compute"]
    before = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(before.encode()).hexdigest() == spec_hash(SPEC)


def test_a_later_setting_that_says_something_changes_the_hash() -> None:
    low = small_spec(compute={"priority": "low"})
    assert json.loads(canonical_json(low))["compute"]["priority"] == "low"
    assert spec_hash(low) != spec_hash(SPEC)
    assert RunSpec.model_validate_json(canonical_json(low)) == low
    assert RunSpec.model_validate_json(canonical_json(SPEC)) == SPEC


@pytest.mark.parametrize("place", LATER)
def test_a_later_setting_left_alone_is_not_written(place: str) -> None:
    """A place that no spec has would be left alone for ever, so each is looked up."""
    *parents, name = place.split(".")
    kind: type[BaseModel] = RunSpec
    for parent in parents:
        kind = next(one for one in parts(kind, parent) if issubclass(one, BaseModel))
    assert not kind.model_fields[name].is_required()
    body = json.loads(canonical_json(SPEC))
    for parent in parents:
        body = body.get(parent) or {}
    assert name not in body


def parts(kind: type[BaseModel], name: str) -> list[type]:
    annotation = kind.model_fields[name].annotation
    return [one for one in (annotation, *get_args(annotation)) if isinstance(one, type)]
