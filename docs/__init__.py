"""Pages for people; `reference` writes the parts of them that come from the code."""
