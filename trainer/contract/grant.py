"""A grant: the bot's signed word that one job may be submitted, which ends after minutes.

Azure knows who submits, not whether a run was approved. So the one verb that spends money asks
first, and what it is told holds for exactly one name, spec and image
(docs/decisions/0018-a-job-needs-a-grant.md).
"""

from pydantic import BaseModel, ConfigDict, Field

ALGORITHM = "EdDSA"
ISSUER = "krsp-bot"
AUDIENCE = "krsp-submit"
LIFETIME_S = 600
# Where to ask, below the bot's address.
PATH = "/api/v1/grants"

SHA256 = r"^[0-9a-f]{64}$"


class GrantRequest(BaseModel):
    """What `submit` is about to do. `name` is the job's, `image` the one it will run, by digest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    spec_sha256: str = Field(pattern=SHA256)
    code_sha256: str = Field(pattern=SHA256)
    image: str = Field(min_length=1, max_length=500)


class GrantAnswer(BaseModel):
    """The grant, a JWT over `GrantClaims`."""

    model_config = ConfigDict(frozen=True)

    grant: str


class GrantClaims(BaseModel):
    """What a grant says: `sub` is the job's name; the request it answers, and for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    iss: str = ISSUER
    aud: str = AUDIENCE
    sub: str
    run_id: str
    spec_sha256: str
    code_sha256: str
    image: str
    requester: str = ""  # the person's directory object id, for the job's tags
    iat: int
    exp: int

    def covers(self, request: GrantRequest) -> bool:
        """Return whether this is the answer to `request`."""
        mine = (self.sub, self.spec_sha256, self.code_sha256, self.image)
        return mine == (request.name, request.spec_sha256, request.code_sha256, request.image)
