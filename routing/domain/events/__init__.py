"""What is told in the event log: the envelope, one class for each type, and the list of all."""
