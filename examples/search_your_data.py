"""Search on a data file of your own, then look at the front from Python.

Writes a small data set first, so that it runs as it stands; takes about two minutes on two cores.
"""

import csv
from pathlib import Path

import simple_icd_10_cm as icd

from autopeft import search

# Any CSV, TSV, JSONL or Parquet file with a text and a label column will do.
FILE = Path("conditions.csv")
rows = [
    (icd.get_description(code), chapter)
    for chapter in ("6", "9", "11")
    for block in icd.get_children(chapter)
    for code in icd.get_descendants(block)[:60]
]
with FILE.open("w", newline="", encoding="utf8") as file:
    csv.writer(file).writerows([("text", "label"), *rows])

result = search(
    data=str(FILE),
    text="text",
    label="label",
    budget="0.5%",  # at most 0.5 % of the backbone's parameters are trainable
    trials=8,
    examples=300,
    epochs=2,
    out="runs/conditions",
)

for row in result.front.rows:
    print(f"{row.params:>8,} parameters  {row.accuracy:.3f}  {row.in_words}")
print(result.front.verdict)
