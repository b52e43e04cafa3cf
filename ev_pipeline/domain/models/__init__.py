"""Clusters and anomalies of sessions: fitted, frozen and applied as pure functions of arrays."""
