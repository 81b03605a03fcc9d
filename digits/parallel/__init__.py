"""Many images at once: cores.py reads them on all cores of this machine, by processes that run worker.py; bulk.py reads
folders and buckets on a Ray cluster. Nothing here is imported by `import digits`.
"""
