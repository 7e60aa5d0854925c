"""Print the table of what ran on which hardware, and what the records say: python -m studies.hardware.show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from studies.hardware.records import Record, column_of, read_records, word
from studies.hardware.rows import COLUMNS, ROWS

__all__ = ["details", "main", "table"]


def table(records: Sequence[Record]) -> str:
    """Return the table."""
    lines = [["", *COLUMNS.values()], ["---"] * (1 + len(COLUMNS))]
    lines += [[words, *(word(records, row, column) for column in COLUMNS)] for row, words in ROWS.items()]
    return _lines(lines)


def details(records: Sequence[Record]) -> str:
    """Return what each record holds, a section for each machine."""
    return "\n\n".join("\n\n".join(_section(record)) for record in records)


def _section(record: Record) -> Iterator[str]:
    yield f"## {f'{record.count} x ' if record.count > 1 else ''}{record.name}"
    yield "; ".join(f"{name}: {said}" for name, said in record.environment.items()) + "."
    lines = [["", "", "passed", "failed", "skipped", "seconds", "why"], ["---"] * 7]
    for row, words in ROWS.items():
        for precision, cell in record.cells.get(row, {}).items():
            counts = [str(count) for count in (cell.passed, cell.failed, cell.skipped)]
            where = COLUMNS[column_of(record, precision)]
            lines.append([words, where, *counts, f"{cell.seconds:.0f}", "; ".join(cell.reasons)])
    yield _lines(lines)
    if record.timings:
        names = list(dict.fromkeys(name for timing in record.timings.values() for name in timing))
        yield _lines(
            [
                ["timed", *names],
                ["---"] * (1 + len(names)),
                *([name, *(str(timing.get(each, "")) for each in names)] for name, timing in record.timings.items()),
            ]
        )


def _lines(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(" ".join(["|", *(f"{cell} |" if cell else "|" for cell in row)]) for row in rows)


def main() -> None:
    """Print the table, and what it is made of."""
    records = read_records()
    print(table(records))
    print()
    print(details(records))


if __name__ == "__main__":
    main()
