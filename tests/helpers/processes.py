"""The processes that a pool of readers has started."""

import os

import psutil


def processes(of=None):
    """The processes of a process's pool; this one's, unless another is named."""
    there = psutil.process_iter(["ppid", "cmdline"])
    ours = [process for process in there if process.info["ppid"] == (of or os.getpid())]
    return [process for process in ours if "digits.parallel.worker" in (process.info["cmdline"] or ())]
