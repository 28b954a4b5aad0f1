"""One file a model: what it looks at, beside whom, and how many rows it may raise. See `models.core.Model`."""
