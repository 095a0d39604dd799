"""The events of the log: the envelope, one class for each type, and the list of all."""
