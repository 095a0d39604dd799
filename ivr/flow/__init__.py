"""The flow language: its model, its expressions and texts, and one file per node type under `nodes/`."""
