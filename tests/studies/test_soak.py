"""The page of what takes hours says what its records say."""

from pathlib import Path

from studies.soak.show import main


def test_the_page_is_of_the_records(capsys):
    main()
    page = Path("studies/soak/README.md").read_text()
    assert capsys.readouterr().out.strip() in page
