"""One file for each tool that configurations are exported to."""
