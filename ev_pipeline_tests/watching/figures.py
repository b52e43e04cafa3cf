"""What the worker's page of metrics offers, by name.

What lives here: the names. What does not: their values, and who looks at them.
"""

from prometheus_client import CollectorRegistry

from ev_pipeline.stream.metrics import Metrics

_SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "gauge": ("",),
}


def exported() -> set[str]:
    """Every series' name that may stand on the page, also where its labels have no value yet."""
    registry: CollectorRegistry = Metrics().registry
    return {
        family.name + suffix
        for family in registry.collect()
        for suffix in _SUFFIXES.get(family.type, ())
    }
