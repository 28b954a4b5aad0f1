"""Every recommendation, one file for each part of a category; `pipelines.posture.registry` reads this folder."""
