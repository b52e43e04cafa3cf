"""What runs beside this package: the broker's configuration, the dashboard and its flows."""
