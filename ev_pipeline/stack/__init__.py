"""The local services: what runs, with which credentials, supervised; not what the services do."""
