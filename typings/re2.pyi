# What Hotline uses of google-re2.
class error(Exception): ...

class Options:
    max_mem: int
    log_errors: bool

class _Regexp:
    programsize: int
    def fullmatch(self, text: str) -> object | None: ...

def compile(pattern: str, options: Options | None = None) -> _Regexp: ...
