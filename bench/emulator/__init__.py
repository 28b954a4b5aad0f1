"""What the emulator costs: it must not be what slows a benchmark of the client down."""
