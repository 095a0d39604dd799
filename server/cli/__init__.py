"""The command line: one file per command, each a function of the options that returns an exit code. What they show they get from others."""
