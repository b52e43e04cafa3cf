"""The way to the database: how a silence on it is noticed."""

import os
import socket

import psycopg2
import pytest
import sqlalchemy as sa

from ev_pipeline.settings import Settings
from ev_pipeline.storage.engine import SILENT_FOR_S, connect
from ev_pipeline.storage.frames import read_frame

TCP_USER_TIMEOUT = 18
"""Linux's number for it, which `socket` knows only where it was compiled in."""


def option(engine: sa.Engine, level: int, name: int) -> int:
    """What the kernel is told of a connection of the engine's."""
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg2.extensions.connection)
        with socket.socket(fileno=os.dup(driver.fileno())) as ours:
            return ours.getsockopt(level, name)


def test_a_connection_that_goes_silent_is_given_up_in_time(engine: sa.Engine) -> None:
    tcp = socket.IPPROTO_TCP
    assert option(engine, socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    probed_s = option(engine, tcp, socket.TCP_KEEPIDLE) + option(
        engine, tcp, socket.TCP_KEEPINTVL
    ) * option(engine, tcp, socket.TCP_KEEPCNT)
    assert probed_s == SILENT_FOR_S
    assert option(engine, tcp, TCP_USER_TIMEOUT) == SILENT_FOR_S * 1000


@pytest.mark.parametrize("own", ["?tcp_user_timeout=5000", "?tcp_user_timeout=5000&sslmode=prefer"])
def test_what_an_address_says_itself_holds(settings: Settings, own: str) -> None:
    engine = connect(settings.model_copy(update={"database_url": f"{settings.database_url}{own}"}))
    assert option(engine, socket.IPPROTO_TCP, TCP_USER_TIMEOUT) == 5000
    assert read_frame(engine, "select 1 as one")["one"].to_list() == [1]
    engine.dispose()
