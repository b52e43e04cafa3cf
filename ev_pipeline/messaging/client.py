"""The one MQTT 5 client: worker, sensor, publishing op and simulator speak through it.

It connects and reconnects by itself, subscribes anew each time, acknowledges only what its caller
says and only on the connection that delivered, and tells what became of each published message.
What lives here: the connection. What does not: topics' meaning and payloads.
"""

import contextlib
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, wait
from typing import Any, Final, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ev_pipeline.domain.errors import PipelineError
from ev_pipeline.messaging.carried import new_properties, publish_properties
from ev_pipeline.messaging.handshake import log_in
from ev_pipeline.messaging.login import Login
from ev_pipeline.messaging.messages import TOO_LARGE, Message, Outcome
from ev_pipeline.messaging.outcomes import Outcomes, known
from ev_pipeline.messaging.session import Session
from ev_pipeline.messaging.wire import ReadAhead, Wire

QOS: Final = 1
"""At least once, everywhere: identity makes repeats harmless, and losses are not."""

KEEP_ALIVE_S: Final = 30
"""A connection that is silent for half as long again is given up, by either side, s."""

LEAST_DELAY_S: Final = 1
GREATEST_DELAY_S: Final = 30
"""Pauses before connecting again double from the one to the other, s."""

RECEIVE_MAXIMUM: Final = 5000
"""How many messages may be unacknowledged; the broker's own limit (`max_inflight_messages`)."""

HEADER_BYTES: Final = 9
"""Of a PUBLISH, at most: its kind, its length, the topic's length, its id."""

NOTHING: Final = "ev/nothing"
"""A topic that nobody subscribes to: to end a subscription to it is a question that every broker
answers, and that paho lets a caller ask, unlike PINGREQ."""

NO_WINDOW: Final = 0
"""Publishers keep a window of their own: paho would look through all of its own at each answer."""


class Client:
    """One account's connection to the broker, from `start` to `stop`.

    Args:
        login: who connects where.
        session: what for.
    """

    def __init__(self, login: Login, session: Session) -> None:
        self._login = login
        self._session = session
        self._paho = self._make()
        self._subscribed = threading.Event()
        self._generation = 0
        self._generation_lock = threading.Lock()
        self._refusal: str | None = None
        self._greatest_packet: int | None = None
        self._outcomes = Outcomes()

    def __enter__(self) -> Self:
        """The client connects, and goes on doing so."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """The connection is over."""
        self.stop()

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted the login and every subscription, and is still there."""
        return self._subscribed.is_set()

    def start(self) -> None:
        """From now on the client connects, and connects again, without waiting for it."""
        properties = new_properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = self._session.expiry_s
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        self._paho.connect_async(
            self._login.host,
            self._login.port,
            KEEP_ALIVE_S,
            clean_start=self._session.expiry_s == 0,
            properties=properties,
        )
        self._paho.loop_start()

    def is_connected_within(self, seconds: float) -> bool:
        """Whether it is there, or comes in time."""
        return self._subscribed.wait(seconds)

    def wait_connected(self, within_s: float) -> None:
        """The connection is there.

        Raises:
            PipelineError: it is not in time; says why.
        """
        if self.is_connected_within(within_s):
            return
        log_in(self._login).close()  # says what is wrong, which a client that tries again hides
        raise PipelineError(
            f"no connection within {within_s:g} s ({self._refusal or 'no answer'})",
            mend="see logs/mosquitto.log under EV_HOME",
            where=self._login.address,
        )

    def drain(self, within_s: float) -> None:
        """The broker has answered for what was published, or the time is over.

        A connection that ends while the broker still sends ends with what is on its way to it, too.
        """
        wait(self._outcomes.unanswered(), within_s)

    def stop(self) -> None:
        """The connection is over, without a will; what was not answered for has no reason code."""
        self._paho.disconnect()
        # paho looks at its thread twice, which may have ended, and be None, in between.
        with contextlib.suppress(AttributeError):
            self._paho.loop_stop()
        self._subscribed.clear()
        self._outcomes.close()

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        is_retained: bool = False,
        response_topic: str | None = None,
        correlation: bytes | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> Future[Outcome]:
        """The message is on its way, now or with the next connection.

        Whoever sends many waits for the answers to some hundred before the next ones.

        Args:
            topic: where to.
            payload: what.
            is_retained: whether it is kept for whoever subscribes later.
            response_topic: for a request: where it is to be answered.
            correlation: for a request: what its answer must carry; for an answer: what it carried.
            properties: properties of ours that go with it.

        Returns:
            What becomes of it; it comes from the network's thread.
        """
        carried = publish_properties(response_topic, correlation, properties)
        packed = carried.pack()  # type: ignore[no-untyped-call]  # paho leaves it untyped
        size = HEADER_BYTES + len(topic.encode()) + len(packed) + len(payload)
        if self._greatest_packet is not None and size > self._greatest_packet:
            return known(Outcome(TOO_LARGE))
        sent = self._paho.publish(topic, payload, QOS, is_retained, carried)
        if sent.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            return known(Outcome(None))
        return self._outcomes.expect(sent.mid)

    def ask(self) -> Future[Outcome]:
        """Have the broker say something on this connection; nothing changes by it.

        Returns:
            Its word; without a reason code, or not at all, where the connection is lost.
        """
        code, packet_id = self._paho.unsubscribe(NOTHING)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or packet_id is None:
            return known(Outcome(None))
        return self._outcomes.expect(packet_id)

    def acknowledge(self, *messages: Message) -> bool:
        """The broker may forget the messages, if it is still the connection that delivered them.

        Packet ids start again with each connection: on a later one the same id means another
        message, so the broker sends these again and the caller meets them as repeats.

        Returns:
            Whether all of them were acknowledged.
        """
        with self._generation_lock:
            ids = [one.packet_id for one in messages if one.generation == self._generation]
            if ids:
                self._paho.acknowledge(ids)
        return len(ids) == len(messages)

    def _make(self) -> Wire:
        client = Wire(
            CallbackAPIVersion.VERSION2,
            client_id=self._session.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        client.username_pw_set(self._login.username, self._login.password)
        tls = self._login.tls()
        tls.sslsocket_class = ReadAhead
        client.tls_set_context(tls)
        client.reconnect_delay_set(LEAST_DELAY_S, GREATEST_DELAY_S)
        client.max_inflight_messages_set(NO_WINDOW)
        if self._session.will:
            client.will_set(self._session.will.topic, self._session.will.payload, QOS, retain=True)
        client.on_pre_connect = lambda *_: self._end_generation()
        client.on_connect = self._on_connect
        client.on_disconnect = lambda *_: self._end_generation()
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_unsubscribe = self._on_unsubscribe
        return client

    def _end_generation(self) -> None:
        """No message that came so far can be acknowledged any more.

        Under the lock: an acknowledgement is queued either before, and goes with its connection, or
        not at all.
        """
        self._subscribed.clear()
        with self._generation_lock:
            self._generation += 1

    def _on_connect(
        self,
        _client: paho.Client,
        _data: Any,
        _flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
            return
        self._refusal = None
        self._greatest_packet = getattr(properties, "MaximumPacketSize", None)
        if self._session.topics:
            self._paho.subscribe([(topic, QOS) for topic in self._session.topics])
        else:
            self._become_ready()

    def _on_subscribe(
        self,
        _client: paho.Client,
        _data: Any,
        _packet_id: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            self._refusal = f"a subscription is refused: {refused[0]}"
        else:
            self._become_ready()

    def _become_ready(self) -> None:
        self._subscribed.set()
        self._session.on_connected(self._generation)

    def _on_message(self, _client: paho.Client, _data: Any, received: paho.MQTTMessage) -> None:
        carried = received.properties
        self._session.on_message(
            Message(
                topic=received.topic,
                payload=bytes(received.payload),
                received_at_s=time.time(),
                generation=self._generation,
                packet_id=received.mid,
                is_redelivered=received.dup,
                is_retained=received.retain,
                response_topic=getattr(carried, "ResponseTopic", None),
                correlation=getattr(carried, "CorrelationData", None),
                properties=dict(getattr(carried, "UserProperty", ())),
            )
        )

    def _on_publish(
        self,
        _client: paho.Client,
        _data: Any,
        packet_id: int,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._outcomes.settle(packet_id, Outcome(reason.value, self._generation))

    def _on_unsubscribe(
        self,
        _client: paho.Client,
        _data: Any,
        packet_id: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        self._outcomes.settle(packet_id, Outcome(reasons[0].value, self._generation))
