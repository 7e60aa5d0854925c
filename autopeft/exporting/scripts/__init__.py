"""Scripts that are copied beside the files of an export; they run without autopeft."""
