"""Moves the world of promotions: pipelines, and what is served where."""

from dataclasses import replace

from bot.domain.promotion import DeploymentSeen, DeploymentState, EndpointSeen, Promotion
from bot.domain.promotion_posts import PromotionPlanPost
from bot.domain.run import PipelineSeen, PipelineState, Run, RunStatus, StageSeen

RUNNING, DONE, FAILED = PipelineState.RUNNING, PipelineState.SUCCEEDED, PipelineState.FAILED
HOUR = 3600


class Serving:
    """The hand that moves a promotion in the world of `tests.bot.conftest`."""

    def __init__(self, world) -> None:
        self.world = world

    async def good_run(self, text: str = "train tiny-sft") -> Run:
        return await self.world.to_status(RunStatus.SUCCEEDED, text)

    async def plan(self, text: str, who: str = "alex") -> PromotionPlanPost:
        (post,) = await self.world.say(text, who)
        assert isinstance(post, PromotionPlanPost), post
        return post

    async def press_start(self, post: PromotionPlanPost, who: str = "alex", **changes: str):
        data = {
            "action": "promote_start",
            "promotion": post.promotion_id,
            "run": post.run_id,
            "order": post.plan.order_sha256,
            "for": post.requester_id,
            "model": post.model,
            "endpoint": post.endpoint,
            "machine": post.plan.machine,
            "hours": f"{post.plan.hours:g}",
            "instances": str(post.plan.instances),
        }
        return await self.world.click(who, **{**data, **changes})

    async def start(self, text: str = "promote last as tiny", who: str = "alex") -> Promotion:
        post = await self.plan(text, who)
        await self.press_start(post, who)
        return await self.get(post.promotion_id)

    async def get(self, promotion_id: str) -> Promotion:
        promotion = await self.world.store.promotions.promotion(promotion_id)
        assert promotion is not None
        return promotion

    def stages(self, name: str, state: PipelineState, **stages: PipelineState) -> None:
        seen = tuple(StageSeen(each, value) for each, value in stages.items())
        self.world.pipelines.put(name, PipelineSeen(state, seen))

    def fail(self, name: str, stage: str, fault: str) -> None:
        stages = {"register": DONE, "deploy": FAILED} if stage == "deploy" else {stage: FAILED}
        seen = tuple(StageSeen(each, value) for each, value in stages.items())
        self.world.pipelines.put(name, PipelineSeen(FAILED, seen, fault=fault))

    def put(
        self,
        promotion: Promotion,
        *,
        traffic: int,
        colour: str = "blue",
        state: DeploymentState = DeploymentState.READY,
    ) -> None:
        """Let a deployment be there; one with traffic takes it from the others."""
        known = self.world.registry.served.get(promotion.endpoint)
        url = f"http://127.0.0.1:3978/endpoints/{promotion.endpoint}/v1"
        endpoint = known or EndpointSeen(promotion.endpoint, url)
        mine = DeploymentSeen(
            colour, promotion.id, promotion.run_id, promotion.model, "1", state, traffic
        )
        others = [each for each in endpoint.deployments if each.key != promotion.id]
        if traffic:
            others = [replace(each, traffic=0) for each in others]
        served = replace(endpoint, deployments=(*others, mine))
        self.world.registry.served[promotion.endpoint] = served

    def remove(self, promotion: Promotion) -> None:
        """Let a deployment be gone, and the endpoint with the last one."""
        endpoint = self.world.registry.served[promotion.endpoint]
        rest = tuple(each for each in endpoint.deployments if each.key != promotion.id)
        if rest:
            served = replace(endpoint, deployments=rest)
            self.world.registry.served[promotion.endpoint] = served
        else:
            del self.world.registry.served[promotion.endpoint]

    async def to_live(self, promotion: Promotion, colour: str = "blue") -> Promotion:
        """Let everything go well."""
        await self.world.sweep()
        self.stages(promotion.name, RUNNING, register=RUNNING)
        await self.world.sweep()
        self.stages(promotion.name, RUNNING, register=DONE, deploy=RUNNING)
        state = DeploymentState.CREATING
        self.put(promotion, traffic=0, colour=colour, state=state)
        await self.world.sweep()
        self.put(promotion, traffic=0, colour=colour)
        await self.world.sweep()
        self.put(promotion, traffic=100, colour=colour)
        self.stages(promotion.name, DONE, register=DONE, deploy=DONE)
        await self.world.sweep()
        return await self.get(promotion.id)

    async def kinds(self, promotion: Promotion) -> list[str]:
        """Return the kinds of the messages about the promotion, in order."""
        found = await self.world.store.messages(run_id=promotion.run_id)
        return [m.post.kind for m in found if m.key.startswith(f"{promotion.id}/")]
