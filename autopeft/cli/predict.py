"""`autopeft predict`: let something trained tell labels or answer, by its folder alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from autopeft.cli import options
from autopeft.cli.data_options import ASKED, takes
from autopeft.cli.echo import echo
from autopeft.cli.header import shown

__all__ = ["predict"]


@takes(ASKED)
def predict(
    adapter: Annotated[Path, typer.Argument(help="Folder of train, select, a merged model or an export to PEFT.")],
    file: Annotated[
        str | None, typer.Argument(help="File, folder or pattern of files with the rows.", metavar="[FILE]")
    ] = None,
    input: Annotated[
        list[str] | None, typer.Option("--input", "-i", help="A text in place of a file; may be given several times.")
    ] = None,
    input2: Annotated[
        list[str] | None, typer.Option("--input2", help="For each --input the text it is compared with, for pairs.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A .csv, .tsv or .jsonl to write, with all rows of FILE.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Where the model is that the adapters are for; default: where it was.")
    ] = None,
    trust_remote_code: options.TrustRemoteCode = False,
    plugin: options.Plugin = None,
    max_new_tokens: Annotated[
        int | None, typer.Option(min=1, help="Tokens that an answer has at most; default: as those learned have.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    **columns: Any,
) -> None:
    """Tell the labels of texts with their probabilities, or answer, by the folder of something trained alone."""
    from autopeft.api import predict as predict_rows
    from autopeft.cli.json_output import documents
    from autopeft.cli.quiet import quiet
    from autopeft.errors import AutopeftError

    if len(input2 or ()) not in (0, len(input or ())):
        raise AutopeftError(f"found {len(input or ())} --input and {len(input2 or ())} --input2; expected as many")
    texts = list(zip(input or (), input2, strict=True)) if input2 else input or ()
    quiet()
    with documents(json) as write:
        found = predict_rows(
            adapter,
            texts,
            file=file,
            output=output,
            columns=columns,
            model=model,
            plugin=plugin,
            max_new_tokens=max_new_tokens,
            trust_remote_code=trust_remote_code,
        )
        for note in found.notes:
            echo(note, err=True)
        if json:
            write([None if row is None else row.to_dict() for row in found.rows])
            return
    if output is not None:
        echo(f"{len(found.rows):,} rows written to {output}")
        return
    for row in found.rows:
        if row is None:
            echo("-")
        elif row.probabilities is None:
            echo(row.text)
        elif len(found.rows) == 1:
            if row.probability is None:
                echo(row.text)
            for label, probability in row.probabilities.items():
                echo(f"{probability:.4f}  {shown(label)}")
        else:
            before = "" if row.probability is None else f"{row.probability:.4f}  "
            echo(f"{before}{shown(row.text)}")
