"""Read many images at once: process_pool.py reads them on all cores of this machine, in processes that run worker.py;
bulk.py reads folders and buckets on a Ray cluster. `import digits` imports nothing of this package.
"""
