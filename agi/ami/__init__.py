"""The Asterisk Manager Interface: framing, one connection, a client that reconnects, and views of the events that we use."""
