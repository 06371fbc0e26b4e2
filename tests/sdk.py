"""What a user of Pachyderm's Python SDK does, against `spoutctl serve`. Says what it found in one line of JSON.

Arguments: HOST:PORT of the server; the repo to make.
"""

import json
import sys

from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs, transaction


def main(address: str, name: str) -> None:
    host, port = address.split(":")
    client = Client(host=host, port=int(port))
    found = {"version": client.get_version().major}
    repo = pfs.Repo(name=name, type="user", project=pfs.Project(name="default"))
    branch = pfs.Branch(repo=repo, name="master")
    client.pfs.create_repo(repo=repo)

    with client.pfs.commit(branch=branch) as commit:
        commit.put_file_from_bytes(path="/a/one.txt", data=b"one")
        commit.put_file_from_bytes(path="/a/two.bin", data=b"two" * 1_000_000)
    info = commit.wait()
    found["commit"] = info.commit.id
    listed = client.pfs.list_file(file=pfs.File(commit=commit, path="/a"))
    found["files"] = {info.file.path: info.size_bytes for info in listed}
    with client.pfs.pfs_file(pfs.File(commit=commit, path="/a/one.txt")) as file:
        found["one"] = file.read().decode()

    subscription = client.pfs.subscribe_commit(repo=repo, branch="master", state=pfs.CommitState.FINISHED)
    found["subscribed"] = next(iter(subscription)).commit.id

    # Nothing of what fails in a transaction is there.
    try:
        with client.transaction.transaction():
            client.pfs.create_repo(repo=pfs.Repo(name=name + "-no", type="user"))
            client.pfs.create_repo(repo=repo)
    except Exception as error:  # whatever the SDK makes of the server's refusal
        found["refused"] = str(error.details()) if hasattr(error, "details") else str(error)
    with client.transaction.transaction():
        second = pfs.Repo(name=name + "-2", type="user", project=pfs.Project(name="default"))
        client.pfs.create_repo(repo=second)
        client.pfs.start_commit(branch=pfs.Branch(repo=second, name="master"))
    found["repos"] = sorted(info.repo.name for info in client.pfs.list_repo(type="user"))
    print(json.dumps(found))


def discover(path: str) -> None:
    """In a cluster: who is asked stands in a file that PACH_CONFIG names."""
    client = Client.from_config()
    repo = pfs.Repo(name="from-spoutctl", type="user", project=pfs.Project(name="default"))
    commit = pfs.Commit(repo=repo, branch=pfs.Branch(repo=repo, name="master"))
    with client.pfs.pfs_file(pfs.File(commit=commit, path=path)) as file:
        print(file.read().decode(), end="")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        main(sys.argv[1], sys.argv[2])
    else:
        discover(sys.argv[1])
