"""The parts of the stream's benchmark."""
