"""`./hotline bench`: measures what the project lives by, beside what else there is, and says whether the targets are met."""
