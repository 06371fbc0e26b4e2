"""One round of beside-sdk.sh: prints the seconds that spoutctl took, and those of the SDK.

Arguments: the spoutctl to run; the address of the pachd, grpc://HOST:PORT; a directory for the archive; a word that makes the repos' names new.
"""

import io
import os
import subprocess
import sys
import tarfile
import time

from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs

FILES = 1000


def contents() -> dict[str, bytes]:
    return {f"f{number:04}": os.urandom(1024) for number in range(FILES)}


def by_spoutctl(spoutctl: str, address: str, directory: str, repo: str) -> float:
    archive = os.path.join(directory, "in.tar")
    with tarfile.open(archive, "w") as tar:
        for name, data in contents().items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    begun = time.monotonic()
    subprocess.run([spoutctl, "put", "-q", repo, "--create-repo", "--pachd", address, archive], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def by_sdk(address: str, name: str) -> float:
    host, port = address.removeprefix("grpc://").rsplit(":", 1)
    client = Client(host=host, port=int(port))
    files = contents()
    begun = time.monotonic()
    repo = pfs.Repo(name=name, type="user", project=pfs.Project(name="default"))
    client.pfs.create_repo(repo=repo)
    with client.pfs.commit(branch=pfs.Branch(repo=repo, name="master")) as commit:
        for path, data in files.items():
            commit.put_file_from_bytes(path=path, data=data)
    commit.wait()
    return time.monotonic() - begun


def main(spoutctl: str, address: str, directory: str, word: str) -> None:
    ours = by_spoutctl(spoutctl, address, directory, f"bench-a-{word}")
    print(ours, by_sdk(address, f"bench-b-{word}"))


main(*sys.argv[1:])
