"""What one day hands to the next: state(D) = f(state(D-1), day D). Partition D is the state at the end of D."""
