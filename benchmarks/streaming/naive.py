"""What most would write first: one commit a message, all aggregates computed anew for each.

What lives here: that, with PostgreSQL alone, on a copy of the stored sessions with their indexes.
What does not: the stream. No broker, decoding, validation or label slows it down.
"""

import time
from typing import Final

import sqlalchemy as sa

from benchmarks.streaming.stand import Stand

LEAST_S: Final = 5.0

_COPY: Final = (
    "create table naive_session (like ev_session including all)",
    "insert into naive_session select * from ev_session",
    "create table naive_summary (name text primary key, document jsonb)",
    "analyze naive_session",
)

_INSERT: Final = sa.text("""
    insert into naive_session
    select (jsonb_populate_record(s, jsonb_build_object('session_id', gen_random_uuid()))).*
    from naive_session s limit 1
""")

_AGGREGATES: Final = tuple(
    sa.text(f"""
        insert into naive_summary
        select '{name}', jsonb_agg(g) from (
            select {key} as key, count(*) as n, sum(energy_kwh) as energy_kwh, sum(cost) as cost,
                avg(extract(epoch from ended_at - started_at)) as mean_s
            from naive_session group by 1) g
        on conflict (name) do update set document = excluded.document
    """)
    for name, key in (
        ("whole", "1"),
        ("days", "date_trunc('day', started_local_at)"),
        ("hours", "extract(hour from started_local_at)"),
        ("users", "user_id"),
        ("stations", "station_id"),
    )
)


def messages_per_s(stand: Stand) -> float:
    """How many messages a second the naive design stores."""
    with stand.engine.begin() as connection:
        for statement in _COPY:
            connection.execute(sa.text(statement))
    began, n = time.perf_counter(), 0
    while time.perf_counter() - began < LEAST_S:
        with stand.engine.begin() as connection:
            connection.execute(_INSERT)
            for aggregate in _AGGREGATES:
                connection.execute(aggregate)
        n += 1
    rate = n / (time.perf_counter() - began)
    with stand.engine.begin() as connection:
        connection.execute(sa.text("drop table naive_session, naive_summary"))
    return rate
