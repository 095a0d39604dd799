"""Speaks to Asterisk, over FastAGI and AMI, and knows nothing of flows or queues."""
