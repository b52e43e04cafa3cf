"""What chargers do not wait for: runs and loads give way to the stream.

What lives here: how far. What does not: who does so (`code_server`, `cli.load`).
"""

import os
import sys
from typing import Final

NICENESS: Final = 10
"""Of runs and loads: where both want the same core, they get a tenth of the time that chargers'
sessions get."""


def let_chargers_go_first() -> None:
    """This process, and what it starts, leave one core alone and want the others less than others.

    Niceness is not enough: what waits for the network some hundred times a second is slow to wake
    while every core is at work, whoever works there.
    """
    os.nice(NICENESS)
    if sys.platform == "linux":
        cores = os.sched_getaffinity(0)
        if len(cores) > 1:
            os.sched_setaffinity(0, cores - {min(cores)})
