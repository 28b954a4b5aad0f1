"""`python -m pipelines.cli`: the same as `nowguard`."""

from pipelines.cli import main

main()
