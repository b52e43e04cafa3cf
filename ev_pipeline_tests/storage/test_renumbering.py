"""A change log whose transactions another server counted."""

import sqlalchemy as sa

from ev_pipeline.storage.changes import horizon_now
from ev_pipeline.storage.renumbering import renumber_transactions

FAR = 5_000_000_000
"""More transactions than a new server has seen, and than 32 bits hold."""

_READ = """
    select reader, array_agg(c.seq order by c.seq) filter (where c.xid < r.horizon),
        array_agg(c.seq order by c.seq) filter (where c.xid >= r.horizon)
    from ev_reader r cross join (select seq, xid from ev_session_change) c
    group by reader order by reader
"""


def _read_by_each(engine: sa.Engine) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(_READ)]


def test_each_reader_has_read_what_it_had_read_and_nothing_lies_in_the_future(
    engine: sa.Engine,
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("delete from ev_reader")
        connection.exec_driver_sql(
            f"""
            insert into ev_session_change (xid, session_id, revision, kind, sign, scope,
                station_id, started_at, ended_at, energy_kwh)
            select ({FAR} + mod(n, 7) * 100)::text::xid8, gen_random_uuid(), 1, 'insert', 1,
                's', 'A', now(), now(), 1
            from generate_series(1, 40) n
            """
        )
        connection.exec_driver_sql(
            f"""
            insert into ev_reader (reader, horizon, seq, read_at) values
                ('begins', '0', 0, now()), ('early', '{FAR}', 0, now()),
                ('middle', '{FAR + 250}', 0, now()), ('same', '{FAR + 250}', 0, now()),
                ('at', '{FAR + 400}', 0, now()), ('done', '{FAR + 9000}', 0, now())
            """
        )
    before = _read_by_each(engine)
    assert len({str(read) for _, *read in before}) == 4
    renumber_transactions(engine)
    assert _read_by_each(engine) == before
    with engine.connect() as connection:
        now = int(horizon_now(connection))
        highest = "select max(x)::text from (select max(xid) from ev_session_change union all"
        highest += " select max(horizon) from ev_reader) m (x)"
        assert int(connection.exec_driver_sql(highest).scalar_one()) < now
