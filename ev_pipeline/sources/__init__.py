"""Declarative mappings of file formats and the one reader; what fields mean is the domain's."""
