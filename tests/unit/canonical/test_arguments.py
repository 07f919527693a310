"""Tool arguments as an object, from the text models write."""

import pytest

from flowrouter.canonical.arguments import as_object
from flowrouter.wire.json import dumps, loads


@pytest.mark.parametrize("text", ['{"a":1}', ' {"b" : [1.50, 1e3]}\n', '{"a":"\\u00e9"}', "{}"])
def test_valid_objects_keep_their_very_text(text):
    value, repair = as_object(text)
    assert dumps({"input": value}) == b'{"input":' + text.encode() + b"}"
    assert repair is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        (" \n", {}),
        ("{'a': 'it\\'s', 'b': [1, 2,], }", {"a": "it's", "b": [1, 2]}),
        (
            "{a: true, b: None, c: False, d: -1.5e3, e: word}",
            {"a": True, "b": None, "c": False, "d": -1500.0, "e": "word"},
        ),
        ("{'say': 'a \"quoted\" word'}", {"say": 'a "quoted" word'}),
        ('{"a": 01}', {"a": "01"}),
        ('{"a": "\\ud800"}', {"a": "\ufffd"}),
        ("[1, 2]", {"value": [1, 2]}),
        ('"text"', {"value": "text"}),
        ("7", {"value": 7}),
        ("null", {"value": None}),
        ('{"path": "/tmp', {"_raw": '{"path": "/tmp'}),
        ('{"a": 1', {"_raw": '{"a": 1'}),
        ('{"a": 1}}', {"_raw": '{"a": 1}}'}),
        ("just words", {"_raw": "just words"}),
        ("{'a' 'b'}", {"_raw": "{'a' 'b'}"}),
    ],
)
def test_other_texts_become_objects(text, expected):
    value, repair = as_object(text)
    assert loads(dumps(value)) == expected
    assert (repair is None) is (not text.strip())


def test_text_nested_beyond_reason_is_wrapped():
    value, repair = as_object('{"a":' * 5000)
    assert loads(dumps(value)) == {"_raw": '{"a":' * 5000}
    assert repair is not None
