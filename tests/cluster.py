"""A Ray cluster on this machine with two workers besides its head: small, without a dashboard, gone with its test."""

import os
from contextlib import contextmanager
from pathlib import Path

# Before Ray is imported, which reads them then: no word to anyone, and the code found by every worker.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent)

import ray  # noqa: E402
from ray.cluster_utils import Cluster  # noqa: E402

MEMORY = 150 * 2**20


@contextmanager
def two_workers():
    """Starts it, joins it, and gives its address."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": MEMORY})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=2, object_store_memory=MEMORY)
        ray.init(cluster.address, log_to_driver=False)
        yield cluster.address
    finally:
        ray.shutdown()
        cluster.shutdown()
