import pytest

from crawlers.counts import UNKNOWN, Count, read_count

SEEN = [
    ("12345", 12345, False), ("1,234", 1234, False), ("1.2万", 12_000, False), ("1.2w", 12_000, False), ("10W+", 100_000, True),
    ("100万+", 1_000_000, True), ("1.5亿", 150_000_000, False), ("999+", 999, True), ("赞[12]", 12, False), ("转发", 0, False),
    ("评论", 0, False), ("转发 37", 37, False), ("查看: 1,030,002", 1_030_002, False), ("2千万", 20_000_000, False), (0, 0, False),
    (12, 12, False), ("１２３", 123, False), ("1000万余", 10_000_000, True), ("3.6K", 3600, False),
]


@pytest.mark.parametrize(("raw", "value", "floor"), SEEN)
def test_reads_every_count_that_sites_write(raw: object, value: int, floor: bool) -> None:
    assert read_count(raw) == Count(value=value, floor=floor)


@pytest.mark.parametrize("raw", [None, "", "-", "—", True, -1, "-5", [], "暂无", 10**17, "5301234567890123456"])
def test_missing_is_unknown_never_zero(raw: object) -> None:
    assert read_count(raw) == UNKNOWN
