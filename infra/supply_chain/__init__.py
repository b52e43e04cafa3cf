"""What we build upon: its licences, its releases, its known faults. Commands, no product."""
