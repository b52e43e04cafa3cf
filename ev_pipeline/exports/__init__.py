"""What leaves the pipeline as files: sessions, labels and reports in formats that others read."""
