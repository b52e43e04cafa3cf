"""A password as the broker keeps it.

What lives here: that form. What does not: whose it is, or where it is kept (`broker_accounts`).
"""

import base64
import hashlib
import secrets
from typing import Final

ITERATIONS: Final = 101
"""As mosquitto_passwd has it: the passwords are random and long, so more would only slow logins."""

SALT_BYTES: Final = 12
"""As mosquitto_passwd has it."""


def password_hash(password: str) -> str:
    """The password by PBKDF2 with SHA-512 and a new salt, in mosquitto_passwd's own form.

    References:
        mosquitto_passwd(1), `-H sha512-pbkdf2`: $7$iterations$salt$hash, both in base 64.
    """
    salt = secrets.token_bytes(SALT_BYTES)
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    parts = (base64.b64encode(part).decode() for part in (salt, derived))
    return f"$7${ITERATIONS}${'$'.join(parts)}"
