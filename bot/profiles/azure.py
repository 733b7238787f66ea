"""The azure profile: Azure Pipelines, Azure ML, Entra ID and Teams, as one identity of the bot."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bot.adapters.azure.credential import Identity, Tokens
from bot.adapters.azure.data import AzureData
from bot.adapters.azure.devops import DevOps
from bot.adapters.azure.hooks import Hooks as ServiceHooks
from bot.adapters.azure.jobs import AzureJobs
from bot.adapters.azure.pipelines import AzurePipelines
from bot.adapters.azure.pipelines import Files as PipelineFiles
from bot.adapters.azure.registry import AzureRegistry
from bot.adapters.azure.tracking import AzureTracking
from bot.adapters.azure.workspace import Workspace
from bot.adapters.directory import StoreDirectory
from bot.adapters.grant_signer import GrantSigner
from bot.adapters.hub import Hub
from bot.adapters.sql import Password
from bot.oidc import Provider, TokenVerifier
from bot.profiles.parts import Base, Parts
from bot.service.grants import Grants
from bot.settings import Settings, load_clusters
from bot.teams.authentication import AppIdentity, AppType, TokenRequired
from bot.teams.keys import SigningKeys
from bot.teams.tokens import AppTokens
from bot.web.hooks import Hooks
from bot.web.sign_in.composition import Around, issuer_of, sign_in_of, verifier_of


@asynccontextmanager
async def azure_parts(base: Base) -> AsyncIterator[Parts]:
    """Yield the parts; the clients' threads end with the context."""
    settings, clock = base.settings, base.clock
    identity = Identity.of(settings)
    devops, workspace = DevOps.of(settings), Workspace.of(settings)
    clusters = load_clusters(settings.clusters_file)
    jobs = AzureJobs(workspace, clusters)
    directory = StoreDirectory(base.store.people, clock)
    data = AzureData(workspace)
    async with AsyncExitStack() as stack:
        stack.callback(devops.close)
        stack.callback(workspace.close)
        own = identity.for_coroutines()
        around = Around(directory, base.store, clock, identity=own, environment=os.environ)
        yield Parts(
            pipelines=AzurePipelines(devops, PipelineFiles.of(settings), clock),
            jobs=jobs,
            tracking=AzureTracking(base.home, workspace, jobs.job_of),
            registry=AzureRegistry(workspace),
            directory=directory,
            find_data=data.find,
            find_folder=data.find_folder,
            find_model=Hub(base.home / "cache" / "hub", os.environ).find,
            keeper=TokenRequired(_registration(settings), SigningKeys(clock)),
            tenants=frozenset({settings.tenant_id}),
            door=sign_in_of(settings, around),
            tokens=AppTokens(identity.of_app(settings.bot_app_id), clock),
            grants=_grants(base),
            hooks=_hooks(base, workspace.resource_id).routes(),
            machines=frozenset((entry.sku, entry.priority) for entry in clusters),
            looks=[ServiceHooks(devops, settings).disabled],
            sign_in_url=f"{settings.public_url}/auth/sign-in",
        )


def store_password(settings: Settings) -> Password:
    """Return what gives a fresh token for PostgreSQL, for each new connection."""
    return Tokens(Identity.of(settings)).database_password


def _registration(settings: Settings) -> AppIdentity:
    return AppIdentity(AppType.SINGLE_TENANT, settings.bot_app_id, settings.tenant_id)


def _grants(base: Base) -> Grants:
    settings = base.settings
    signer = GrantSigner(settings.grant_key.get_secret_value())
    return Grants(base.store, base.clock, image=settings.trainer_image, sign=signer.sign)


def _hooks(base: Base, workspace_id: str) -> Hooks:
    settings, clock = base.settings, base.clock
    plain = verifier_of(settings, Provider(issuer_of(settings), clock), clock)
    events = plain.audiences | frozenset({settings.events_audience} - {""})
    verifier = TokenVerifier(plain.issuers, events, plain.keys, plain.now)
    return Hooks(
        bell=base.bell,
        claim=base.store.claim,
        now=clock.now,
        user=settings.hooks_user,
        password=settings.hooks_password.get_secret_value(),
        verify=verifier.verify,
        workspace=workspace_id,
    )
