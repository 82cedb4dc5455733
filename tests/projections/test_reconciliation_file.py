"""A file that breaks the format is told with its line; nothing of it is guessed."""

import io
from collections.abc import Iterator

import pytest

from projections.questions.reconciliation_file import DETAIL_COLUMNS, TOTAL_COLUMNS, File, Misformed
from tests.projections.bills import DETAIL_HEADER, HERE, TOTAL_HEADER, Fact, detail, text, total

FACT = Fact("A", 0, HERE, "2025-06-02", "V-A", 1000, 700, 200)
GOOD = detail(FACT)


def broken() -> Iterator[tuple[str, bytes, int]]:
    yield "empty file", b"", 1
    yield "no header", (GOOD + "\n").encode(), 1
    yield "byte order mark", b"\xef\xbb\xbf" + text(GOOD), 1
    yield "other order", text(GOOD, header=" ".join(reversed(DETAIL_HEADER.split()))), 1
    yield "columns by spaces", (DETAIL_HEADER + "\n").encode(), 1
    yield "header of totals", text(header=TOTAL_HEADER), 1
    yield "too few fields", text(GOOD, GOOD.rpartition("\t")[0]), 3
    yield "too many fields", text(GOOD, GOOD + "\tx"), 3
    yield "blank line", text(GOOD, ""), 3
    yield "not UTF-8", text(GOOD) + GOOD.replace("P1", "\xff").encode("latin-1") + b"\n", 3
    yield "NUL", text(GOOD.replace("P1", "P\0")), 2
    changes = {
        "setl_id": [""], "msgid": [""], "refd_setl_flag": ["2", "null", "", "00", "٠"],
        "medfee_sumamt": ["10", "10.0", "10.000", "1,000.00", "+1.00", "null", "", "1e2", ".50", "123456789012345.00"],
        "acct_pay": ["null", "-", "--1.00"], "setl_time": ["2025-06-02", "2025-06-02T12:00:00", "2025-6-2 12:00:00"],
    }  # fmt: skip
    for column, values in changes.items():
        for value in values:
            yield f"{column} {value!r}", text(GOOD, detail(FACT, **{column: value})), 3


@pytest.mark.parametrize(("file", "line"), [pytest.param(*case[1:], id=case[0]) for case in broken()])
def test_a_broken_file_is_told_with_its_line(file: bytes, line: int) -> None:
    with pytest.raises(Misformed, match=rf"^line {line}: "):
        list(File(io.BytesIO(file), "L1_DETAILS").rows())


def test_a_broken_total_is_told_with_its_line() -> None:
    for row in (total("310/11/0", 1, 1, 0, 1).removesuffix("1") + "x", "310\t11\t3\t1.00\t1.00\t1.00\t1"):
        with pytest.raises(Misformed, match=r"^line 2: "):
            list(File(io.BytesIO(text(row, header=TOTAL_HEADER)), "L1_TOTALS").rows())


def test_the_headers_are_those_of_the_contract() -> None:
    assert (list(DETAIL_COLUMNS), list(TOTAL_COLUMNS)) == (DETAIL_HEADER.split(), TOTAL_HEADER.split())
