"""A small Ray cluster on this machine: a head and two workers, which end with the test."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
OBJECT_STORE_BYTES = 150 * 2**20


@contextmanager
def two_worker_cluster() -> Iterator[str]:
    """Start the cluster, connect to it, and yield its address."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Imported here, because the other tests are collected without Ray.
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": OBJECT_STORE_BYTES})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=2, object_store_memory=OBJECT_STORE_BYTES)
        ray.init(cluster.address, log_to_driver=False, runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}})
        yield cluster.address
    finally:
        ray.shutdown()
        cluster.shutdown()
