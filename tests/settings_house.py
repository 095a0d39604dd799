"""A small whole site in a folder, to be changed file by file."""

from pathlib import Path

from server.settings import Site, load_site
from sources.problems import Problem, ProblemsFound

FILES = {
    "config/hotline.yaml": """\
site: small
country: CN
time_zone: Asia/Shanghai
languages: [zh, en]
transfer:
  allow: ["1XXX"]
""",
    "config/numbers.yaml": """\
numbers:
  "4000": main
default: main
""",
    "config/queues.yaml": """\
defaults:
  wrap_up: 7s
  service_level: {threshold: 30s, target: 90}
queues:
  billing: {name: {zh: 账单, en: Billing}}
  sales: {wrap_up: 5s, service_level: {target: 70}}
""",
    "config/agents.yaml": """\
agents:
  wang: {name: 王芳, phone: "1001", skills: {lang_zh: 5, billing: 4}, queues: [billing]}
  smith: {name: Alice, phone: "1002", skills: {lang_en: 5}, queues: [billing, sales], wrap_up: 20s}
""",
    "config/hours.yaml": """\
hours:
  office:
    week: {mon-fri: "09:00-18:00"}
    holidays: CN
    dates: {"2026-10-10": "09:00-12:00"}
""",
    "config/prompts.yaml": """\
prompts:
  goodbye: {zh: 再见。, en: Goodbye.}
""",
    "dialplans/main.yaml": """\
flow: main
start: open
nodes:
  open: {type: hours, hours: office, open: wait, closed: bye}
  wait: {type: queue, queue: billing, requirement: "billing >= 3", otherwise: bye}
  bye: {type: hangup, prompt: goodbye}
""",
}


class SmallSite:
    """The folder of a site. `change` replaces one piece of text in one file, which must be there exactly once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def change(self, name: str, found: str, instead: str) -> None:
        text = (self.folder / name).read_text()
        assert text.count(found) == 1, f"{found!r} is in {name} {text.count(found)} times"
        self.write(name, text.replace(found, instead))

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()

    def load(self) -> Site:
        return load_site(self.folder / "config", self.folder / "dialplans")

    def problems(self) -> tuple[Problem, ...]:
        """What is wrong or odd, in order; () when nothing is."""
        try:
            return self.load().warnings
        except ProblemsFound as found:
            return found.problems

    def said(self) -> list[str]:
        """The same as people read it, without the folder."""
        return [self._told(problem) for problem in self.problems()]

    def warned(self) -> list[str]:
        """What is odd in a site that can be used."""
        return [self._told(problem) for problem in self.load().warnings]

    def _told(self, problem: Problem) -> str:
        return str(problem).replace(f"{self.folder}/", "")
