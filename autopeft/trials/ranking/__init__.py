"""What trials of ranking share: rows of queries, batches of whole queries, and how long trials are."""
