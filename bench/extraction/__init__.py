"""What it costs to bring a table from the Table API into the lake, next to what a user would pick instead.

server        a ServiceNow-shaped server that costs next to nothing: rendered once, cut by byte offsets
contract      the 25 columns that it serves
ours          child process: read, check, land under the ledger
raw_bodies    child process: the same requests, decoded bodies to disk (the limit)
with_dlt      child process: dlt's REST source, run by another interpreter (its packages are not in the lock)
with_pysnc    child process: ServiceNow's own client
run           rounds that alternate, CPU seconds and peak memory of whole processes, ratios and goals:
              python -m bench.extraction.run --help
"""
