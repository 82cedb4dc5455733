"""Apache Kafka's own program files: fetched by Maven once, kept in a folder, used without a network after that."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from ops.problems import EnvironmentProblem
from ops.processes import Progress, ticks
from ops.settings import make_home
from ops.sharing import gate_held

POM = Path(__file__).with_name("pom.xml")
OLDEST_JAVA = 17
WITHOUT = "Kafka runs on Java {version} or newer and is fetched by Maven, and there is no {program} on the PATH"
REMEDY = "install openjdk-17-jre-headless and maven (or newer), or name a broker by ONECARD_KAFKA_BOOTSTRAP"


def version() -> str:
    """The version of Kafka that the POM names."""
    found = re.search(r"<artifactId>kafka_[0-9.]+</artifactId>\s*<version>([^<]+)</version>", POM.read_text("utf-8"))
    assert found is not None
    return found[1]


def java() -> str:
    """The Java to run the broker with."""
    program = _found("java")
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < OLDEST_JAVA:
        raise EnvironmentProblem(
            f"Kafka runs on Java {OLDEST_JAVA} or newer, and {program} is {_version_line(said)}: {REMEDY}."
        )
    return program


def jars(lib: Path, progress: Progress) -> Path:
    """The folder inside `lib` that holds everything the POM names: fetched now unless it is there already."""
    folder = lib / hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    if folder.is_dir():
        return folder
    make_home(lib)
    with gate_held(lib, "fetching", progress):
        if not folder.is_dir():
            _fetch(folder, progress)
    return folder


def _fetch(folder: Path, progress: Progress) -> None:
    """Fetch into a draft beside the place and move it there whole: an interrupted fetching leaves nothing."""
    program = _found("mvn")
    progress(f"fetching Apache Kafka by Maven into {folder} (once, about 45 MB) ...")
    draft = folder.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    command = [program, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
    options = [f"-DoutputDirectory={draft}", "-DincludeScope=runtime"]
    log = folder.with_suffix(".log")
    with log.open("wb") as output:
        fetching = subprocess.Popen([*command, *options], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            for seconds in ticks():
                if fetching.poll() is not None:
                    break
                if seconds:
                    progress(f"Maven is fetching Apache Kafka, {seconds} s ...")
        finally:
            fetching.kill()
            fetching.wait()
    if fetching.returncode != 0 or not any(draft.glob("kafka_*.jar")):
        said = [line for line in log.read_text("utf-8", "replace").splitlines() if "ERROR" in line]
        reason = re.sub(r"\x1b\[[0-9;]*m|\[|\]|ERROR", "", said[0]).strip() if said else f"it ended {_how(fetching)}"
        raise EnvironmentProblem(f"Maven could not fetch Apache Kafka ({reason}); all it said is in {log}.")
    os.replace(draft, folder)


def _version_line(said: str) -> str:
    return next((line.strip() for line in said.splitlines() if "version" in line), "none that tells its version")


def _how(ended: subprocess.Popen[bytes]) -> str:
    return f"with exit code {ended.returncode}"


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise EnvironmentProblem(f"{WITHOUT.format(version=OLDEST_JAVA, program=program)}: {REMEDY}.")
    return path
