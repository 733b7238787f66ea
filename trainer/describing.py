"""Write the data card of a run: early, so that a run that fails has one, and again with tokens."""

from typing import Any

from trainer.checkpoint import write_whole
from trainer.context import Context
from trainer.contract.progress import Phase, PhaseLine
from trainer.data.card import data_card
from trainer.data.cautions import cautions
from trainer.data.census import Histogram
from trainer.data.gather import Gathered
from trainer.outside import DATA_CARD


def describe_data(context: Context, gathered: Gathered, loop: Any = None) -> None:
    """Write the card among the run's files; with `loop` what its encoding of the rows gave.

    Does nothing without a census: of several processes one counts.
    """
    census = gathered.census
    if census is None:
        return
    context.output.mkdir(parents=True, exist_ok=True)
    if loop is None:
        found = cautions(census, context.spec.data)
        if found:
            note = f"{'; '.join(f'{one.count} {one.what}' for one in found)}: see {DATA_CARD}"
            context.progress.write(PhaseLine, phase=Phase.DATA, note=note)
        card = data_card(context.spec, gathered, census)
    else:
        lengths = _histogram(getattr(loop, "lengths", ()))
        card = data_card(context.spec, gathered, census, line=loop.data, lengths=lengths)
    write_whole(context.output / DATA_CARD, card)


def _histogram(lengths: Any) -> Histogram | None:
    found = Histogram()
    for length in lengths:
        found.add(int(length))
    return found if found.count else None
