"""The text of a file's bytes. UTF-8 is expected; another encoding is named, and read all the same where it can be recognised."""

from sources.problems import Position, Problem

_ASIDE = 4096  # bytes that are looked at for UTF-16 without a mark


def decoded(raw: bytes, file: str) -> tuple[str | None, Problem | None]:
    """The text, None when nothing can be made of it; and what is wrong with the encoding, None when it is UTF-8."""
    wide = _utf16(raw)
    if wide:
        return _tried(raw, wide), Problem(Position(file), "is UTF-16 text", "save the file as UTF-8")
    try:
        return raw.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        begin = raw.rfind(b"\n", 0, error.start) + 1
        column = len(raw[begin : error.start].decode("utf-8", errors="replace")) + 1
        where = Position(file, raw.count(b"\n", 0, error.start) + 1, column)
    chinese = _tried(raw, "gb18030")
    if chinese is None or not _is_chinese(chinese):
        return None, Problem(where, "is not UTF-8 text here", "save the file as UTF-8")
    return chinese, Problem(where, "is not UTF-8 text here but looks like GBK", "save the file as UTF-8")


def _utf16(raw: bytes) -> str:
    """Which UTF-16 this is; "" when it is none."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) and len(raw) % 2 == 0 and _tried(raw, "utf-16") is not None:
        return "utf-16"
    begin = raw[:_ASIDE]
    if begin[1::2].count(0) > len(begin) // 4:
        return "utf-16-le"
    return "utf-16-be" if begin[0::2].count(0) > len(begin) // 4 else ""


def _tried(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_chinese(text: str) -> bool:
    """Whether most of its signs beyond ASCII are ones that people write: those of GB 2312. Two letters of Europe make a rarer sign."""
    signs = [sign for sign in text if not sign.isascii()]
    return 2 * sum(1 for sign in signs if sign.encode("gb2312", "ignore")) > len(signs)
