"""What a trainer wrote, read from files that grow: progress, curves and the log of a run.

Local runs leave these files themselves; for runs in Azure they are mirrored. Either way they are
read here.
"""
