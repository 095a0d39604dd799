"""A server's side of routing: it brings callers into queues, and carries out what the router orders."""
