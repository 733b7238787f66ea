"""`python -m trainer estimate`: each part in words, and the cost by one price list."""

import argparse
import json
from pathlib import Path

import pytest

from tests.trainer.small import small_spec
from trainer.estimating import add_arguments, main


def say(folder: Path, *options: str) -> int:
    spec = folder / "spec.json"
    spec.write_text(small_spec().model_dump_json())
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return main(parser.parse_args([str(spec), *options]))


def test_memory_is_told_by_part_with_a_range(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(tmp_path) == 0
    words = capsys.readouterr().out
    for part in ("weights", "gradients", "optimizer", "activations", "FLOPs", "GB ("):
        assert part in words
    assert "cost" not in words


def test_a_price_gives_a_cost_with_a_range(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(tmp_path, "--price", "3600", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    seconds = (found["seconds_low"], found["seconds"], found["seconds_high"])
    assert found["cost"] == pytest.approx(seconds)


def test_the_bots_policy_file_is_a_price_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = tmp_path / "policy.yaml"
    prices.write_text("version: 1\nprices: {local-cpu: 1.0, local-cpu/dedicated: 7200}\n")
    assert say(tmp_path, "--prices", str(prices), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cost"][1] == pytest.approx(2 * found["seconds"])


@pytest.mark.parametrize(
    ("text", "said"), [("prices: {big: 1}", "no price for local-cpu"), ("- 1", "cannot be read")]
)
def test_a_list_without_the_price_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    prices = tmp_path / "policy.yaml"
    prices.write_text(text)
    assert say(tmp_path, "--prices", str(prices)) == 2
    assert said in capsys.readouterr().err
