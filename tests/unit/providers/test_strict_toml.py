"""Our TOML files fail with the file, the line and the fix."""

from __future__ import annotations

import pytest

from flowrouter import strict_toml
from flowrouter.providers.preset import Preset
from flowrouter.providers.profiles import read_rows

GOOD = """\
id = "acme"
name = "Acme"
vendor = "Acme"
quirks = ["think_tags"]

[dialects]
openai_chat = "https://api.acme.test/v1"

[auth]
type = "bearer"

[models]
endpoint = "/models"
"""


def problem(text: str) -> strict_toml.TomlError:
    with pytest.raises(strict_toml.TomlError) as caught:
        strict_toml.read(text, Preset, file="acme.toml")
    return caught.value


def test_a_good_file_is_a_preset() -> None:
    preset = strict_toml.read(GOOD, Preset, file="acme.toml")
    assert preset.base_url("openai_chat") == "https://api.acme.test/v1"


@pytest.mark.parametrize(
    ("old", "new", "line", "named", "fix"),
    [
        ('vendor = "Acme"', 'vendr = "Acme"', 3, "vendr", "did you mean `vendor`?"),
        ("openai_chat =", "openai_chta =", 7, "dialects.openai_chta", "did you mean `openai_chat`?"),
        ('type = "bearer"', 'tpye = "bearer"', 10, "auth.tpye", "did you mean `type`?"),
        ('type = "bearer"', 'type = "baerer"', 10, "auth.type", "did you mean `bearer`?"),
        ("think_tags", "think_tag", 4, "quirks[0]", "did you mean `think_tags`?"),
        ('endpoint = "/models"', "endpoint = 5", 13, "models.endpoint", None),
        ("[models]", "[modles]", 12, "modles", "did you mean `models`?"),
        (
            '[models]\nendpoint = "/models"',
            'dialects = { antropic = { type = "none" } }',
            12,
            "auth.dialects.antropic",
            "did you mean `anthropic`?",
        ),
        (
            '[models]\nendpoint = "/models"',
            "local = true",
            12,
            "auth.local",
            "`local` belongs to the top of the file, above the first [table]",
        ),
        ('name = "Acme"\n', "", None, "name", None),
        ("https://api", "ftp://api", 6, "dialects", None),
        ('type = "bearer"', 'type = "header"', 9, "auth", None),
        ('id = "acme"', 'id = "Acme Inc"', None, "Acme Inc", None),
    ],
)
def test_a_mistake_names_line_and_fix(
    old: str, new: str, line: int | None, named: str, fix: str | None
) -> None:
    assert old in GOOD
    error = problem(GOOD.replace(old, new))
    assert (error.file, error.line) == ("acme.toml", line)
    assert named in error.message
    assert error.message.startswith(f"acme.toml:{line}: " if line else "acme.toml: ")
    if fix:
        assert error.fix == fix
        assert fix in error.message


def test_without_a_close_match_the_known_keys_are_listed() -> None:
    error = problem(GOOD + 'qqqq = "x"\n')
    assert error.fix is not None
    assert error.fix.startswith("known: dialect, endpoint")


def test_broken_toml_names_the_line() -> None:
    error = problem('id = "acme"\nname = = 3\n')
    assert error.line == 2


def test_the_row_of_an_array_of_tables_is_found() -> None:
    row = '[[rows]]\nmatch = ["a*"]\nsource = "docs"\ndate = 2026-01-01\n'
    with pytest.raises(strict_toml.TomlError) as caught:
        read_rows(row + row + "context_windw = 5\n", file="p.toml")
    assert caught.value.line == 9
    assert caught.value.fix == "did you mean `context_window`?"
    with pytest.raises(strict_toml.TomlError) as caught:
        read_rows(row + row + 'efforts = ["hihg"]\n', file="p.toml")
    assert (caught.value.line, caught.value.fix) == (9, "did you mean `high`?")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 1),
        (("t", "k"), 3),
        (("t", "k", "deep"), 3),
        (("t", "q r"), 4),
        (("x", "y"), 5),
        (("none",), None),
    ],
)
def test_lines_are_found_by_path(path: tuple[str, ...], line: int | None) -> None:
    text = "a = 1\n[t]\nk = {deep = 1}\n'q r' = 2\n[x.y]\n"
    assert strict_toml.line_of(text, path) == line
