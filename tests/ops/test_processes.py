"""What is known of a process from outside."""

import subprocess
import sys
import time

import psutil
import pytest

from ops.processes import is_over

# The first thread ends, and another one goes on with the port.
PROGRAM = """
import ctypes, socket, threading, time
server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=time.sleep, args=(60,)).start()
print(flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows a process whose first thread has ended as ended")
def test_a_process_is_over_when_its_last_thread_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE) as started:
        assert started.stdout is not None and started.stdout.readline()
        process = psutil.Process(started.pid)
        while process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert not is_over(process)
        process.kill()
        while not is_over(process):
            time.sleep(0.01)
        assert process.num_threads() == 1, "not waited for yet, and nothing of it is left"
    assert is_over(process)


def test_a_process_that_runs_is_not_over() -> None:
    assert not is_over(psutil.Process())
