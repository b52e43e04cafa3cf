"""The lineage graph: each asset reads, calls one domain function, writes."""
