"""Text messages are counted as networks count them (3GPP TS 23.038)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.channels.segments import segmented


@pytest.mark.parametrize(
    ("text", "alphabet", "units", "segments", "room"),
    [
        ("", "GSM-7", 0, 1, 160),
        ("a" * 160, "GSM-7", 160, 1, 0),
        ("a" * 161, "GSM-7", 161, 2, 145),
        ("a" * 306, "GSM-7", 306, 2, 0),
        ("a" * 307, "GSM-7", 307, 3, 152),
        ("€" * 80, "GSM-7", 160, 1, 0),
        ("{}[]~^|\\€\f", "GSM-7", 20, 1, 140),
        ("a" * 152 + "€" + "a" * 7, "GSM-7", 161, 2, 144),  # € does not part: 152, then 2 + 7
        ("@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà\r\n", "GSM-7", 44, 1, 116),
        ("ç", "UCS-2", 1, 1, 69),
        ("`", "UCS-2", 1, 1, 69),
        ("满" * 70, "UCS-2", 70, 1, 0),
        ("满" * 71, "UCS-2", 71, 2, 63),
        ("满" * 134, "UCS-2", 134, 2, 0),
        ("满" * 135, "UCS-2", 135, 3, 66),
        ("😀" * 35, "UCS-2", 70, 1, 0),
        ("😀" * 36, "UCS-2", 72, 2, 61),  # 33 in the first: 66 of 67
        ("a" * 69 + "满", "UCS-2", 70, 1, 0),
    ],
)
def test_how_long_a_text_is(text: str, alphabet: str, units: int, segments: int, room: int) -> None:
    assert segmented(text) == (alphabet, units, segments, room)


@given(st.text(max_size=500))
def test_no_text_is_longer_than_its_segments(text: str) -> None:
    found = segmented(text)
    each = (160, 153) if found.alphabet == "GSM-7" else (70, 67)
    assert found.units + found.room <= each[found.segments > 1] * found.segments
    assert found.room >= 0
    if found.alphabet == "UCS-2":
        assert found.units == len(text.encode("utf-16-le", "surrogatepass")) // 2


def test_it_is_said_in_words() -> None:
    assert str(segmented("a")) == "GSM-7, 1 units, 1 segment"
    assert str(segmented("满" * 71)) == "UCS-2, 71 units, 2 segments"
