"""Who gives a command, for records of what was done.

What lives here: the name. What does not: any record.
"""

import os
from getpass import getuser


def who() -> str:
    """The login name; the user's number where there is none, as in containers."""
    try:
        return getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
