"""What the interpreter refuses."""

from bot.errors import SetupError


class PipelineError(SetupError):
    """A pipeline file is wrong or outside the subset; the sentence names file and line."""

    code = "pipeline_file"


class ExpressionError(Exception):
    """An expression cannot be read or computed; whoever knows its file and line adds them."""
