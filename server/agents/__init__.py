"""What agents do on their phones: feature codes, PINs, and how their phones are reached."""
