"""What may be submitted: exactly what was approved, for minutes, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bot.adapters.grant_signer import GrantSigner, new_key
from bot.adapters.memory import MemoryStore
from bot.domain.people import Person, Role
from bot.domain.run import Approval, Cancel, Decision, Plan, Run, RunStatus, Wish
from bot.errors import BotError, ConflictError, ForbiddenError, NotFoundError, SetupError
from bot.grant_key import main
from bot.service.grants import Grants, granted
from trainer.azureml.errors import RefusedError
from trainer.azureml.grant import public_key, verified
from trainer.contract.grant import LIFETIME_S, GrantRequest
from trainer.contract.recipe import find_recipe
from trainer.contract.spec import spec_hash

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
IMAGE = "acr.example/krsp-trainer@sha256:" + "ab" * 32
SPEC = find_recipe("tiny-sft").spec
ADA = Person("id-ada", "tenant-1", "Ada", Role.RESEARCHER)
PLAN = Plan(
    parameters=1,
    trained_parameters=1,
    steps=1,
    tokens=1,
    memory_bytes=1,
    seconds_low=1,
    seconds=1,
    seconds_high=1,
    cost_low=1,
    cost=1,
    cost_high=1,
    price_per_hour=1,
    currency="EUR",
    basis="",
)
RUN = Run("run-20261123-aaaaaa", SPEC, spec_hash(SPEC), ADA, (), PLAN, NOW)
ASKED = GrantRequest(name=RUN.id, spec_sha256=RUN.spec_sha256, code_sha256="c" * 64, image=IMAGE)
QUESTION = Approval("key", RUN.spec_sha256, "It is dear.", NOW, NOW + timedelta(hours=1))


def decided(*, approved: bool) -> Wish:
    decision = Decision(by=ADA, at=NOW, approved=approved)
    return Wish(approval=replace(QUESTION, decision=decision))


def test_a_grant_says_what_exactly_may_be_submitted_and_for_how_long() -> None:
    claims = granted(RUN, ASKED, IMAGE, NOW)
    assert claims.covers(ASKED)
    assert (claims.run_id, claims.requester) == (RUN.id, "id-ada")
    assert claims.exp - claims.iat == LIFETIME_S


def test_an_approved_run_is_granted() -> None:
    assert granted(replace(RUN, wish=decided(approved=True)), ASKED, IMAGE, NOW)


def test_a_resubmission_is_granted_under_its_own_name() -> None:
    again = replace(RUN, submission=2)
    asked = ASKED.model_copy(update={"name": f"{RUN.id}-r2"})
    assert granted(again, asked, IMAGE, NOW).run_id == RUN.id


@pytest.mark.parametrize(
    ("changes", "asked", "kind", "said"),
    [
        (None, {}, NotFoundError, "Nobody asked for the run `run-20261123-aaaaaa`"),
        ({}, {"spec_sha256": "f" * 64}, ForbiddenError, "was asked for with the spec"),
        ({}, {"image": "evil@sha256:00"}, ForbiddenError, "Jobs here run the image"),
        ({}, {"name": f"{RUN.id}-r2"}, ConflictError, "is at its submission"),
        ({"submission": 2}, {}, ConflictError, "is at its submission"),
        ({"wish": Wish(cancel=Cancel(ADA, NOW))}, {}, ForbiddenError, "was cancelled"),
        ({"wish": Wish(approval=QUESTION)}, {}, ForbiddenError, "waits for approval"),
        ({"wish": decided(approved=False)}, {}, ForbiddenError, "was rejected"),
        ({"status": RunStatus.FAILED}, {}, ConflictError, "is over"),
    ],
)
def test_everything_else_is_refused_in_words(
    changes: dict[str, Any] | None, asked: dict[str, Any], kind: type[BotError], said: str
) -> None:
    run = None if changes is None else replace(RUN, **changes)
    with pytest.raises(kind, match=said):
        granted(run, ASKED.model_copy(update=asked), IMAGE, NOW)


class FixedClock:
    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


async def test_what_the_bot_signs_the_trainer_accepts_until_it_is_old() -> None:
    store, signer = MemoryStore(), GrantSigner(new_key())
    await store.add_run(RUN, (), ())
    grants = Grants(store, FixedClock(), image=IMAGE, sign=signer.sign)
    grant = (await grants.grant(ASKED, "pipeline")).grant
    key = public_key(signer.public_text)
    at = NOW.timestamp()
    assert verified(grant, ASKED, key, lambda: at).run_id == RUN.id
    with pytest.raises(RefusedError, match="not valid at this time"):
        verified(grant, ASKED, key, lambda: at + LIFETIME_S + 61)
    other = ASKED.model_copy(update={"code_sha256": "d" * 64})
    with pytest.raises(RefusedError, match="another job, spec, code or image"):
        verified(grant, other, key, lambda: at)


def test_a_token_of_another_algorithm_is_no_grant() -> None:
    signer = GrantSigner(new_key())
    claims = granted(RUN, ASKED, IMAGE, NOW).model_dump()
    # The public key as a secret: the oldest trick against verifiers that believe the header.
    forged = jwt.encode(claims, signer.public_text.ljust(64, "="), algorithm="HS256")
    with pytest.raises(RefusedError, match="not good"):
        verified(forged, ASKED, public_key(signer.public_text), NOW.timestamp)


def test_the_public_key_is_read_from_one_line_or_from_pem() -> None:
    signer = GrantSigner(new_key())
    key = public_key(signer.public_text)
    assert isinstance(key, Ed25519PublicKey)
    assert key == public_key(signer.public_text.replace("+", "-").replace("/", "_").rstrip("="))


@pytest.mark.parametrize("text", ["", "nonsense", "YWJj", "-----BEGIN PUBLIC KEY-----"])
def test_what_is_no_key_is_refused_with_how_to_get_one(text: str) -> None:
    with pytest.raises(RefusedError, match="no Ed25519 public key"):
        public_key(text)
    with pytest.raises(SetupError, match="grant-key --new"):
        GrantSigner(text)


def test_a_key_of_one_line_is_read_too() -> None:
    pem = new_key()
    assert GrantSigner(pem.replace("\n", "\\n")).public_text == GrantSigner(pem).public_text


def test_the_command_line_prints_the_public_half(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["--new"]) == 0
    pem = capsys.readouterr().out
    monkeypatch.setenv("KRSP_GRANT_KEY", pem)
    assert main([]) == 0
    assert capsys.readouterr().out.strip() == GrantSigner(pem).public_text
    monkeypatch.delenv("KRSP_GRANT_KEY")
    assert main([]) == 1
    assert "KRSP_GRANT_KEY is no private key" in capsys.readouterr().err
