"""Does things to a site that is full of callers - kills, freezes, losses - and counts what people noticed of it."""
