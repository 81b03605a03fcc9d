"""The worker processes of a reader pool."""

import os

import psutil


def worker_processes(parent_pid: int | None = None) -> list[psutil.Process]:
    """Return the worker processes of a process; None for those of this process."""
    processes = psutil.process_iter(["ppid", "cmdline"])
    children = [process for process in processes if process.info["ppid"] == (parent_pid or os.getpid())]
    return [process for process in children if "digits.parallel.worker" in (process.info["cmdline"] or ())]
