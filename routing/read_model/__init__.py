"""What the event log says is so: views, measures and forecasts for HTTP, metrics and announcements. It decides nothing."""
