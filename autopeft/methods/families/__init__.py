"""PEFT's tuners as methods, a file for each family."""
