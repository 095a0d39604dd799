"""Draws docs/pictures/demo.svg: the terminal after a real `./hotline demo --once`.

`python tests/demo_picture.py` runs the demo; `python tests/demo_picture.py FILE` takes what a run has printed. The picture holds text
and no address of a font, so that a page which shows it asks no other host for anything.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.text import Text

HOME = Path(__file__).resolve().parents[1]
PICTURE = HOME / "docs/pictures/demo.svg"
COMMAND = "./hotline demo --once"
COLUMNS = 104  # of the terminal
LEFT_OUT = "hotline: |Hotline demo:|starting |  tokens |stopping "
# What is coloured in a line, and how.
STYLES = {
    r"^ +[\d.]+ s": "bright_black",
    r"(?<= s  )caller ": "bold cyan",
    r"(?<= s  )hotline": "bold yellow",
    r"(?<= s  )agent  ": "bold green",
    r"^\$ .*": "bold",
    r"^PASSED: .*": "bold green",
    r"^FAILED: .*": "bold red",
}
# rich's own format of a picture without its fonts, which it fetches from a host.
FORMAT = """\
<svg class="rich-terminal" xml:space="preserve" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
    <style>
    .{unique_id}-matrix {{
        font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
        font-size: {char_height}px;
        line-height: {line_height}px;
        font-variant-east-asian: full-width;
    }}
    .{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
    {styles}
    </style>
    <defs>
    <clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
    {lines}
    </defs>
    {chrome}
    <g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
    {backgrounds}
    <g class="{unique_id}-matrix">
    {matrix}
    </g>
    </g>
</svg>
"""


def picture(lines: Iterable[str]) -> str:
    """The SVG of a terminal that shows these lines, coloured by STYLES."""
    with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor")
        for line in lines:
            text = Text(line)
            for pattern, style in STYLES.items():
                text.highlight_regex(pattern, style)
            console.print(text)
        return console.export_svg(title=COMMAND, code_format=FORMAT, unique_id="demo")


def printed() -> list[str]:
    """What the demo prints. CalledProcessError when its call failed."""
    with tempfile.TemporaryDirectory(prefix="hotline-demo-") as folder:
        command = [str(HOME / COMMAND.split()[0]), *COMMAND.split()[1:]]
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()


def shown(lines: Iterable[str]) -> list[str]:
    """The command and what it printed, without how the site's own processes start and stop."""
    return [f"$ {COMMAND}", *(line for line in lines if not re.match(LEFT_OUT, line))]


def main(arguments: list[str]) -> int:
    """The command."""
    lines = Path(arguments[0]).read_text(encoding="utf-8").splitlines() if arguments else printed()
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(shown(lines)), encoding="utf-8")
    print(f"{PICTURE.relative_to(HOME)}: {len(lines)} lines, {PICTURE.stat().st_size // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
