"""Measure Ray on one core and on two: python -m benchmarks.cluster [--save FILE]

It measures bulk reading by Ray Data and deploy/serve_app.py on Ray Serve, on a cluster of this machine. The cluster and
its clients are bound to that number of cores. It needs requirements-ray.txt. docs/scaling.md calculates with these
figures.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psutil

from benchmarks.load import digit_crops, digit_photos
from benchmarks.load_generator import LoadGenerator, post_request
from benchmarks.servers import free_port, process_tree
from benchmarks.speed import temporary_folders
from benchmarks.tables import show

CORE_COUNTS = (1, 2)
API_CLIENTS = 8
API_MEASUREMENT_SECONDS = 15

# The processes that handle a request, by their names in Ray.
REQUEST_PROCESSES = ("ray::ServeReplica:default:Reader", "ray::ServeReplica:default:Ingress", "ray::ProxyActor")


def main() -> None:
    """Measure both on each number of cores, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the tables there as well")
    args = parser.parse_args()
    lines = [
        "Ray Data, as many actors as cores; the rate is that after the start:",
        "",
        "| files | actors | start | files/s | processor time a file |",
        "|---|---|---|---|---|",
        *(row for cores in CORE_COUNTS for row in _run_in_process(measure_bulk, cores)),
        "",
        f"Ray Serve, as many readers as cores, {API_CLIENTS} callers on the same cores; processor time a request:",
        "",
        "| image | readers | requests/s | p50 | p99 | reader | ingress | proxy |",
        "|---|---|---|---|---|---|---|---|",
        *(row for cores in CORE_COUNTS for row in _run_in_process(measure_api, cores)),
    ]
    show(lines, args.save)


def measure_bulk(cores: int) -> list[str]:
    """Return table rows: the rate of reading folders, and the processor time of all of Ray per file."""
    import ray

    from digits.parallel.bulk import BULK, read_to_parquet

    os.sched_setaffinity(0, range(cores))
    ray.init("local", num_cpus=cores + BULK.spare_slots, include_dashboard=False, log_to_driver=False)

    def measure(paths: list[Path]) -> tuple[float, float]:
        with tempfile.TemporaryDirectory() as out:
            began, used = time.perf_counter(), sum(map(_processor_seconds, process_tree(os.getpid())))
            read_to_parquet([str(path) for path in paths], out)
            used = sum(map(_processor_seconds, process_tree(os.getpid()))) - used
            return time.perf_counter() - began, used

    rows = []
    for name, paths in temporary_folders():
        measure(paths[:1])  # the first run starts Ray's own processes
        start, used_to_start = measure(paths[:1])
        seconds, used = measure([paths[0].parent])
        rate, each = (len(paths) - 1) / (seconds - start), (used - used_to_start) / (len(paths) - 1)
        rows.append(f"| {len(paths):,} of a 7, {name} | {cores} | {start:.1f} s | {rate:.0f} | {1000 * each:.1f} ms |")
    return rows


def measure_api(cores: int) -> list[str]:
    """Return table rows: throughput, latencies, and processor time per request of each kind of process."""
    import ray
    from ray import serve

    from deploy.serve_app import Ingress, Reader

    os.sched_setaffinity(0, range(cores))
    ray.init("local", num_cpus=cores + 1, include_dashboard=False, log_to_driver=False)
    port = free_port()
    serve.start(http_options={"port": port})
    serve.run(Ingress.bind(Reader.options(autoscaling_config=None, num_replicas=cores).bind()))
    rows = []
    for kind, images in {"28x28 digit": digit_crops(), "560x420 photo of a digit": digit_photos()}.items():
        requests = [post_request("/predict", image, "image/png") for image in images]
        generator = LoadGenerator(f"http://127.0.0.1:{port}", requests)
        asyncio.run(generator.run_closed_loop(API_CLIENTS, API_MEASUREMENT_SECONDS / 3))
        used = [_used_by(name) for name in REQUEST_PROCESSES]
        responses = asyncio.run(generator.run_closed_loop(API_CLIENTS, API_MEASUREMENT_SECONDS))
        per_request = [
            1000 * (_used_by(name) - before) / len(responses) for name, before in zip(REQUEST_PROCESSES, used)
        ]
        assert {response.status for response in responses} == {200}
        p50, p99 = np.percentile([response.seconds for response in responses], (50, 99))
        rows.append(
            f"| {kind} | {cores} | {len(responses) / API_MEASUREMENT_SECONDS:.0f} "
            f"| {1000 * p50:.0f} ms | {1000 * p99:.0f} ms | "
            + " | ".join(f"{milliseconds:.1f} ms" for milliseconds in per_request)
            + " |"
        )
    return rows


def _run_in_process(measurement: Callable[[int], list[str]], cores: int) -> list[str]:
    """Run a measurement in its own process; the cluster ends with the process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(measurement, cores).result()


def _used_by(name: str) -> float:
    """Return the processor seconds of the processes whose command line starts with a name."""
    named = (process for process in process_tree(os.getpid()) if " ".join(process.cmdline()).startswith(name))
    return sum(map(_processor_seconds, named))


def _processor_seconds(process: psutil.Process) -> float:
    """Return the processor seconds of a process and of its children that have ended."""
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
