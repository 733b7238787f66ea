"""Every sentence that chat says by itself, and the commands as `help` explains them."""

from bot.domain.posts import CommandHelp

COMMANDS = {
    "train": CommandHelp(
        "train [recipe] [key=value ...]",
        "Ask for a run. Alone it shows a form; nothing is spent before you press Start.",
        "train tiny-sft lr=2e-4 steps=50",
    ),
    "status": CommandHelp("status [run]", "Show how a run is doing.", "status last"),
    "runs": CommandHelp(
        "runs [mine] [state] [recipe]", "List runs, newest first.", "runs mine failed"
    ),
    "logs": CommandHelp("logs [run]", "Show the last lines of a run's log.", "logs last"),
    "metrics": CommandHelp("metrics [run]", "Show a run's numbers.", "metrics last"),
    "cancel": CommandHelp("cancel [run] [why]", "Stop a run.", "cancel last wrong data"),
    "rerun": CommandHelp(
        "rerun [run] [key=value ...]", "Plan the same again, with changes.", "rerun last lr=1e-4"
    ),
    "approve": CommandHelp("approve [run]", "Agree to somebody else's run.", "approve last"),
    "reject": CommandHelp(
        "reject [run] why", "Refuse somebody else's run, with a reason.", "reject last too long"
    ),
    "queue": CommandHelp("queue", "Show the machines and what waits for them.", "queue"),
    "schedule": CommandHelp(
        "schedule [add | pause | resume | remove] [name]",
        "List runs that come by the clock (UTC), or change them.",
        "schedule add nightly weekdays tiny-sft steps=300",
    ),
    "promote": CommandHelp(
        "promote [run] [as <name>] [machine=...] [hours=...]",
        "Serve a run's model. Shows what that costs first; nothing is spent before Start.",
        "promote last as assistant hours=8",
    ),
    "models": CommandHelp("models [name]", "List models, and what is served where.", "models"),
    "undeploy": CommandHelp(
        "undeploy [endpoint] [why]", "End what is served; the model stays.", "undeploy assistant"
    ),
    "sweep": CommandHelp(
        "sweep [recipe] [key=value,value ...] [key=low..high[:log]] [budget=...] [parallel=...]",
        "Try several values as runs under one budget; the best run is told. Shows the cost of all "
        "first; nothing is spent before `sweep start`.",
        "sweep tiny-sft lr=1e-3,2e-3,5e-3 seed=0,1 budget=2",
    ),
    "whoami": CommandHelp("whoami", "Show who I think you are, and what you may do.", "whoami"),
    "help": CommandHelp("help [command]", "Show this.", "help train"),
}

GREETING = (
    "Hello. I start trainings of language models, tell here how they go, and keep who did what. "
    "Say `train` to begin."
)
WELCOME = (
    "Hello. I am the training bot. Say `train` for a run, `runs` to see what goes on, `help` for "
    "the rest. In a channel, mention me first."
)
NO_RUNS = "There are no runs yet. Say `train` to ask for one."
NO_RUNS_MATCH = "No run matches that. `runs` lists all."
NO_OWN_RUNS = "You have no runs yet. Say `train` to ask for one, or name a run: `{example}`."
NO_LOG = "`{name}` has written no log yet; it is {status}."
NO_METRICS = "`{name}` has no numbers yet; it is {status}."
NOTHING_TO_DECIDE = "No run waits for approval."
WHICH_TO_DECIDE = "Several runs wait for approval; name one: {runs}."
PLAN_REPLACED = "Changed; the new form is below."
ALREADY_STARTED = "It is started already: `{run}`."
STARTED = "`{name}` is on its way."
ASKED = "`{name}` waits for another person to agree."
SURE_TO_CANCEL = "Stop `{name}` for good? Its logs and its last checkpoint stay."
STOPPING = "`{name}` is being stopped; its last checkpoint stays."
STOPPED = "`{name}` is stopped."
APPROVED = "You agreed to `{name}`; it is on its way."
REJECTED = "You rejected `{name}`; {requester} is told."
BAD_CLICK = "This card does not tell me what to do. Ask anew with `train` or `help`."
SAY_AGAIN = "Something broke on my side ({code}). Nothing was started by it. Please try again."
LOCAL_NOTICE = (
    "Local profile: anybody at this machine can act as anybody. Four eyes shows how it works here; "
    "it does not protect."
)
