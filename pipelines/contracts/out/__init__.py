"""What was found: detections with their evidence, coverage, quality results."""
