"""A server's side of routing: it brings callers into queues, and carries out on their lines what the router orders."""
