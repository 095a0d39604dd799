"""The words of routing as data: records, states, requirements, messages and events, and what follows from one of them alone."""
