"""Reads flows out of YAML and judges them: by their own graph, and by what the site has. Every problem at once."""
