"""The stack's own authority: what is trusted, what is renewed and when."""

import hashlib
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging import topics
from ev_pipeline.messaging.handshake import log_in
from ev_pipeline.settings import Settings
from ev_pipeline.stack import certificates, signing
from ev_pipeline.stack.account import server_account
from ev_pipeline_tests.messaging.listening import WITHIN_S, listening
from ev_pipeline_tests.running_broker import RunningBroker, prepared
from ev_pipeline_tests.stack.processes import wait_until

NAMES = ("localhost", "127.0.0.1")


def fingerprint(broker: RunningBroker) -> str:
    with log_in(broker.login("stream")) as connection:
        return hashlib.sha256(connection.certificate()).hexdigest()


def test_a_certificate_out_of_date_or_of_another_name_or_authority_is_not_trusted(
    own_broker: RunningBroker, broker: RunningBroker
) -> None:
    login = own_broker.login("charger-1")
    now = datetime.now(tz=UTC)
    account = own_broker.broker.account

    def shows(names: tuple[str, ...], at: datetime) -> str:
        before = own_broker.layout.broker_certificate.read_text()
        certificates.renew(own_broker.layout, names, at, account=account)
        assert own_broker.layout.broker_certificate.read_text() != before
        own_broker.reload()
        shown = ssl.PEM_cert_to_DER_cert(own_broker.layout.broker_certificate.read_text())
        address = (login.host, login.port)
        wait_until(
            lambda: ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(address)) == shown,
            within_s=WITHIN_S,
        )
        try:
            log_in(login).close()
        except PipelineError as error:
            return str(error)
        return "trusted"

    expired = shows(NAMES, now - certificates.LIFETIME - timedelta(days=1))
    assert "expired" in expired
    assert "certificates renew" in expired
    assert "mismatch" in shows(("elsewhere.example",), now)
    assert shows(NAMES, now) == "trusted"
    with pytest.raises(PipelineError, match="not to be trusted"):
        log_in(replace(login, ca_file=broker.layout.authority))


def test_a_renewed_certificate_is_taken_up_without_a_restart(own_broker: RunningBroker) -> None:
    before, process = fingerprint(own_broker), own_broker.process
    with listening(own_broker.login("charger-1"), topics.rejections("charger-1")) as charger:
        account = own_broker.broker.account
        certificates.renew(own_broker.layout, NAMES, datetime.now(tz=UTC), account=account)
        own_broker.reload()
        wait_until(lambda: fingerprint(own_broker) != before, within_s=WITHIN_S)
        assert charger.client.is_connected
    assert own_broker.process is process
    assert process is not None
    assert process.poll() is None


def test_the_next_start_renews_what_is_near_its_end_or_lacks_a_name(home: Path) -> None:
    layout = prepared(Settings(home=home))
    now, account = datetime.now(tz=UTC), server_account()

    def is_renewed(at: datetime, *names: str) -> bool:
        return certificates.ensure_certificates(layout, names, at, account=account)

    assert not is_renewed(now, "localhost", "127.0.0.1", "::1")
    assert is_renewed(now, "localhost", "broker.example")
    assert not is_renewed(now, "broker.example")
    almost = now + certificates.LIFETIME - certificates.RENEW_BEFORE
    assert not is_renewed(almost - timedelta(minutes=1), "localhost")
    assert is_renewed(almost + timedelta(minutes=1), "localhost")
    authority = signing.read_certificate(layout.authority)
    certificate = signing.read_certificate(layout.broker_certificate)
    certificate.verify_directly_issued_by(authority)


def test_no_certificate_outlives_its_authority(home: Path) -> None:
    layout = prepared(Settings(home=home))
    late = datetime.now(tz=UTC) + certificates.AUTHORITY_LIFETIME - timedelta(days=40)
    certificates.renew(layout, NAMES, late, account=server_account())
    broker, authority = certificates.expiries(layout)
    assert broker.expires_at == authority.expires_at
    assert authority.is_authority
    assert authority.is_near(late + timedelta(days=11))
    assert "every client" in authority.mend


def test_half_an_authority_is_reported_and_left_alone(home: Path) -> None:
    layout = prepared(Settings(home=home))
    layout.authority_key.unlink()
    before = layout.authority.read_bytes()
    with pytest.raises(PipelineError, match=r"ca\.crt and ca\.key"):
        prepared(Settings(home=home))
    assert layout.authority.read_bytes() == before


def test_a_name_that_is_none_is_one_line_that_names_the_variable(home: Path) -> None:
    with pytest.raises(PipelineError, match="EV_CERTIFICATE_NAMES") as caught:
        prepared(Settings(home=home, certificate_names="broker.example ö.example"))
    assert "ö.example" in caught.value.what
