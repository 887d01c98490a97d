"""A program that keeps its work in containers, and its tests with a simulated Docker in Docker's place.

    DOCKER_HOST=unix:///run/sim.sock python3 -m unittest test_answers
"""

# ANCHOR: program
import docker


def answer_of(client, question):
    """Asks in a container that takes an hour, and tidies up."""
    container = client.containers.run(
        "busybox", ["sh", "-c", f"sleep 3600; echo '{question}: 42'"], network_mode="none", detach=True
    )
    try:
        if container.wait()["StatusCode"] != 0:
            raise RuntimeError(container.logs(stdout=False).decode())
        return container.logs().decode()
    finally:
        container.remove(force=True)


# ANCHOR_END: program
# ANCHOR: suite
import time
import unittest


class Answers(unittest.TestCase):
    def setUp(self):
        self.client = docker.from_env()
        self.addCleanup(self.client.close)
        self.begun = time.monotonic()

    def test_an_hour_of_work_takes_no_time(self):
        self.assertEqual(answer_of(self.client, "everything"), "everything: 42\n")
        self.assertLess(time.monotonic() - self.begun, 60)
        self.assertEqual(self.client.containers.list(all=True), [])

    def test_files_and_programs_of_a_container(self):
        container = self.client.containers.run("busybox", "sleep 60", network_mode="none", detach=True)
        self.addCleanup(container.remove, force=True)
        code, output = container.exec_run(["sh", "-c", "echo kept > /tmp/f; cat /tmp/f; exit 3"])
        self.assertEqual((code, output), (3, b"kept\n"))
        self.assertEqual(container.status, "created")
        container.reload()
        self.assertEqual(container.status, "running")

    def test_what_does_not_exist_is_not_found(self):
        with self.assertRaises(docker.errors.ImageNotFound):
            self.client.containers.create("no-such-image")
        with self.assertRaises(docker.errors.NotFound):
            self.client.containers.get("no-such-container")


# ANCHOR_END: suite
if __name__ == "__main__":
    unittest.main()
