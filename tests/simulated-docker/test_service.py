"""testcontainers for Python: a service that a suite starts for itself, and what it does with it.

Ryuk, the container with which testcontainers tidies up behind a suite that was killed, is an image of its own on Docker Hub and is
switched off: TESTCONTAINERS_RYUK_DISABLED=true. Ports of a simulated host are its own; with PORTS_ARE_REAL this connects to them.
"""

import os
import socket
import time
import unittest

from testcontainers.core.container import DockerContainer
from testcontainers.core.waiting_utils import wait_for_logs


class Service(unittest.TestCase):
    def test_a_service_is_there_when_it_says_so(self):
        answering = ["sh", "-c", "echo ready $WHO; while true; do echo hello | nc -l -p 80; done"]
        with DockerContainer("busybox").with_command(answering).with_env("WHO", "me").with_exposed_ports(80) as service:
            wait_for_logs(service, "ready me", timeout=30)
            done = service.exec(["sh", "-c", "echo inside; exit 3"])
            self.assertEqual((done.exit_code, done.output), (3, b"inside\n"))
            port = int(service.get_exposed_port(80))
            self.assertGreater(port, 0)
            if os.environ.get("PORTS_ARE_REAL"):
                self.assertEqual(self.said_at(port), b"hello\n")
            out, err = service.get_logs()
            self.assertEqual((out, err), (b"ready me\n", b""))

    def said_at(self, port):
        # The program inside listens anew for each client.
        for _ in range(100):
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                    if said := client.recv(100):
                        return said
            except OSError:
                pass
            time.sleep(0.05)
        return b""


if __name__ == "__main__":
    unittest.main()
