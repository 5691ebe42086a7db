"""A Jupyter server on a folder of its own, whose settings and kernels are nobody else's; for the tour and the browser tests."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat

NEWS = "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
QUIET = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
THEMES = "@jupyterlab/apputils-extension/themes.jupyterlab-settings"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


class Jupyter:
    """A Jupyter server on a folder of its own; serves JupyterLab and Notebook 7.

    folder: empty; notebooks go to its folder `root`;  dark: the dark theme.
    """

    def __init__(self, folder: Path, dark=False):
        self.folder, self.root, self.token = folder, folder / "root", "test"
        self.root.mkdir()
        self.choose(NEWS, QUIET)
        if dark:
            self.choose(THEMES, {"theme": "JupyterLab Dark"})
        self.start()

    def choose(self, name, settings):
        """What a reader chose in the settings editor; holds from the next start on."""
        file = self.folder / "settings" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))

    def start(self):
        """Start the server; `wait` says when it answers."""
        folder = self.folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        own = {
            name: str(folder / name.lower())
            for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        }
        labs = {
            "JUPYTERLAB_SETTINGS_DIR": folder / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
        }
        self.log = (folder / "server.log").open("a")
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={self.port}"]
        options = [f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={self.root}"]
        self.process = subprocess.Popen(
            [*command, "--ServerApp.port_retries=0", *options],
            env=os.environ | own | {name: str(path) for name, path in labs.items()},
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def request(self, path, method="GET"):
        """The server's answer to a request of its interface."""
        url = f"http://127.0.0.1:{self.port}/api/{path}?token={self.token}"
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=5) as answer:
            return json.loads(answer.read() or "null")

    def wait(self, seconds=30):
        """Until the server answers; RuntimeError with its log if it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                return self.request("status")
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"the Jupyter server did not start:\n{Path(self.log.name).read_text()[-3000:]}")

    def wait_for_kernel(self, name, seconds=30):
        """Until the kernel of a notebook has a listener and nothing to do; the page's own indicator is too early."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            kernels = [session["kernel"] for session in self.request("sessions") if session["path"] == name]
            if any(kernel["connections"] and kernel["execution_state"] == "idle" for kernel in kernels):
                return
            time.sleep(0.05)
        raise RuntimeError(f"the kernel of {name} did not start in {seconds} seconds")

    def end_sessions(self, seconds=20):
        """Shut every kernel down; the server refuses while one is just being restarted, so ask again."""
        deadline = time.monotonic() + seconds
        while sessions := self.request("sessions"):
            try:
                self.request(f"sessions/{sessions[0]['id']}", "DELETE")
            except urllib.error.HTTPError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def put(self, name, cells) -> str:
        """Write a notebook of code cells and return its name."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = KERNEL
        nbformat.write(notebook, self.root / name)
        return name

    def url(self, interface, name):
        """Where a page finds a notebook, in "lab" or in "notebook"."""
        path = f"lab/tree/{name}?reset&" if interface == "lab" else f"notebooks/{name}?"
        return f"http://127.0.0.1:{self.port}/{path}token={self.token}"

    def close(self):
        """End the server, and with it all kernels."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()
