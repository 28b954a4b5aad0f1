"""Activity unlike the person, the peers or the organisation."""
