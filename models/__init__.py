"""Declarations of anomaly models, one file each, and the adapter to PyOD. Fitted models live under the data directory.

Empty until the model layer lands: rules come first, and a model must earn its place beside them.
"""
