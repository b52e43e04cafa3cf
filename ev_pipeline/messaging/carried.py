"""MQTT 5's properties: what goes with a packet beside its payload.

What lives here: making them. What does not: sending (`client`).
"""

from collections.abc import Mapping
from typing import Final

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


def new_properties(packet_type: int) -> Properties:
    """None yet, of a packet of this kind."""
    return Properties(packet_type)  # type: ignore[no-untyped-call]  # paho leaves it untyped


_NOTHING: Final = new_properties(PacketTypes.PUBLISH)
"""What goes with a message that says everything itself: shared, since it is only read."""


def publish_properties(
    response_topic: str | None, correlation: bytes | None, own: Mapping[str, str] | None
) -> Properties:
    """What goes with a published message; shared where that is nothing, so only to be read.

    Args:
        response_topic: for a request: where it is to be answered.
        correlation: for a request: what its answer must carry; for an answer: what it carried.
        own: properties of ours.
    """
    if response_topic is None and correlation is None and not own:
        return _NOTHING  # to make one takes as long as the rest of publishing
    properties = new_properties(PacketTypes.PUBLISH)
    if response_topic is not None:
        properties.ResponseTopic = response_topic
    if correlation is not None:
        properties.CorrelationData = correlation
    if own:
        properties.UserProperty = list(own.items())
    return properties
