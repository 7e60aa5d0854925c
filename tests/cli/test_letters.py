"""A terminal that lacks a letter shows another."""

import io
import os
import subprocess
import sys

import pytest

from autopeft.cli.letters import show_other_letters


@pytest.fixture
def written(monkeypatch):
    """Return what standard output holds in an encoding after a text was printed."""

    def write(encoding, text):
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
        show_other_letters()
        print(text, end="", flush=True)
        return raw.getvalue().decode(encoding)

    return write


@pytest.mark.parametrize(
    ("encoding", "text", "shown"),
    [
        ("ascii", "0.5 ± 0.1, café, naïve…", "0.5 +- 0.1, cafe, naive..."),
        ("ascii", "½ \N{EN DASH} 3\N{MULTIPLICATION SIGN}4", "1/2 - 3x4"),
        ("ascii", "отзыв 😀", "????? ?"),
        ("cp1252", "café ± ő, отзыв", "café ± o, ?????"),
        ("utf-8", "café отзыв", "café отзыв"),
        # Half an emoji, or a file name in no encoding.
        ("utf-8", "a\ud83d b\udcff", "a? b?"),
    ],
)
def test_what_is_shown(written, encoding, text, shown):
    assert written(encoding, text) == shown


@pytest.mark.slow
def test_a_search_among_any_letters_ends_well_on_any_terminal(tmp_path):
    """Names of labels, columns and folders, on standard output and in an error."""
    folder = tmp_path / "données отзывы"
    folder.mkdir()
    rows = [f"{word} film {n},{label}" for n in range(30) for word, label in (("good", "süß"), ("bad", "плохо"))]
    (folder / "отзывы.csv").write_text("\n".join(["текст,метка", *rows]) + "\n", encoding="utf8")
    code = "from autopeft.testing.models import tiny_backbone; tiny_backbone('bert', '.')"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
    words = [sys.executable, "-m", "autopeft.cli", "search", "--model", "tiny-bert", "--data", "отзывы.csv"]
    words += ["--text", "текст", "--budget", "20%", "--workers", "0", "--trials", "3", "--no-select"]
    for encoding in ("ascii", "cp1252"):
        environment = {**os.environ, "PYTHONIOENCODING": encoding}

        def run(*more, environment=environment):
            return subprocess.run([*words, *more], cwd=folder, env=environment, capture_output=True, timeout=300)

        done = run("--label", "метка", "-o", f"прогон-{encoding}")
        assert done.returncode == 0, done.stderr
        assert b"Pareto front" in done.stdout
        refused = run("--label", "нет")
        assert refused.returncode == 2
        assert b"Traceback" not in refused.stderr
        assert b"???" in refused.stderr
