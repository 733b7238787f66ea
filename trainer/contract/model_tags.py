"""Tags of registered models, endpoints and deployments: written by the trainer, read by the bot."""

APP = "krsp.app"  # of an endpoint or deployment of ours: `krsp`
KEY = "krsp.promotion"  # whose a deployment is
RUN, JOB = "krsp.run_id", "krsp.job"
MODEL, VERSION = "krsp.model", "krsp.model_version"
HASH, LOSS = "krsp.model_sha256", "krsp.eval_loss"
UNTIL = "krsp.expires_at"
STAGE = "krsp.stage"  # of a version: one of the stages; in MLflow an alias says it

CANDIDATE, PRODUCTION = "candidate", "production"
STAGES = (PRODUCTION, CANDIDATE)
