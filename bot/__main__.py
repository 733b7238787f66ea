"""The command line: `python -m bot {serve,ask,migrate,doctor,hooks,grant-key,openapi,demo}`."""

import sys
from collections.abc import Callable, Sequence

VERBS = {
    "serve": "run the bot, its pages and its loop",
    "ask": "speak to the running bot from this terminal",
    "migrate": "bring the store to this version",
    "doctor": "look at all that an installation in Azure needs",
    "hooks": "show or repair the service hooks of Azure DevOps",
    "grant-key": "make or show the key that grants jobs in Azure",
    "openapi": "print the OpenAPI document of the REST interface",
    "demo": "start bot and Playground, ask for one run (what `make demo` calls)",
}


def main(argv: Sequence[str]) -> int:
    """Run one verb; each loads only what it needs."""
    verb, rest = (argv[0], list(argv[1:])) if argv else ("help", [])
    if verb in ("help", "-h", "--help"):
        print(usage())
        return 0
    if verb not in VERBS:
        print(f"There is no `python -m bot {verb}`.\n\n{usage()}", file=sys.stderr)
        return 2
    return _loaded(verb)(rest)


def usage() -> str:
    """Return what can be typed."""
    lines = (f"  {verb:<9} {what}" for verb, what in VERBS.items())
    return "\n".join(["usage: python -m bot VERB [...]", "", *lines])


def _loaded(verb: str) -> Callable[[list[str]], int]:
    if verb == "ask":
        from bot.ask import main as run
    elif verb == "demo":
        from bot.demo import main as run
    elif verb == "doctor":
        from bot.upkeep import doctor_main as run
    elif verb == "hooks":
        from bot.upkeep import hooks_main as run
    elif verb == "grant-key":
        from bot.grant_key import main as run
    elif verb == "openapi":
        from bot.web.openapi import main as run
    elif verb == "migrate":
        from bot.app import migrate_main as run
    else:
        from bot.app import serve_main as run
    return run


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
