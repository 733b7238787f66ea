"""A promotion and its facts: a run's model on its way to an endpoint, and what serves it there."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.people import Person, Thread
from bot.domain.run import Approval, Cancel, PipelineSeen
from trainer.contract.names import job_name


class PromotionStatus(StrEnum):
    """The only list of a promotion's states."""

    AWAITING_APPROVAL = "awaiting_approval"
    QUEUED = "queued"
    REGISTERING = "registering"
    DEPLOYING = "deploying"
    TESTING = "testing"
    LIVE = "live"
    UNDEPLOYING = "undeploying"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    RETIRED = "retired"

    @property
    def awaits_approval(self) -> bool:
        """Return whether another person has to agree first."""
        return self is PromotionStatus.AWAITING_APPROVAL

    @property
    def is_final(self) -> bool:
        """Return whether nothing can follow."""
        return self in FINAL

    @property
    def is_settled(self) -> bool:
        """Return whether its people wait for nothing: it is over, or it serves."""
        return self.is_final or self is PromotionStatus.LIVE


FINAL = frozenset(
    {
        PromotionStatus.FAILED,
        PromotionStatus.ROLLED_BACK,
        PromotionStatus.CANCELLED,
        PromotionStatus.REJECTED,
        PromotionStatus.EXPIRED,
        PromotionStatus.RETIRED,
    }
)


@dataclass(frozen=True)
class PromotionPlan:
    """What a promotion was expected to take when it was asked for; money in `currency`.

    `hours` count from when it is live; `order_sha256` names what exactly would be done.
    `instances_in_switch`: how many machines the quota must have room for while both are up.
    """

    machine: str
    instances: int
    instances_in_switch: int
    hours: float
    price_per_hour: float  # of all instances
    currency: str
    model_sha256: str
    order_sha256: str
    replaces: str | None = None  # the promotion that is live on the endpoint now
    warnings: tuple[str, ...] = ()

    @property
    def cost(self) -> float:
        """Return what it costs until it expires."""
        return self.price_per_hour * self.hours


@dataclass(frozen=True)
class PromotionWish:
    """What people want of a promotion; `undeploy` is the system's when it expires."""

    approval: Approval | None = None
    cancel: Cancel | None = None
    undeploy: Cancel | None = None


class DeploymentState(StrEnum):
    """What a deployment is doing."""

    CREATING = "creating"
    READY = "ready"
    UNHEALTHY = "unhealthy"  # it does not answer, or is being started again
    FAILED = "failed"
    DELETING = "deleting"


@dataclass(frozen=True)
class DeploymentSeen:
    """One colour of an endpoint; `traffic` in percent, `key` is the promotion that made it."""

    colour: str
    key: str
    run_id: str
    model: str
    version: str
    state: DeploymentState
    traffic: int = 0
    note: str = ""


@dataclass(frozen=True)
class EndpointSeen:
    """What serves at an address that stays the same whichever deployment has the traffic."""

    name: str
    url: str
    deployments: tuple[DeploymentSeen, ...] = ()
    expires_at: datetime | None = None
    note: str = ""

    @property
    def live(self) -> DeploymentSeen | None:
        """Return the deployment that has the traffic."""
        return next((each for each in self.deployments if each.traffic > 0), None)

    def of(self, key: str) -> DeploymentSeen | None:
        """Return the deployment that a promotion made."""
        return next((each for each in self.deployments if each.key == key), None)


@dataclass(frozen=True)
class ModelVersion:
    """A registered version of a model, and where it comes from."""

    model: str
    version: str
    run_id: str
    stage: str  # candidate, production, or empty
    model_sha256: str
    created_at: datetime
    eval_loss: float | None = None
    lineage: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PromotionSeen:
    """What pipelines and endpoint said when we last looked; `removal` is undeploying's pipeline."""

    pipeline: PipelineSeen | None = None
    removal: PipelineSeen | None = None
    endpoint: EndpointSeen | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Promotion:
    """One request to serve a run's model; `version` counts saves (optimistic locking).

    Its events stand in the trail of its run. `submission` and `removals` count how often its
    pipelines were started: a pipeline run's name is spent once it has ended.
    """

    id: str
    run_id: str
    run_name: str
    model: str
    endpoint: str
    requester: Person
    threads: tuple[Thread, ...]
    plan: PromotionPlan
    order: str  # what the pipeline is told, base64url of its JSON
    created_at: datetime
    wish: PromotionWish = PromotionWish()
    seen: PromotionSeen = PromotionSeen()
    status: PromotionStatus = PromotionStatus.QUEUED
    expires_at: datetime | None = None  # known once it is live
    live_at: datetime | None = None
    ended_at: datetime | None = None
    version: int = 0
    submission: int = 1
    removals: int = 1

    @property
    def name(self) -> str:
        """Return the name of its present pipeline run: the id, then `<id>-r2`, `-r3`."""
        return job_name(self.id, self.submission)

    @property
    def removal_name(self) -> str:
        """Return the name of the pipeline run that undeploys it."""
        return f"{self.id}-u{self.removals}"
