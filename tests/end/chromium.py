"""A headless Chromium, driven through its DevTools protocol over a pipe: no driver and no library is needed."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
INSTALL = (
    "no Chromium is installed: run requirements/browser.sh (apt-get install chromium), or set CHROMIUM to its path"
)


def chromium() -> str:
    """Give the path of Chromium; raises where there is none."""
    given = os.environ.get("CHROMIUM")
    found = given if given else next(filter(None, map(shutil.which, NAMES)), None)
    assert found, INSTALL
    return found


class Page:
    """One page of a browser that records what it requests and complains about.

    Attributes:
        requests: the URLs of all requests, that of the page itself included.
        complaints: exceptions, console errors and warnings, and violations of the content security policy.
    """

    def __init__(self, width: int = 1100, height: int = 900, dark: bool = False, deadline_s: float = 240.0) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._deadline_s = deadline_s
        self._buffer = b""
        self._next = 0
        self._events: list[dict[str, Any]] = []
        self._folder = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        theirs_in, self._out = _high(os.pipe())
        self._in, theirs_out = _high(os.pipe())

        def pipes() -> None:
            os.dup2(theirs_in, 3)
            os.dup2(theirs_out, 4)

        self._process = subprocess.Popen(
            [
                chromium(), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--remote-debugging-pipe",
                f"--user-data-dir={self._folder.name}", "about:blank",
            ],
            close_fds=False, preexec_fn=pipes, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        targets = self._call("Target.getTargets", session=None)["targetInfos"]
        target = next(one["targetId"] for one in targets if one["type"] == "page")
        attached = self._call("Target.attachToTarget", {"targetId": target, "flatten": True}, session=None)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        self.show(width, height, dark)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)
        self._folder.cleanup()

    def show(self, width: int, height: int, dark: bool) -> None:
        """Set the size of the window, and which colours the reader's system asks for."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self._call("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._call("Emulation.setEmulatedMedia", {"features": features})

    def open(self, path: Path, query: str = "") -> None:
        """Open a file, and wait until it is loaded and its pictures are drawn."""
        self._events.clear()
        self._call("Page.navigate", {"url": path.absolute().as_uri() + f"?{query}" * bool(query)})
        self._wait("Page.loadEventFired")
        drawn = "new Promise(done => setTimeout(() => done(document.body.dataset.pictures !== 'drawing'), 100))"
        while not self.evaluate(drawn):
            pass

    def evaluate(self, script: str) -> Any:
        """Give what an expression of JavaScript comes to, promises awaited."""
        sent = {"expression": script, "returnByValue": True, "awaitPromise": True}
        done = self._call("Runtime.evaluate", sent)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def screenshot(self, path: Path, whole: bool = True) -> None:
        """Keep a picture of the page."""
        path.parent.mkdir(parents=True, exist_ok=True)
        shot = self._call("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": whole})
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self) -> bytes:
        """Print the page."""
        return base64.b64decode(self._call("Page.printToPDF", {"printBackground": True})["data"])

    # --- the protocol: JSON, each message followed by a zero byte --------------------------------------------

    def _call(self, method: str, params: dict[str, Any] | None = None, session: str | None = "") -> dict[str, Any]:
        self._next += 1
        message: dict[str, Any] = {"id": self._next, "method": method, "params": params or {}}
        if session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        wanted = self._next
        while True:
            answer = self._read(method)
            if answer.get("id") == wanted:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result

    def _wait(self, event: str) -> None:
        while not any(one.get("method") == event for one in self._events):
            self._read(event)

    def _read(self, awaited: str) -> dict[str, Any]:
        end = time.monotonic() + self._deadline_s
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"Chromium did not answer {awaited} within {self._deadline_s} s"
            read = os.read(self._in, 1 << 20)
            assert read, f"Chromium ended while it was asked for {awaited}"
            self._buffer += read
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self._events.append(message)
            self._note(message["method"], message["params"])
        return message

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"])[:1000])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(params["args"])[:1000])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(params["entry"]["text"])


def _high(pair: tuple[int, int]) -> tuple[int, int]:
    """Move both ends of a pipe above the numbers that Chromium takes."""
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in pair)
    for end in pair:
        os.close(end)
    return moved[0], moved[1]
