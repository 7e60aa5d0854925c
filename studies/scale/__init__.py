"""What the driver of a search costs, by simulation."""
