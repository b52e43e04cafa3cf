"""What goes over the broker: topics, accounts' rights, the one client; not what messages mean."""
