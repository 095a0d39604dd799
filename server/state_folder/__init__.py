"""What lies in a state folder: ports, secrets, sockets, and the lock of whoever uses it."""
