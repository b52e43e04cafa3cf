"""The pages' blocks, run as a reader would, on a real stack."""
