"""A Ray cluster on this machine with two workers besides its head: small, and gone with its test."""

import os
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
MEMORY = 150 * 2**20


@contextmanager
def two_workers():
    """Starts it, joins it, and gives its address."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Here, not above: the other tests are collected where there is no Ray.
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": MEMORY})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=2, object_store_memory=MEMORY)
        ray.init(cluster.address, log_to_driver=False, runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}})
        yield cluster.address
    finally:
        ray.shutdown()
        cluster.shutdown()
