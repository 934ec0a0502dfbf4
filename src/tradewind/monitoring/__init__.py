"""How a server is watched from outside: health, metrics, log records, the service manager."""
