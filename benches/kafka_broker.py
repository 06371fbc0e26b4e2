"""A broker of Kafka of one's own, from the jars that tests/kafka.xml fetches."""

import socket
import subprocess
import time

PARTITIONS = 8


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Broker:
    """One that is its own controller."""

    def __init__(self, jars, directory):
        port, controller = free_port(), free_port()
        self.address = f"127.0.0.1:{port}"
        settings = directory / "server.properties"
        settings.write_text(
            f"process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:{controller}\n"
            f"listeners=PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{controller}\n"
            f"advertised.listeners=PLAINTEXT://{self.address}\ncontroller.listener.names=CONTROLLER\n"
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
            f"offsets.topic.replication.factor=1\nnum.partitions={PARTITIONS}\nlog.dirs={directory / 'data'}\n"
        )
        java = ["java", "-Xmx512m", "-cp", f"{jars}/*"]
        log = (directory / "broker.log").open("w")
        identity = ["-t", "AAAAAAAAAAAAAAAAAAAAAA", "-c", str(settings)]
        subprocess.run(java + ["kafka.tools.StorageTool", "format"] + identity, check=True, stdout=log, stderr=log)
        self.command = java + ["kafka.Kafka", str(settings)]
        self.log = log
        self.start()

    def start(self):
        """Answers once it does."""
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log)
        while subprocess.run(["kcat", "-L", "-m", "2", "-b", self.address], capture_output=True).returncode:
            time.sleep(0.2)

    def kill(self):
        """As a machine's failure would, but that what it has written stays."""
        self.process.kill()
        self.process.wait()
