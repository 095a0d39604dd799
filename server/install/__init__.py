"""What must be on the machine: programs that the host lacks are unpacked from its distribution's packages into the user's cache, never installed."""
