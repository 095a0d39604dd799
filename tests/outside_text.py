"""Texts that nobody expects, as callers, carriers, clients and other systems can send them."""

OUTSIDE: dict[str, str] = {
    "line breaks": "1\r\n\r\nEvent: Hangup\r\nUniqueid: 1.1\r\n\r\n",
    "a line feed": "a\nINFO forged=1",
    "line breaks, percent-encoded": "1%0D%0A%0D%0AEvent%3A%20Hangup%0D%0A",
    "line separators": "a\u2028b\u2029c\x85d\x0be",
    "NUL": "a\0b",
    "quotes": '"\'`\\"; rm -rf / #',
    "commas": "1001,30,g(x^y&z|w):a;b",
    "10 kB": "9" * 10_240,
    "10 kB of a wide script": "王" * 3_413,
    "commands of a terminal": "\x1b]0;owned\x07\x1b[2J\x9b31m\x08",
    "signs that turn the line round": "a\u202eb\u2066c",
    "variables of a dialplan": "${SHELL(id)}$[1+1]${EXTEN}",
    "variables of a flow": "{ani} {{x}} {caller_name|digits}",
    "markup": "<script>alert(1)</script>[bold]&amp;",
    "a path": "../../etc/passwd",
    "invalid UTF-8": b"\xff\xfe\x80\xc3".decode("utf-8", "replace"),
    "GBK": "王芳".encode("gbk").decode("utf-8", "replace"),
    "UTF-16": "王芳".encode("utf-16").decode("utf-8", "replace"),
    "overlong": b"\xc0\x8d\xc0\x8a\xe0\x80\x8a".decode("utf-8", "replace"),
    "half a character": "a\ud800b",
    "nothing": "",
    "spaces": "  \t ",
}

# The same as bytes, for what is read before it is text.
OUTSIDE_BYTES: dict[str, bytes] = {
    **{name: text.encode("utf-8", "surrogatepass") for name, text in OUTSIDE.items()},
    "invalid UTF-8": b"\xff\xfe\x80\xc3",
    "GBK": "王芳".encode("gbk"),
    "UTF-16": "王芳".encode("utf-16"),
    "overlong": b"\xc0\x8d\xc0\x8a\xe0\x80\x8a",
}
