"""What tasks of ranking share: queries, judged documents, BM25's candidates for them, and how rankings are judged."""
