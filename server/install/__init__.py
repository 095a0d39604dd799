"""What must be on the machine: programs that the host lacks are unpacked into the user's cache, never installed."""
