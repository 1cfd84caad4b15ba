"""chosen - what is run in a directory: the demo, a user's own file, or, from the second start on, what is there."""
# SPDX-License-Identifier: MIT
import json
import pathlib

from deploy.local.layout import PRESET_KIND, Trouble

DEMO = "demo"


class Chosen:
    """given: the user's file, or None. A directory is begun once, with the demo or with a file; after that its own configuration counts,
    whatever file is given, because the user may have changed it."""

    def __init__(self, layout, given):
        self._origin = layout.top / "begun-with"
        self._older = layout.top / "config.json"  # of a version before: it was the demo
        self.layout = layout
        self.file = pathlib.Path(given) if given else None
        self.is_fresh = not self._origin.exists() and not self._older.exists()

    def begun_with(self):
        return self._origin.read_text().strip() if self._origin.exists() else DEMO

    @property
    def is_demo(self):
        return (self.file is None) if self.is_fresh else self.begun_with() == DEMO

    def check(self):
        """What can be said before anything is started."""
        if not self.file:
            return
        try:
            with self.file.open("rb") as f:
                f.read(1)
        except OSError as e:
            raise Trouble(f"The configuration {self.file} cannot be read ({e.strerror})") from e
        if not self.is_fresh and self.is_demo:
            raise Trouble(f"{self.layout.top} holds the demo, and {self.file} would not be run in it; choose another directory: "
                          f"make run CONFIG={self.file} VAR=/path")

    def begun(self):
        """Its configuration has been applied: from now on it is not done again."""
        self._origin.write_text(f"{self.file.absolute() if self.file else DEMO}\n")

    def differs(self, system):
        """Whether the user's file says something else than what is in force: what to do about it in a sentence, or None."""
        if not self.file or self.is_fresh:
            return None
        status, out, err = system.ask("config", "apply", str(self.file), "--dry-run", "--json")
        if status != 0:
            return f"{self.file} differs from what is in force, and could not be applied: {err.strip()}"
        if not json.loads(out).get("changes"):
            return None
        return f"{self.file} differs from what is in force, and is not applied again; tradecast config apply {self.file} does that."


def check_kinds(system, instances, said_by):
    """Every gateway that the configuration names must have a program here."""
    kinds = sorted(p.name.removeprefix("tradecast-gateway-") for p in system.bin.glob("tradecast-gateway-*"))
    for instance in instances:
        if instance.get("kind", PRESET_KIND) not in kinds:
            raise Trouble(f"{said_by}: the instance {instance['instance_id']} is of the kind {instance['kind']}, and there is no gateway of that "
                          f"kind here; there is: {', '.join(kinds)}")
