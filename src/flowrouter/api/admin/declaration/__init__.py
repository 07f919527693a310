"""Configuration as code: a file that says what there shall be, put in force and written back.

`shape` and `references` read it, `wanted` and `present` make both sides alike, `things` finds the difference,
`carrying` makes it go away, `exporting` and `sealing` write the store as such a file.
"""

from __future__ import annotations

__all__: list[str] = []
