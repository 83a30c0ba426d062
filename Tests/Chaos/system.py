"""The system under test: two shippers, three ingests behind haproxy, apm-server with its agent, a durable store for each."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.peers import HAProxy
from harness.processes import ChildProcess, ProcessGroup
from harness.proxy import CuttingProxy
from harness.services import APMServer, Ingest, Shipper
from harness.store import BulkStore

from .schedule import Fault
from .writers import Agent, LogWriter

DISK = "40m"


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A tmpfs that can be filled, where mounting is allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "tmpfs", str(folder)], capture_output=True).returncode == 0
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


class System:
    """Starts everything; `inject` and `recover` do what a fault says."""

    def __init__(self, folder: Path) -> None:
        self.processes = ProcessGroup(folder)
        self.mounts = contextlib.ExitStack()
        self.is_closed = threading.Event()
        logs = folder / "logs"
        logs.mkdir()
        self.store = BulkStore(self.processes).start()
        self.apm_store = BulkStore(self.processes, name="apm-store").start()
        self.ingests = [Ingest(self.processes, [self.store.url], name=f"ingest-{number}") for number in (1, 2, 3)]
        self.haproxy = HAProxy(self.processes, [ingest.port for ingest in self.ingests])
        self.link = CuttingProxy(self.haproxy.port)
        # The second goes through the link that faults cut and stall.
        self.shippers = [
            Shipper(self.processes, [logs / "renamed.log*", logs / "packed.log*"], [self.haproxy.port], self._output(), name="shipper-1"),
            Shipper(self.processes, [logs / "copied.log"], [self.link.port], self._output(), name="shipper-2"),
        ]
        self.apm_server = APMServer(self.processes, [self.apm_store.url], {"spool": {"max_bytes": "16MiB"}}, "apm-server")
        self.disks = {"shipper-2": self.shippers[1].data_directory, "apm-server": self.apm_server.data_directory}
        for data in self.disks.values():
            self.mounts.enter_context(small_disk(data))
        self.writers = [
            LogWriter(logs / "renamed.log", "rename", 1.7), LogWriter(logs / "packed.log", "compress", 3.1),
            LogWriter(logs / "copied.log", "copytruncate", 7.0),
        ]  # fmt: skip
        self.agent = Agent(self.apm_server.port)
        self.children: dict[str, ChildProcess] = {
            "shipper-1": self.shippers[0].process, "shipper-2": self.shippers[1].process, "haproxy": self.haproxy.process,
            "store": self.store.process, "apm-server": self.apm_server.process, "store of apm-server": self.apm_store.process,
        } | {f"ingest-{number}": ingest.process for number, ingest in enumerate(self.ingests, 1)}  # fmt: skip

    @staticmethod
    def _output() -> dict[str, object]:
        """A receiver that is stopped is given up after a while, and connections move on, as behind every balancer."""
        return {"output": {"timeout": "4s", "ttl": "5s"}}

    def start(self) -> None:
        """From the stores to the writers."""
        for service in (*self.ingests, self.haproxy, self.apm_server, *self.shippers):
            service.start()
        for thread in (*self.writers, self.agent):
            thread.start()

    def stop_writing(self) -> None:
        """No more lines and events."""
        for thread in (*self.writers, self.agent):
            thread.stopping.set()
            thread.join(timeout=60)

    @property
    def written(self) -> int:
        """Lines so far."""
        return sum(writer.written for writer in self.writers)

    def inject(self, fault: Fault) -> Callable[[], None]:
        """Begins a fault; what is returned ends it."""
        child = self.children.get(fault.target)
        match fault.kind:
            case "kill -9" if child:
                child.kill()
                return lambda: self._start(child)
            case "SIGTERM" if child:
                child.terminate(40)
                return lambda: self._start(child)
            case "SIGSTOP" if child:
                child.pause()
                return child.resume
            case "disk full":
                return self._fill(self.disks[fault.target])
            case "cut" | "cut in a frame" | "stall" | "refuse":
                return self._break_link(fault.kind)
            case _:
                store = self.store if fault.target == "store" else self.apm_store
                kind, details = {
                    "429": ("status", {"status": 429}),
                    "503": ("status", {"status": 503}),
                    "413": ("body_limit", {"bytes": 60_000}),
                    "429 for some documents": ("item", {"match": "7?q=", "status": 429, "type": "es_rejected_execution_exception"}),
                    "half an answer": ("half_answer", {}),
                    "no answer": ("hang", {}),
                    "stored, then cut": ("cut_after", {}),
                }[fault.kind]
                store.fault(kind, **details)
                return store.clear_faults

    @staticmethod
    def _start(child: ChildProcess) -> None:
        child.start(wait=True)

    @staticmethod
    def _fill(folder: Path) -> Callable[[], None]:
        ballast = folder / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb") as file:
            # On a real disk, where nothing could be mounted, not more than the small one has.
            while file.tell() < 40 << 20:
                file.write(b"\0" * 65_536)
                file.flush()
        return ballast.unlink

    def _break_link(self, kind: str) -> Callable[[], None]:
        if kind == "stall":
            self.link.stall()
            return self.link.flow
        if kind == "refuse":
            self.link.refuse(True)
            self.link.cut()
            return lambda: self.link.refuse(False)
        if kind == "cut in a frame":
            self.link.cut_next_after(10_007)
            return lambda: None
        self.link.cut()
        return lambda: None

    def close(self) -> None:
        """Ends everything that was started here."""
        self.processes.close()
        self.is_closed.set()
        self.link.__exit__()
        self.mounts.close()
