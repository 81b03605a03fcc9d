"""What Ray makes of one core and of two: python -m benchmarks.cluster [--save FILE]

Bulk reading by Ray Data, and deploy/serve_app.py by Ray Serve, on a cluster of this machine that is bound to so many
cores, with those who ask it. It needs requirements-ray.txt. docs/scaling.md reckons with what is printed here.
"""

import argparse
import asyncio
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psutil

from benchmarks.callers import Callers, post
from benchmarks.load import frames, photos
from benchmarks.servers import family, free_port
from benchmarks.speed import folders
from benchmarks.tables import show

CORES = (1, 2)
CALLERS = 8
SECONDS = 15  # of each measurement of the API

# Who takes a request on its way, by the names of Ray's processes.
ROLES = ("ray::ServeReplica:default:Reader", "ray::ServeReplica:default:Door", "ray::ProxyActor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the tables there as well")
    args = parser.parse_args()
    lines = [
        "Ray Data, as many actors as cores; the rate is that after the start:",
        "",
        "| files | actors | start | files/s | processor time a file |",
        "|---|---|---|---|---|",
        *(row for cores in CORES for row in _alone(bulk, cores)),
        "",
        f"Ray Serve, as many readers as cores, {CALLERS} callers on the same cores; processor time a request:",
        "",
        "| image | readers | requests/s | p50 | p99 | reader | door | proxy |",
        "|---|---|---|---|---|---|---|---|",
        *(row for cores in CORES for row in _alone(api, cores)),
    ]
    show(lines, args.save)


def bulk(cores: int) -> list[str]:
    """Rows of a table: how fast folders are read, and what that takes of the processor, all of Ray included."""
    import ray

    from digits.parallel.bulk import SPARE_SLOTS, read_all

    os.sched_setaffinity(0, range(cores))
    ray.init("local", num_cpus=cores + SPARE_SLOTS, include_dashboard=False, log_to_driver=False)

    def measured(paths: list[Path]) -> tuple[float, float]:
        with tempfile.TemporaryDirectory() as out:
            began, used = time.perf_counter(), sum(map(_processor_seconds, family(os.getpid())))
            read_all([str(path) for path in paths], out)
            used = sum(map(_processor_seconds, family(os.getpid()))) - used
            return time.perf_counter() - began, used

    rows = []
    for name, paths in folders():
        measured(paths[:1])  # Ray's own processes start with the first run
        start, used_to_start = measured(paths[:1])
        seconds, used = measured([paths[0].parent])
        rate, each = (len(paths) - 1) / (seconds - start), (used - used_to_start) / (len(paths) - 1)
        rows.append(f"| {len(paths):,} of a 7, {name} | {cores} | {start:.1f} s | {rate:.0f} | {1000 * each:.1f} ms |")
    return rows


def api(cores: int) -> list[str]:
    """Rows of a table: requests a second, latencies, and the processor time of each who has a request in hand."""
    import ray
    from ray import serve

    from deploy.serve_app import Door, Reader

    os.sched_setaffinity(0, range(cores))
    ray.init("local", num_cpus=cores + 1, include_dashboard=False, log_to_driver=False)
    port = free_port()
    serve.start(http_options={"port": port})
    serve.run(Door.bind(Reader.options(autoscaling_config=None, num_replicas=cores).bind()))
    rows = []
    for kind, images in {"28x28 digit": frames(), "560x420 photo of a digit": photos()}.items():
        callers = Callers(f"http://127.0.0.1:{port}", [post("/predict", image, "image/png") for image in images])
        asyncio.run(callers.waiting(CALLERS, SECONDS / 3))
        used = [_used_by(role) for role in ROLES]
        answers = asyncio.run(callers.waiting(CALLERS, SECONDS))
        each = [1000 * (_used_by(role) - before) / len(answers) for role, before in zip(ROLES, used)]
        assert {answer.status for answer in answers} == {200}
        p50, p99 = np.percentile([answer.seconds for answer in answers], (50, 99))
        rows.append(
            f"| {kind} | {cores} | {len(answers) / SECONDS:.0f} | {1000 * p50:.0f} ms | {1000 * p99:.0f} ms | "
            + " | ".join(f"{milliseconds:.1f} ms" for milliseconds in each)
            + " |"
        )
    return rows


def _alone(measurement, cores: int) -> list[str]:
    """In a process of its own, with which the cluster ends."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measurement, cores).result()


def _used_by(role: str) -> float:
    return sum(_processor_seconds(one) for one in family(os.getpid()) if " ".join(one.cmdline()).startswith(role))


def _processor_seconds(process: psutil.Process) -> float:
    """Of a process, and of its children that have ended."""
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
