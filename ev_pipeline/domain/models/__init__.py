"""Clusters and anomalies of sessions: pure functions of (sessions, seed), kept as plain arrays.

A label depends on nothing but the session's own values and the artifact, and each row's label is
computed by element-wise arithmetic, so that it is the same bit for bit alone or among a million.
"""
