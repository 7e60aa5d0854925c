"""What the figures of a run show, computed apart from drawing."""
