"""Typed, joined and enriched tables: what policies, features and people read."""
