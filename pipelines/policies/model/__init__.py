"""Policies that raise what an anomaly model finds strange. They warn; they never cause a governance action by themselves."""
