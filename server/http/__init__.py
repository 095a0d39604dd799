"""The HTTP interface: state of queues, agents and calls, health and metrics. It shows what the read model says and decides nothing."""
